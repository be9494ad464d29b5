"""Geometries with named boundaries, importers, resolution checks and collective helpers."""
