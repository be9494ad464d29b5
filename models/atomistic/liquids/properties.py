"""Properties of a liquid electrolyte from one run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interphase.models.atomistic import transport
from interphase.models.atomistic.extras import versions_of
from interphase.models.atomistic.liquids.box import Box, filled
from interphase.models.atomistic.liquids.dynamics import Plan, Trajectory, run
from interphase.models.atomistic.liquids.forcefield import ForceField, force_field
from interphase.models.atomistic.result import Computed, Setting
from interphase.models.atomistic.store import Store
from interphase.parameters.constants import AVOGADRO
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import Range, Uncertainty

logger = logging.getLogger(__name__)

# A molecule has left its place when it has moved by about the distance of two [m].
_PLACE: Final = 0.4e-9
# Lags at which ions have left their shells: their currents remember some tens of picoseconds [s].
_REMEMBERED: Final = (40e-12, 120e-12)
_NOTE: Final = "range: twice the block error, without that of the force field"


@dataclass(frozen=True)
class LiquidProperties:
    """Density, diffusivities, conductivities and permittivity of one liquid.

    What the run is too short for is said in a warning with the length that is needed, and left
    out.

    Attributes:
        name: for messages and tables.
        numbers: of each molecule in the box.
        plan: how it is run.
        viscosity: of the liquid, for the correction of the diffusivities for the finite box
            [Pa s]; None leaves it out.
        formula_units: of the name in the box, for the molar volume; None for a mixture.
        screening: of all charges, for comparison; None takes that of the force field.
        store: of earlier runs; with a file it keeps what a run has so far.
    """

    name: str
    numbers: Mapping[str, int]
    plan: Plan = field(default_factory=Plan)
    viscosity: float | None = None
    formula_units: int | None = None
    screening: float | None = None
    store: Store = field(default_factory=Store, compare=False, repr=False)

    @property
    def force_field(self) -> ForceField:
        """The force field with this screening."""
        field = force_field()
        return field if self.screening is None else replace(field, screening=self.screening)

    def run(self) -> tuple[Computed, ...]:
        """Return what the run is long enough for.

        Raises:
            AtomisticError: if it is too short for everything but the density, or cannot be run.
        """
        box = filled(self.force_field, self.numbers, self.plan.seed)
        return self.analysed(box, run(box, self.plan, self.store))

    def analysed(self, box: Box, found: Trajectory) -> tuple[Computed, ...]:
        """Return the properties that a trajectory is long enough for."""
        drift = self._drift(box, found)
        parts: list[Callable[[], list[Computed]]] = [
            partial(self._diffusivity, box, found, kind, drift) for kind in self.numbers
        ]
        ionic = any(one.formal_charge for one in box.members)
        rest = (self._ions_alone, self._correlated) if ionic else (self._permittivity,)
        parts += [partial(part, box, found) for part in rest]
        values = self._density(box, found)
        for part in parts:
            try:
                values += part()
            except AtomisticError as error:
                logger.warning("left out: %s", error)
        return tuple(values)

    @property
    def _at(self) -> str:
        charges = "" if self.screening is None else f", charges by {self.screening:g}"
        return f"{self.name} at {self.plan.temperature:g} K{charges}"

    def _density(self, box: Box, found: Trajectory) -> list[Computed]:
        mass = float(box.masses().sum()) * 1e-3 / AVOGADRO
        volume = transport.block_mean(found.volumes)
        density, error = mass / volume.value, mass * volume.error / volume.value**2
        values = [
            self._value("density", self._at, density, "kg/m^3", _spread(density, error),
                        note=_NOTE)
        ]  # fmt: skip
        if self.formula_units is not None:
            molar = AVOGADRO / self.formula_units
            values.append(
                self._value("molar_volume", f"{self._at}", molar * volume.value, "m^3/mol",
                            _spread(molar * volume.value, molar * volume.error),
                            note=_NOTE)
            )  # fmt: skip
        return values

    def _drift(self, box: Box, found: Trajectory) -> transport.Array:
        """Return the motion of the centre of mass, which a small box would count as diffusion."""
        starts = box.starts()
        masses = np.add.reduceat(box.masses(), starts[:-1])
        return np.asarray(np.einsum("fmd,m->fd", found.centres, masses) / masses.sum())

    def _diffusivity(
        self, box: Box, found: Trajectory, kind: str, drift: transport.Array
    ) -> list[Computed]:
        ours = np.array([one.name == kind for one in box.members])
        positions = found.centres[:, ours] - drift[:, None]
        what = f"{kind} in {self._at}"
        bare = transport.diffusion(positions, found.interval, _PLACE, f"{what} (s, m)")
        terms = {"box": bare.value}
        if self.viscosity is not None:
            terms["finite size"] = self._finite_size(found)
        value = sum(terms.values())
        said = "" if self.viscosity else "; not corrected for the finite box, which slows"
        return [
            self._value("diffusivity", what, value, "m^2/s", _spread(value, bare.error),
                        note=_NOTE + said, terms=terms),
        ]  # fmt: skip

    def _finite_size(self, found: Trajectory) -> float:
        """Return what the box takes from every self-diffusivity, 0 without a viscosity [m^2/s]."""
        if self.viscosity is None:
            return 0.0
        edge = found.volume ** (1.0 / 3.0)
        return transport.finite_size(self.plan.temperature, self.viscosity, edge)

    def _ions(
        self, box: Box, found: Trajectory
    ) -> tuple[transport.Array, transport.Array, NDArray[np.str_]]:
        """Return positions [m], charges [e] and kinds of the ions, the box at rest."""
        charges = np.array([float(one.formal_charge) for one in box.members])
        charged = charges != 0.0
        kinds = np.array([one.name for one in box.members])
        positions = found.centres - self._drift(box, found)[:, None]
        return positions[:, charged], charges[charged], kinds[charged]

    def _ions_alone(self, box: Box, found: Trajectory) -> list[Computed]:
        """Return conductivity and transference number from self-diffusivities."""
        positions, charges, names = self._ions(box, found)
        single = {
            kind: transport.diffusion(
                positions[:, names == kind], found.interval, _PLACE, f"{kind} in {self._at} (s, m)"
            )
            for kind in dict.fromkeys(names.tolist())
        }
        # every block gives a conductivity and a transference number of its own
        blocks = np.array([single[kind].blocks for kind in names])
        at = found.volume, self.plan.temperature
        free = transport.block_mean(transport.nernst_einstein(charges, blocks, *at))
        taken = self._finite_size(found)
        terms = {"box": free.value}
        if taken:
            lost = transport.nernst_einstein(charges, np.full((len(charges), 1), taken), *at)
            terms["finite size"] = float(lost[0])
        value = sum(terms.values())
        carried = charges[:, None] ** 2 * (blocks + taken)
        cation = transport.block_mean(carried[charges > 0].sum(axis=0) / carried.sum(axis=0))
        return [
            self._value("ionic_conductivity", f"{self._at}, ions alone", value, "S/m",
                        _spread(value, free.error), terms=terms,
                        note=f"Nernst-Einstein: no correlation between ions; {_NOTE}"),
            self._value("transference_number", self._at, cation.value, "1",
                        _spread(cation.value, cation.error),
                        note=f"from self-diffusivities; {_NOTE}"),
        ]  # fmt: skip

    def _correlated(self, box: Box, found: Trajectory) -> list[Computed]:
        """Return the conductivity with all correlations: a current needs no ion to go far alone."""
        positions, charges, _ = self._ions(box, found)
        full = transport.einstein_conductivity(
            positions, charges, found.interval, found.volume, self.plan.temperature,
            _REMEMBERED, self._at,
        )  # fmt: skip
        return [
            self._value("ionic_conductivity", self._at, full.value, "S/m",
                        _spread(full.value, full.error), note=_NOTE),
        ]  # fmt: skip

    def _permittivity(self, box: Box, found: Trajectory) -> list[Computed]:
        estimate = transport.permittivity(
            found.dipoles, found.interval, found.volume, self.plan.temperature, self._at
        )
        # 1 of the vacuum is in the estimate, the electrons' part is what screens
        electrons = box.field.screening**-2
        terms = {"electrons": electrons, "molecules": estimate.value - 1.0}
        value = sum(terms.values())
        return [
            self._value("relative_permittivity", self._at, value, "1",
                        _spread(value, estimate.error), note=_NOTE, terms=terms),
        ]  # fmt: skip

    def _value(
        self, quantity: str, of: str, value: float, unit: str, spread: Uncertainty, *,
        note: str, terms: Mapping[str, float] | None = None,
    ) -> Computed:  # fmt: skip
        settings: dict[str, Setting] = {"molecules": [f"{n} {k}" for k, n in self.numbers.items()]}
        settings |= asdict(self.plan)
        used = self.force_field
        method = f"{used.name}, screened by {used.screening:g}"
        return Computed(quantity, of, value, unit, spread, method, settings,
                        versions_of(("openmm",)), terms or {}, note)  # fmt: skip


def _spread(value: float, error: float) -> Uncertainty:
    return Range(value - 2.0 * error, value + 2.0 * error)


SCREENINGS: Final[Mapping[str, float | None]] = {"gaff": None, "gaff-bare": 1.0}
"""Methods by name: with the force field's screening of charges, and without any."""

LIQUIDS: Final[Mapping[str, LiquidProperties]] = {
    one.name: one
    for one in (
        LiquidProperties("EC", {"EC": 64}, viscosity=1.9e-3, formula_units=64),
        LiquidProperties("DMC", {"DMC": 64}, viscosity=5.0e-4, formula_units=64),
        LiquidProperties("EMC", {"EMC": 64}, viscosity=5.3e-4, formula_units=64),
        LiquidProperties(
            "EC:DMC + 1 M LiPF6",
            {"EC": 40, "DMC": 28, "Li+": 5, "PF6-": 5},
            Plan(temperature=298.15, transport=3000.0, every=1.0),
            viscosity=4.0e-3,
        ),
        LiquidProperties(
            "amorphous Li2EDC",
            {"Li+": 54, "EDC2-": 27},
            Plan(temperature=298.15, mixed=900.0, settle=200.0, transport=60.0, cutoff=0.75),
            formula_units=27,
        ),
    )
}
"""Liquids by name; EC and DMC stand about 4:3. Viscosities as measured, recalled: of solvents at
313 K, Ding et al., J. Electrochem. Soc. 148, A1196 (2001); of the electrolyte at 298 K, half EC by
mass, Porion et al., Electrochim. Acta 114, 95 (2013), good to some tenths."""
