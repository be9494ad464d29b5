"""The physics: local rates and laws on nodal arrays, and operators as UFL forms."""
