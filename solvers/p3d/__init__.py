"""A whole cell in three dimensions: heat, collectors, and a local model at every place."""
