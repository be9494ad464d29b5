"""Diffusion of ions in a crystal by molecular dynamics, and its activation energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interphase.models.atomistic.crystals.base import CrystalCalculation
from interphase.models.atomistic.crystals.relax import ANGSTROM
from interphase.models.atomistic.extras import load
from interphase.models.atomistic.result import Computed, Setting
from interphase.models.atomistic.transport import Array, diffusion
from interphase.parameters.provenance import Range


@dataclass(frozen=True)
class Diffusivity(CrystalCalculation):
    """Self-diffusivity of lithium by Langevin dynamics at constant volume.

    Attributes:
        temperature: of the thermostat [K].
        supercell: conventional cells along each edge.
        vacancies: lithium atoms that are taken out.
        steps: of the run, after a tenth of it for equilibration.
        timestep: [fs].
        friction: of the thermostat, weak against the lattice's own [1/fs].
        every: steps between stored frames.
        seed: of the first velocities and the thermostat.
        ion: the element that diffuses.
    """

    temperature: float = 1000.0
    supercell: tuple[int, int, int] = (2, 2, 2)
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
        unit = ANGSTROM**2 / 1e-15
        spread = Range(found.value - 2.0 * found.error, found.value + 2.0 * found.error)
        settings: dict[str, Setting] = {
            "temperature [K]": self.temperature,
            "supercell": [float(n) for n in self.supercell],
            "vacancies": self.vacancies,
            "steps": self.steps,
            "timestep [fs]": self.timestep,
            "friction [1/fs]": self.friction,
            "seed": self.seed,
            "blocks [m^2/s]": [block * unit for block in found.blocks],
        }
        return (
            self.computed("diffusivity", name, found.value * unit, "m^2/s", "Langevin dynamics",
                          settings=settings,
                          uncertainty=Range(spread.low * unit, spread.high * unit),
                          note="range: twice the block error, without that of the potential"),
        )  # fmt: skip

    def trajectory(self) -> tuple[Array, float]:
        """Return unwrapped positions of the ion against the host [angstrom], and the hop."""
        units = load("ase.units")
        perfect = self.relaxed_cell().repeat(self.supercell)
        ions = [index for index, symbol in enumerate(perfect.symbols) if symbol == self.ion]
        hop = float(perfect.get_distances(ions[0], ions[1:], mic=True).min())
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
