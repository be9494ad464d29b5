"""What can be computed by name: ``interphase params compute PROPERTY MATERIAL --method METHOD``.

A new calculation is a class with a method ``run`` and one `Recipe` here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from interphase.models.atomistic.crystals.defects import (
    InterstitialFormation,
    VacancyFormation,
    VacancyMigration,
    VacancyMigrationBand,
)
from interphase.models.atomistic.crystals.dynamics import Diffusivity, VacancyDiffusivity
from interphase.models.atomistic.crystals.elastic import ElasticTensor
from interphase.models.atomistic.crystals.lattice import Lattice
from interphase.models.atomistic.crystals.potentials import Potential, potential, potential_names
from interphase.models.atomistic.crystals.reactions import REACTIONS, ReactionEnergy
from interphase.models.atomistic.crystals.structures import crystal, crystal_names
from interphase.models.atomistic.crystals.surfaces import InterfaceEnergy, SurfaceEnergy
from interphase.models.atomistic.liquids.activation import ActivatedDiffusion
from interphase.models.atomistic.liquids.properties import LIQUIDS, SCREENINGS
from interphase.models.atomistic.molecules import dft
from interphase.models.atomistic.molecules.cycle import ReactionGibbs, ReductionPotential
from interphase.models.atomistic.molecules.dft import LEVELS, Level
from interphase.models.atomistic.molecules.electron import ElectronTransfer, Orbitals
from interphase.models.atomistic.molecules.opening import BondBreaking, ReductionOnset
from interphase.models.atomistic.molecules.reactions import CRYSTALS, GIBBS, ONSETS, REDUCTIONS
from interphase.models.atomistic.result import Calculation
from interphase.models.atomistic.store import Store
from interphase.parameters.errors import AtomisticError, did_you_mean

ALL: Final = "all"
"""Stands for every material or method of a recipe."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One property that can be computed.

    Attributes:
        name: of the property on the command line.
        extra: optional extra that it needs.
        text: what it is and roughly what it costs.
        materials: for which it can be computed.
        methods: by which it can be computed, the first is the default.
        build: makes the calculation from material and method.
    """

    name: str
    extra: str
    text: str
    materials: Sequence[str]
    methods: Sequence[str]
    build: Callable[[str, str], Calculation]

    def calculations(
        self, materials: str, methods: str | None = None
    ) -> dict[tuple[str, str], Calculation]:
        """Return the calculation of each material by each method.

        Args:
            materials: one, several with commas between them, or ``all``.
            methods: likewise; the first that is known if none is named.

        Raises:
            AtomisticError: if a material or a method is not among those known.
        """
        return {
            (material, method): self.build(material, method)
            for material in self._chosen("material", materials, self.materials)
            for method in self._chosen("method", methods or self.methods[0], self.methods)
        }

    def _chosen(self, what: str, words: str, known: Sequence[str]) -> Sequence[str]:
        if words == ALL:
            return known
        chosen = [word.strip() for word in words.split(",")]
        for word in chosen:
            if word not in known:
                raise AtomisticError(
                    f"{self.name}: {what} '{word}' is not known; {did_you_mean(word, known)}"
                )
        return chosen


_HOT: Final = {"amorphous Li2EDC": (600.0, 700.0, 800.0)}
_FACES: Final = {"LiF": (1, 0, 0), "Li2O": (1, 1, 1), "Li2CO3": (0, 0, 1), "Li": (1, 0, 0)}
# The smallest cells that the rule on misfits lets through, of all faces with indices up to 2 and
# repeats up to 3. Li2O (100) is polar, its stable (111) fits on no neutral face of LiF, and Li2CO3
# fits on none of LiF.
_INTERFACES: Final[Mapping[str, Callable[[Potential], InterfaceEnergy]]] = {
    "LiF|Li2O": lambda by: InterfaceEnergy(
        crystal("LiF"), by, 0.03, other=crystal("Li2O"), other_face=(2, 1, 1),
        repeat=(2, 3), other_repeat=(1, 2), thickness=7.5,
    ),
    "Li2O|Li2CO3": lambda by: InterfaceEnergy(
        crystal("Li2O"), by, 0.03, other=crystal("Li2CO3"), face=(1, 1, 0), thickness=7.5,
    ),
}  # fmt: skip
_CARBONATES: Final = ("EC", "FEC", "VC", "DMC", "EMC", "CO2", "Li+EC", "Li+FEC", "Li+VC")
_IONIC: Final = ("LiF", "Li2O")


def _crystal(
    name: str, text: str, of: Sequence[str], build: Callable[[str, str], Calculation]
) -> Recipe:
    return Recipe(name, "mlp", text, of, potential_names(), build)


def _molecule(
    name: str, text: str, of: Sequence[str], build: Callable[[str, str], Calculation]
) -> Recipe:
    return Recipe(name, "dft", text, of, list(LEVELS), build)


def _onset(of: str, level: Level) -> ReductionOnset:
    reduction, product, bond = ONSETS[of]
    return ReductionOnset(
        of,
        ReductionPotential(reduction, REDUCTIONS[reduction][0], level, REDUCTIONS[reduction][1]),
        BondBreaking(f"{product} ring opening", product, bond, level),
    )


def recipes(store: Store | None = None) -> Mapping[str, Recipe]:
    """Return everything that can be computed, by name.

    Args:
        store: keeps energies of molecules and runs of liquids.
    """
    kept = store or Store()
    every = crystal_names()

    def level(name: str) -> Level:
        return dft.level(name, kept)

    found = [
        _crystal("lattice", "lattice, molar volume and bulk modulus; a minute", every,
                 lambda of, by: Lattice(crystal(of), potential(by))),
        _crystal("elastic", "elastic constants and averages; minutes", every,
                 lambda of, by: ElasticTensor(crystal(of), potential(by))),
        _crystal("surface_energy", "most stable face against vacuum; minutes", list(_FACES),
                 lambda of, by: SurfaceEnergy(crystal(of), potential(by), face=_FACES[of])),
        _crystal("interface_energy", "coherent interface, 60 or 192 atoms; minutes",
                 list(_INTERFACES), lambda of, by: _INTERFACES[of](potential(by))),
        _crystal("vacancy_formation_energy", "neutral lithium vacancy; minutes", _IONIC,
                 lambda of, by: VacancyFormation(crystal(of), potential(by), 0.03)),
        _crystal("interstitial_formation_energy", "neutral lithium interstitial; minutes", _IONIC,
                 lambda of, by: InterstitialFormation(crystal(of), potential(by), 0.03)),
        _crystal("migration_barrier", "vacancy hop, ion half-way; minutes", _IONIC,
                 lambda of, by: VacancyMigration(crystal(of), potential(by), 0.03)),
        _crystal("migration_barrier_band", "the same by the elastic band; ten minutes", _IONIC,
                 lambda of, by: VacancyMigrationBand(crystal(of), potential(by), 0.03)),
        _crystal("diffusivity", "vacancy diffusion at 1000 K; hours", _IONIC,
                 lambda of, by: Diffusivity(crystal(of), potential(by))),
        _crystal("vacancy_diffusivity", "hops of a vacancy at 1400 K, 3 ps; minutes", _IONIC,
                 lambda of, by: VacancyDiffusivity(crystal(of), potential(by),
                                                   temperatures=(1400.0,), store=kept)),
        _molecule("reduction_potential", "thermodynamic cycle with its terms; minutes",
                  list(REDUCTIONS),
                  lambda of, by: ReductionPotential(of, REDUCTIONS[of][0], level(by),
                                                    REDUCTIONS[of][1])),
        _molecule("equilibrium_potential", "of the film's reactions with crystals; minutes",
                  list(CRYSTALS),
                  lambda of, by: ReductionPotential(of, CRYSTALS[of][0], level(by),
                                                    CRYSTALS[of][1],
                                                    quantity="equilibrium_potential")),
        _molecule("reduction_onset", "where the electron is seen to go, barrier after it; minutes",
                  list(ONSETS), lambda of, by: _onset(of, level(by))),
        _molecule("electron_transfer", "electron affinities, reorganisation energy; minutes",
                  _CARBONATES, lambda of, by: ElectronTransfer(of, level(by))),
        _molecule("orbitals", "HOMO and LUMO; a minute", _CARBONATES,
                  lambda of, by: Orbitals(of, level(by))),
        _molecule("reaction_gibbs_energy", "reactions between molecules; minutes", list(GIBBS),
                  lambda of, by: ReactionGibbs(of, GIBBS[of], level(by))),
        Recipe("liquid", "md", "density, diffusion, conduction, permittivity; an hour",
               list(LIQUIDS), list(SCREENINGS),
               lambda of, by: replace(LIQUIDS[of], screening=SCREENINGS[by], store=kept)),
        Recipe("activated_diffusion", "md", "of lithium by an Arrhenius law; an hour",
               list(_HOT), list(SCREENINGS),
               lambda of, by: ActivatedDiffusion(
                   replace(LIQUIDS[of], screening=SCREENINGS[by], store=kept), "Li+", _HOT[of])),
        _crystal("reaction_energy", "between solids and gases, against NIST-JANAF; minutes",
                 list(REACTIONS), lambda of, by: ReactionEnergy(of, potential(by))),
    ]  # fmt: skip
    return {one.name: one for one in found}


def recipe(name: str, store: Store | None = None) -> Recipe:
    """Return one property that can be computed.

    Args:
        name: of the property.
        store: keeps energies of molecules.

    Raises:
        AtomisticError: if there is none of that name.
    """
    known = recipes(store)
    if name not in known:
        raise AtomisticError(f"'{name}' cannot be computed; {did_you_mean(name, known)}")
    return known[name]
