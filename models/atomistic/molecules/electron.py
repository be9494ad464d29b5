"""Electron affinities and the reorganisation energy of an electron transfer."""

from __future__ import annotations

from dataclasses import dataclass, field

from interphase.models.atomistic.extras import versions_of
from interphase.models.atomistic.molecules.cycle import ONE_LEVEL, PACKAGES
from interphase.models.atomistic.molecules.dft import Level
from interphase.models.atomistic.molecules.molecule import Molecule, molecule
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.models.atomistic.result import Computed, Setting


@dataclass(frozen=True)
class ElectronTransfer:
    """The four points of an electron transfer: two charges, each at both geometries.

    Attributes:
        name: of the molecule before the transfer.
        level: of the energies.
        xtb: gives the geometries.
        solvated: whether the energies are those in the implicit solvent.
    """

    name: str
    level: Level
    xtb: XTB = field(default_factory=XTB)
    solvated: bool = False

    def run(self) -> tuple[Computed, ...]:
        """Return vertical and adiabatic affinity and the inner reorganisation energy.

        The reorganisation energy of one molecule at an electrode is half of Nelsen's sum, which
        is that of a self-exchange between two molecules.

        Source: Nelsen, Blackstock & Kim, J. Am. Chem. Soc. 109, 677 (1987).
        """
        before = self.xtb.relaxed(molecule(self.name))
        charged = before.ionised(
            f"{self.name} with an electron", before.charge - 1, 1 - before.unpaired % 2
        )
        after = self.xtb.relaxed(charged)
        uncharged = after.ionised(before.name, before.charge, before.unpaired)
        vertical = self._energy(before) - self._energy(charged)
        back = self._energy(uncharged) - self._energy(before)
        forth = self._energy(charged) - self._energy(after)
        return (
            self._value("electron_affinity", f"{self.name} vertical", {"vertical": vertical}),
            self._value("electron_affinity", f"{self.name} adiabatic",
                        {"vertical": vertical, "relaxation": forth}),
            self._value("reorganisation_energy", self.name,
                        {"with the electron": forth / 2.0, "without": back / 2.0},
                        "inner part at an electrode; the solvent's is not in it"),
        )  # fmt: skip

    def _energy(self, one: Molecule) -> float:
        return self.level.energy(one, solvated=self.solvated)

    def _value(self, quantity: str, of: str, terms: dict[str, float], note: str = "") -> Computed:
        settings: dict[str, Setting] = self.level.settings() | {
            "geometry": self.xtb.name,
            "solvated": self.solvated,
        }
        return Computed(quantity, of, sum(terms.values()), "eV", ONE_LEVEL,
                        f"{self.level.name} on geometries of {self.xtb.name}", settings,
                        versions_of(PACKAGES), terms, note)  # fmt: skip
