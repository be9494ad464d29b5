"""Physical constants in SI units.

Source: CODATA 2018; E. Tiesinga, P. J. Mohr, D. B. Newell, B. N. Taylor, Rev. Mod. Phys. 93,
025010 (2021). All but the electron mass are exact since the SI of 2019 (or products of exact
numbers, computed here rather than rounded).
"""

from typing import Final

ELEMENTARY_CHARGE: Final = 1.602176634e-19
"""e [C], exact."""

AVOGADRO: Final = 6.02214076e23
"""N_A [1/mol], exact."""

BOLTZMANN: Final = 1.380649e-23
"""k_B [J/K], exact."""

PLANCK: Final = 6.62607015e-34
"""h [J s], exact."""

HBAR: Final = PLANCK / (2.0 * 3.141592653589793)
"""h/(2 pi) [J s], exact."""

FARADAY: Final = ELEMENTARY_CHARGE * AVOGADRO
"""F = e N_A [C/mol], exact."""

GAS_CONSTANT: Final = BOLTZMANN * AVOGADRO
"""R = k_B N_A [J/(mol K)], exact."""

ELECTRON_MASS: Final = 9.1093837015e-31
"""m_e [kg], relative uncertainty 3e-10."""

VACUUM_PERMITTIVITY: Final = 8.8541878128e-12
"""eps_0 [F/m], relative uncertainty 2e-10."""
