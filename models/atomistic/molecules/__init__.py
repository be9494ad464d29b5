"""Energies of molecules and ions: xTB geometries, density functional theory, thermodynamics."""
