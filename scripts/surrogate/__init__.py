"""Training of networks that leap: data, fitting, evaluation."""
