"""Proposers of leaps: what a film looks like after its front has advanced by a given way."""
