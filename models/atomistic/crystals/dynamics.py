"""Diffusion of ions and vacancies in a crystal by molecular dynamics, and its activation energy."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from interphase.models.atomistic.arrhenius import activation
from interphase.models.atomistic.crystals.base import CrystalCalculation
from interphase.models.atomistic.crystals.relax import ANGSTROM
from interphase.models.atomistic.extras import load
from interphase.models.atomistic.result import Computed, Setting
from interphase.models.atomistic.store import Store
from interphase.models.atomistic.transport import Array, Diffusion, diffusion, walker
from interphase.parameters.errors import AtomisticError
from interphase.parameters.provenance import Range

if TYPE_CHECKING:
    from ase import Atoms

logger = logging.getLogger(__name__)

# Lags beyond the first swings of an ion about its site [fs].
_REACH: Final = (60.0, 240.0)

Matrix = tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]

DOUBLED: Final[Matrix] = ((0, 1, 1), (1, 0, 1), (1, 1, 0))
"""Edges of a cubic face-centred crystal's primitive cell, doubled: images are 1.41 edges apart."""


@dataclass(frozen=True)
class Diffusivity(CrystalCalculation):
    """Self-diffusivity of lithium by Langevin dynamics at constant volume.

    Attributes:
        temperature: of the thermostat [K].
        supercell: conventional cells along each edge, or edges in units of those of the cell.
        vacancies: lithium atoms that are taken out.
        steps: of the run, after a tenth of it for equilibration.
        timestep: [fs].
        friction: of the thermostat, weak against the lattice's own [1/fs].
        every: steps between stored frames.
        seed: of the first velocities and the thermostat.
        ion: the element that diffuses.
    """

    temperature: float = 1000.0
    supercell: tuple[int, int, int] | Matrix = (2, 2, 2)
    vacancies: int = 1
    steps: int = 20_000
    timestep: float = 2.0
    friction: float = 1.0e-3
    every: int = 10
    seed: int = 7
    ion: str = "Li"

    def run(self) -> tuple[Computed, ...]:
        """Return the diffusivity with its block error.

        Raises:
            AtomisticError: if the trajectory is too short.
        """
        name = f"{self.crystal.name} at {self.temperature:g} K"
        positions, hop = self.trajectory()
        found = diffusion(positions, self.every * self.timestep, hop, f"{name} (fs, angstrom)")
        return (self._result(name, found),)

    def _result(self, name: str, found: Diffusion) -> Computed:
        unit = ANGSTROM**2 / 1e-15
        spread = Range(found.value - 2.0 * found.error, found.value + 2.0 * found.error)
        blocks: Setting = [block * unit for block in found.blocks]
        settings = {**self._settings(), "blocks [m^2/s]": blocks}
        return self.computed(
            "diffusivity", name, found.value * unit, "m^2/s", "Langevin dynamics",
            settings=settings, uncertainty=Range(spread.low * unit, spread.high * unit),
            note="range: twice the block error, without that of the potential",
        )  # fmt: skip

    def _settings(self) -> dict[str, Setting]:
        return {
            "temperature [K]": self.temperature,
            "supercell": np.asarray(self.supercell, dtype=float).ravel().tolist(),
            "vacancies": self.vacancies,
            "steps": self.steps,
            "timestep [fs]": self.timestep,
            "friction [1/fs]": self.friction,
            "seed": self.seed,
        }

    def start(self) -> tuple[Atoms, float]:
        """Return the supercell without vacancies, and the distance of two ions in it [angstrom]."""
        edges = np.asarray(self.supercell)
        edges = np.diag(edges) if edges.ndim == 1 else edges
        perfect = load("ase.build").make_supercell(self.relaxed_cell(), edges)
        ions = [index for index, symbol in enumerate(perfect.symbols) if symbol == self.ion]
        return perfect, float(perfect.get_distances(ions[0], ions[1:], mic=True).min())

    def trajectory(self) -> tuple[Array, float]:
        """Return unwrapped positions of the ion against the host [angstrom], and the hop."""
        units = load("ase.units")
        perfect, hop = self.start()
        ions = [index for index, symbol in enumerate(perfect.symbols) if symbol == self.ion]
        atoms = self.potential.attach(perfect, self.crystal.name)
        # spread over the cell, so that vacancies do not begin as neighbours
        del atoms[[ions[k * len(ions) // max(1, self.vacancies)] for k in range(self.vacancies)]]
        atoms.set_constraint(load("ase.constraints").FixCom())
        random = np.random.default_rng(self.seed)
        load("ase.md.velocitydistribution").thermalize_momenta(
            atoms, temperature_K=self.temperature, rng=random
        )
        dynamics = load("ase.md.langevin").Langevin(
            atoms,
            self.timestep * units.fs,
            temperature_K=self.temperature,
            friction=self.friction / units.fs,
            rng=random,
            fixcm=False,
        )
        dynamics.run(self.steps // 10)
        moving = np.array([symbol == self.ion for symbol in atoms.symbols])
        frames: list[Array] = []

        def store() -> None:
            everything = atoms.get_positions(wrap=False)
            host = everything[~moving].mean(axis=0) if not moving.all() else 0.0
            frames.append(everything[moving] - host)

        dynamics.attach(store, interval=self.every)
        dynamics.run(self.steps)
        return np.array(frames), hop


@dataclass(frozen=True)
class VacancyDiffusivity(Diffusivity):
    """Diffusivity of vacancies at several temperatures, and its activation energy.

    Every hop of an ion is one of a vacancy the other way, so that minus the sum of all ions' moves
    is a walker that hops as often as all of them together: a run of picoseconds is enough where a
    single ion would hardly have moved. An ion diffuses with the part of sites that are vacant
    times this.

    Attributes:
        temperatures: of the runs [K].
        at: temperature to extrapolate to [K].
        store: keeps what a run at one temperature gave.
    """

    supercell: tuple[int, int, int] | Matrix = DOUBLED
    temperatures: tuple[float, ...] = (1000.0, 1400.0)
    at: float = 298.15
    steps: int = 1200
    timestep: float = 2.5
    every: int = 6
    store: Store = field(default_factory=Store, compare=False, repr=False)

    def run(self) -> tuple[Computed, ...]:
        """Return the diffusivity at each temperature that is hot enough, and the law through them.

        Raises:
            AtomisticError: if every run is too short; each says the length that it needs.
        """
        what = f"vacancy in {self.crystal.name}"
        moved: dict[float, Computed] = {}
        reasons = []
        for temperature in self.temperatures:
            one = replace(self, temperature=temperature)
            try:
                found = one.hops(f"{what} at {temperature:g} K")
            except AtomisticError as error:
                logger.warning("left out: %s", error)
                reasons.append(str(error))
                continue
            moved[temperature] = one._result(f"{what} at {temperature:g} K", found)
        if not moved:
            raise AtomisticError("; ".join(reasons))
        values = tuple(moved.values())
        return values if len(values) < 2 else (*values, *activation(moved, what, self.at))

    def hops(self, what: str) -> Diffusion:
        """Return the diffusivity of a vacancy at the temperature [angstrom^2/fs].

        Args:
            what: name of the run in messages.

        Raises:
            AtomisticError: if vacancies hop less than once within a fifth of the run, or so seldom
                that the value cannot be told from zero.
        """
        kept = self.store.recall(self._key(), self._moves)
        moves, interval = np.asarray(kept["moves"]), self.every * self.timestep
        what = f"{what} (fs, angstrom)"
        diffusion(moves[:, None, :], interval, kept["hop"], what)
        found = walker(moves, interval, _REACH, what, "a diffusivity")
        number = self.vacancies
        return Diffusion(
            found.value / number, found.error / number, tuple(b / number for b in found.blocks)
        )

    def _moves(self) -> dict[str, Any]:
        """Return minus the sum of all ions' places, and the hop [angstrom]."""
        positions, hop = self.trajectory()
        return {"moves": (-positions.sum(axis=1)).tolist(), "hop": hop}

    def _key(self) -> str:
        moved = f"{self.ion} in {self.crystal.name} by {self.potential.name}"
        return f"moves of {moved}, {self.fmax:g}, every {self.every}: {self._settings()}"
