"""Liquids by classical molecular dynamics: density, diffusion, conduction, permittivity."""
