"""Benchmarks: the project's own classes beside the ways others write the same problems."""
