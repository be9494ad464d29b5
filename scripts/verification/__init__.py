"""The analytic limits of the model, one function each, for the command `verify` and the tests."""
