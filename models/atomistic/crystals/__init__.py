"""Properties of crystals by any calculator of ASE: classical, machine-learned or ab initio."""
