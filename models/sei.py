"""The film's model: the parts that a case has chosen, put together from a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from interphase.models.electrons import Interstitial, Tunnelling, decay_constant
from interphase.models.front import FrontLaw
from interphase.models.interpolation import Array
from interphase.models.kinetics import ButlerVolmer, InterfaceKinetics, Marcus, MarcusHushChidsey
from interphase.models.nucleation import GivenNuclei, Nucleus, PoissonNucleation
from interphase.models.reactions import ANION, SOLVENT, ReactionSet, arrhenius, reaction_set
from interphase.models.transport import IonicConduction, LiquidSpecies, Mixture, Pores
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.constants import AVOGADRO
from interphase.parameters.table import ParameterTable

ORGANIC = "Li2EDC"
_NOT_SOLID = ("electrode", "electrolyte")


@dataclass(frozen=True)
class SEIGrowth:
    """Growth of a solid electrolyte interphase: one small object per mechanism, None = off.

    Attributes:
        solids: phases that are shares of the film, in the order of all arrays.
        front: law of the outer front.
        reactions: what reacts.
        tunnelling: electrons that tunnel, or None.
        interstitial: localised electrons, or None.
        solvent: the solvent's field, or None (held at the reservoir's value).
        salt: the salt's field, or None.
        conduction: ionic potential, or None (phi_l = 0).
        nucleation: seeds, drawn at random or given, or None.
        nucleating: which solids can form nuclei, (solids,); a conversion into one that cannot has
            no boundary to run at. Empty: all.
        proportional: new material takes shares in proportion to the deposition rates (unresolved
            columns) instead of inheriting the phase it grows on.
        pore_reactions: depositions that also run on the walls of open pores, indices.
        pore_spacing: spacing of these pores [m].
        pores: when these pores are open; None without pore reactions.
        inner_face: solvent is reduced where film and electrode meet, not at the outer front.
        initial_porosity: porosity of newly grown material of each solid [-], (solids,).
        lateral_spacing: spacing of unresolved grains [m].
        reservoir_depth: electrolyte volume per electrode area [m]; None: endless.
        solvent_volume: molar volume of the solvent [m3/mol].
        reference_temperature: temperature of the table's values [K].
        carrier_energy: activation energy of the carrier's diffusivity [J/mol].
        conduction_energy: activation energy of the film's conductivity [J/mol].
        electrolyte_energy: activation energy of the liquid's conductivity [J/mol].
        diffusion_energy: activation energy of the diffusivities in the liquid [J/mol].
        film_diffusion_energy: activation energy of liquid species' diffusivities in the film
            [J/mol].
    """

    solids: tuple[str, ...]
    front: FrontLaw
    reactions: ReactionSet
    tunnelling: Tunnelling | None
    interstitial: Interstitial | None
    solvent: LiquidSpecies | None
    salt: LiquidSpecies | None
    conduction: IonicConduction | None
    nucleation: PoissonNucleation | GivenNuclei | None
    nucleating: tuple[bool, ...] = ()
    proportional: bool = False
    pore_reactions: tuple[int, ...] = ()
    pore_spacing: float = math.inf
    pores: Pores | None = None
    inner_face: bool = False
    initial_porosity: Array | None = None
    lateral_spacing: float = 6.0e-9
    reservoir_depth: float | None = None
    solvent_volume: float = 6.67e-5
    reference_temperature: float = 298.15
    carrier_energy: float = 0.0
    conduction_energy: float = 0.0
    electrolyte_energy: float = 0.0
    diffusion_energy: float = 0.0
    film_diffusion_energy: float = 0.0

    @property
    def solidity(self) -> Array:
        """Return the solid fraction of newly grown material of each phase, (solids,)."""
        if self.initial_porosity is None:
            return np.ones(len(self.solids))
        return 1.0 - self.initial_porosity

    @property
    def seed_times(self) -> tuple[float, ...]:
        """Return the times at which given nuclei appear [s]."""
        given = self.nucleation.nuclei if isinstance(self.nucleation, GivenNuclei) else ()
        return tuple(n.time for n in given)

    def at_temperature(self, temperature: float) -> SEIGrowth:
        """Return the model with every rate and coefficient scaled to ``temperature`` [K]."""
        ref = self.reference_temperature
        if temperature == ref == self.reactions.temperature:
            return self
        interstitial, conduction = self.interstitial, self.conduction
        if interstitial is not None:
            scale = arrhenius(self.carrier_energy, temperature, ref)
            interstitial = replace(interstitial, diffusivity=interstitial.diffusivity * scale)
        if conduction is not None:
            scale = arrhenius(self.conduction_energy, temperature, ref)
            solid = replace(conduction.solid, values=conduction.solid.values * scale)
            liquid = conduction.liquid * float(arrhenius(self.electrolyte_energy, temperature, ref))
            conduction = replace(conduction, solid=solid, liquid=liquid)
        return replace(
            self,
            reactions=self.reactions.at_temperature(temperature, ref),
            interstitial=interstitial,
            solvent=self._diffusing(self.solvent, temperature),
            salt=self._diffusing(self.salt, temperature),
            conduction=conduction,
        )

    def _diffusing(self, species: LiquidSpecies | None, temperature: float) -> LiquidSpecies | None:
        """Return a liquid species with its diffusivities scaled to ``temperature`` [K]."""
        if species is None:
            return None
        liquid, film = (
            float(arrhenius(energy, temperature, self.reference_temperature))
            for energy in (self.diffusion_energy, self.film_diffusion_energy)
        )
        return replace(
            species,
            diffusivity=species.diffusivity * liquid,
            film_diffusivity=species.film_diffusivity * film,
        )


def build_model(case: ModelCase, table: ParameterTable, seeds: Seeds) -> SEIGrowth:
    """Build the film's model that a case describes.

    Args:
        case: the case's ``model`` block.
        table: the parameters, overrides applied.
        seeds: the case's ``initial.seeds`` block.

    Raises:
        CaseError: a reaction does not fit the phases.
        ParameterError: the table lacks a value that a chosen mechanism needs.
    """
    solids = tuple(p for p in case.phases if p not in _NOT_SOLID)
    width = table.value("interface_width")
    reactions = reaction_set(
        table,
        case.reactions,
        solids,
        _kinetics(case.kinetics, table),
        gibbs_thomson=case.gibbs_thomson,
    )
    if "interstitial" not in case.electron_channels:
        # No carriers is not the same as carriers at zero, where reactions would run back.
        reactions = replace(reactions, interstitial_rate=np.zeros(len(case.reactions)))
    porosity = np.array([table.value("organic_porosity") if s == ORGANIC else 0.0 for s in solids])
    density = np.array([_density(table, s) for s in solids])
    return SEIGrowth(
        solids=solids,
        front=FrontLaw(width, table.value("front_mobility_factor")),
        reactions=reactions,
        tunnelling=_tunnelling(table, solids) if "tunnelling" in case.electron_channels else None,
        interstitial=_interstitial(table, solids, case)
        if "interstitial" in case.electron_channels
        else None,
        solvent=replace(_liquid(table, "EC", SOLVENT), crosses=case.reaction_site == "inner_face")
        if "solvent" in case.transport
        else None,
        salt=_liquid(table, "salt", ANION) if "salt" in case.transport else None,
        conduction=_conduction(table, solids, case)
        if "ionic_potential" in case.transport
        else None,
        nucleation=_nucleation(table, density, seeds, width, solids),
        nucleating=tuple(bool(d > 0) for d in density),
        proportional=case.deposition == "proportional",
        pore_reactions=tuple(case.reactions.index(name) for name in case.pore_reactions),
        pore_spacing=table.value("pore_spacing") if case.pore_reactions else math.inf,
        pores=_pores(table) if case.pore_reactions else None,
        inner_face=case.reaction_site == "inner_face",
        initial_porosity=porosity,
        lateral_spacing=table.value("lateral_spacing"),
        reservoir_depth=case.reservoir_volume_per_area if case.dry_out else None,
        solvent_volume=table.value("molar_volume", "EC"),
        reference_temperature=table.value("temperature"),
        carrier_energy=table.value("activation_energy", "interstitial_diffusivity"),
        conduction_energy=table.value("activation_energy", "ionic_conductivity"),
        electrolyte_energy=table.value("activation_energy", "electrolyte_conductivity"),
        diffusion_energy=table.value("activation_energy", "diffusivity"),
        film_diffusion_energy=table.value("activation_energy", "diffusivity_film"),
    )


def _kinetics(name: str, table: ParameterTable) -> InterfaceKinetics:
    if name == "butler_volmer":
        return ButlerVolmer()
    energy = table.value("reorganisation_energy") * AVOGADRO
    laws: dict[str, type[Marcus] | type[MarcusHushChidsey]] = {
        "marcus": Marcus,
        "marcus_hush_chidsey": MarcusHushChidsey,
    }
    return laws[name](energy)


def _tunnelling(table: ParameterTable, solids: tuple[str, ...]) -> Tunnelling:
    pairs = [
        (table.value("tunnelling_barrier", s), table.value("effective_mass", s)) for s in solids
    ]
    return Tunnelling(np.array([decay_constant(*pair) for pair in pairs]))


def _interstitial(table: ParameterTable, solids: tuple[str, ...], case: ModelCase) -> Interstitial:
    deep = case.interstitial_start == "tunnelling_depth"
    return Interstitial(
        table.value("interstitial_concentration_ref"),
        np.array([table.value("interstitial_diffusivity", s) for s in solids]),
        table.value("tunnelling_depth") if deep else 0.0,
    )


def _liquid(table: ParameterTable, name: str, species: str) -> LiquidSpecies:
    return LiquidSpecies(
        species,
        table.value("concentration_ref", name),
        table.value("diffusivity", name),
        table.value("diffusivity_film", name),
        _pores(table),
    )


def _pores(table: ParameterTable) -> Pores:
    return Pores(table.value("percolation_threshold"), table.value("bruggeman_exponent"))


def _conduction(table: ParameterTable, solids: tuple[str, ...], case: ModelCase) -> IonicConduction:
    values = np.array([table.value("ionic_conductivity", s) for s in solids])
    mixture = Mixture(values, layered=case.deposition == "inherit")
    return IonicConduction(mixture, table.value("ionic_conductivity", "electrolyte"), _pores(table))


def _density(table: ParameterTable, solid: str) -> float:
    """Return chi of a solid [1/m3], 0 where the table has none."""
    return (
        table.value("nucleation_density", solid) if table.has("nucleation_density", solid) else 0.0
    )


def _nucleation(
    table: ParameterTable, density: Array, seeds: Seeds, width: float, solids: tuple[str, ...]
) -> PoissonNucleation | GivenNuclei | None:
    if seeds.law == "none":
        return None
    radius = table.value("seed_radius_widths") * width
    if seeds.law == "poisson":
        return PoissonNucleation(density, radius, seeds.seed)
    nuclei = []
    for n in sorted(seeds.nuclei, key=lambda n: n.time):
        x, y, z = (*n.at, 0.0, 0.0)[:3]
        nuclei.append(Nucleus(n.time, (x, y, z), solids.index(n.phase)))
    return GivenNuclei(tuple(nuclei), radius)
