"""Network of the elementary reactions that make the film: species, energies, paths, yields."""
