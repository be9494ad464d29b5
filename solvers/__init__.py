"""The discretised problem, time stepping, outputs, checkpoints and diagnostics."""
