"""The reactions of a film as arrays: stoichiometry, rate constants, where each one runs.

A *deposition* makes its solid at the outer front from the liquid; a *conversion* turns one solid
into another inside the film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from interphase.models.interpolation import Array
from interphase.models.kinetics import ButlerVolmer, InterfaceKinetics, bounded, de_donder
from interphase.parameters.chemistry import Reaction, Species
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.errors import CaseError
from interphase.parameters.table import ParameterTable

SOLVENT, CATION, ANION, ELECTRON = "EC", "Li+", "PF6-", "e-"


@dataclass(frozen=True)
class Surroundings:
    """What a reaction sees at its place; arrays (nodes,) or numbers.

    Attributes:
        potential: phi_E - phi_l, electrode against the electrolyte at the place [V].
        probability: tunnelling probability P [-].
        carrier: localised electrons c/c_ref [-].
        solvent: c_EC/c_EC_ref [-].
        salt: c_salt/c_salt_ref [-].
        curvature: div of the outward normal H [1/m]; 0 without Gibbs-Thomson.
        thin: thin-interface factors that ``carrier`` has been multiplied by [-]: of the rate
            constant, and of the mean over the front relative to phi = 1/2. The latter holds for the
            distance from equilibrium.
    """

    potential: Array
    probability: Array
    carrier: Array
    solvent: Array
    salt: Array
    curvature: Array
    thin: tuple[Array | float, Array | float] = (1.0, 1.0)


@dataclass(frozen=True)
class ReactionSet:
    """The reactions of one film.

    R = prod(c/c_ref) [k P f(eta) (1 - exp(-A/RT)) + k0 c0/c0_ref (1 - exp(-A_c/RT))] with the
    factor f of the kinetics at eta = phi_E - phi_l - U_ref. Affinities per extent:

    * electrons from the electrode, A = n F (U_eq - phi_E + phi_l) + B,
    * localised electrons, with their own chemical potential, A_c = n [F U_eq + RT ln(c0/c0_ref)]
      + B; in equilibrium with the electrode, c0 = c0_ref exp[-F (phi_E - phi_l)/RT], A_c = A,

    both with B = RT ln prod(c/c_ref)^|nu| - nu V sigma H.

    Source: De Donder form, Prigogine & Defay (1954); rate laws as in models/README.md.

    Attributes:
        names: reaction ids.
        solids: the phases that are shares of the film.
        species: every species the reactions touch.
        stoichiometry: nu, (reactions, species), negative = consumed.
        rate: k of the tunnelling path [mol/(m2 s)], (reactions,).
        interstitial_rate: k0 of the carrier path [mol/(m2 s)], (reactions,).
        alpha: transfer coefficient of one electron [-].
        reference_potential: U_ref [V].
        equilibrium_potential: U_eq [V].
        activation_energy: of k and k0 [J/mol].
        molar_volume: V of each solid [m3/mol], (solids,).
        interface_energy: sigma in the Gibbs-Thomson shift [J/m2]; 0 switches it off.
        kinetics: how the rate follows the overpotential.
        temperature: [K].
    """

    names: tuple[str, ...]
    solids: tuple[str, ...]
    species: tuple[Species, ...]
    stoichiometry: Array
    rate: Array
    interstitial_rate: Array
    alpha: Array
    reference_potential: Array
    equilibrium_potential: Array
    activation_energy: Array
    molar_volume: Array
    interface_energy: float = 0.0
    kinetics: InterfaceKinetics = ButlerVolmer()
    temperature: float = 298.15

    def column(self, name: str) -> Array:
        """Return nu of the species in every reaction, (reactions,); zeros if none touches it."""
        names = [s.name for s in self.species]
        return (
            self.stoichiometry[:, names.index(name)] if name in names else np.zeros(len(self.names))
        )

    @cached_property
    def solid_stoichiometry(self) -> Array:
        """Return nu of the solids, (reactions, solids)."""
        return np.stack([self.column(s) for s in self.solids], axis=1)

    @cached_property
    def electrons(self) -> Array:
        """Return the number of electrons n consumed per extent, (reactions,)."""
        return -self.column(ELECTRON)

    @cached_property
    def product(self) -> tuple[int, ...]:
        """Return the index of the solid that each reaction makes."""
        return tuple(int(np.argmax(row)) for row in self.solid_stoichiometry)

    @cached_property
    def reactant(self) -> tuple[int | None, ...]:
        """Return the index of the solid that each conversion consumes, None for depositions."""
        return tuple(
            int(np.argmin(row)) if row.min() < 0 else None for row in self.solid_stoichiometry
        )

    @property
    def depositions(self) -> list[int]:
        """Return the indices of the reactions that grow the film from the liquid."""
        return [r for r, solid in enumerate(self.reactant) if solid is None]

    @property
    def conversions(self) -> list[int]:
        """Return the indices of the reactions that turn one solid into another."""
        return [r for r, solid in enumerate(self.reactant) if solid is not None]

    @cached_property
    def volume_rate(self) -> Array:
        """Return the volume of product made per extent [m3/mol], (reactions,)."""
        nu = self.solid_stoichiometry
        return np.array([nu[r, a] * self.molar_volume[a] for r, a in enumerate(self.product)])

    def at_temperature(self, temperature: float, reference: float) -> ReactionSet:
        """Return the set with rates scaled from ``reference`` to ``temperature`` [K]."""
        factor = arrhenius(self.activation_energy, temperature, reference)
        return replace(
            self,
            rate=self.rate * factor,
            interstitial_rate=self.interstitial_rate * factor,
            temperature=temperature,
        )

    def rates(self, r: int, at: Surroundings) -> tuple[Array, Array]:
        """Return (tunnelling, carrier) parts of the net rate of reaction ``r`` [mol/(m2 s)]."""
        log_factor = self.kinetics.log_factor(
            at.potential - self.reference_potential[r], self.alpha[r], self.temperature
        )
        forward = self.rate[r] * at.probability * np.exp(log_factor) * self._prefactor(r, at)
        mean, slope, back = self.carrier_law(r, at)
        return forward * de_donder(self.affinity(r, at)), slope * mean - back

    def carrier_law(self, r: int, at: Surroundings) -> tuple[Array, Array, Array]:
        """Return (c, s, b): the rate of the carrier path is s c - b about the mean c/c_ref.

        Rates in mol/(m2 s); c is ``at.carrier`` but for the spread of a diffuse front.

        The reverse rate c exp(-A_c/RT) goes as c^(1 - n) and would be infinite where there are no
        carriers: below the equilibrium concentration it is held at its value there.
        """
        n = max(float(self.electrons[r]), 1.0)
        thermal = GAS_CONSTANT * self.temperature
        strength, spread = at.thin
        rest = strength * np.exp(
            -FARADAY * self.equilibrium_potential[r] / thermal - self._chemical(r, at) / n
        )
        mean = at.carrier + rest * (1.0 - spread)
        part = rest / np.maximum(mean, rest)
        # Of the reverse rate, which falls as carriers come.
        slope = np.where(mean > rest, (n - 1.0) * part**n, 0.0)
        scale = self.interstitial_rate[r] * self._prefactor(r, at)
        back = rest * part ** (n - 1.0) + slope * mean
        return mean, scale * (1.0 + slope), scale * back

    def _prefactor(self, r: int, at: Surroundings) -> Array:
        """Return what both forward rates are multiplied by: activities and the capillary shift."""
        n = max(float(self.electrons[r]), 1.0)
        factor = np.exp(bounded(self.alpha[r] / n * self._capillary(r, at)))
        if self.column(SOLVENT)[r] < 0:
            factor = factor * np.maximum(at.solvent, 0.0)
        if self.column(ANION)[r] < 0:
            factor = factor * np.maximum(at.salt, 0.0)
        return np.asarray(factor)

    def affinity(self, r: int, at: Surroundings) -> Array:
        """Return the affinity A/RT of electrons from the electrode, per extent [-].

        Positive: the reaction runs as written.
        """
        drive = self.electrons[r] * FARADAY * (self.equilibrium_potential[r] - at.potential)
        return np.asarray(drive / (GAS_CONSTANT * self.temperature) + self._chemical(r, at))

    def _chemical(self, r: int, at: Surroundings) -> Array:
        """Return the part of the affinity over RT that is not the electrons', B/RT [-]."""
        total, tiny = self._capillary(r, at), 1e-12
        for name, activity in ((SOLVENT, at.solvent), (ANION, at.salt), (CATION, at.salt)):
            nu = self.column(name)[r]
            if nu:
                total = total - nu * np.log(np.maximum(activity, tiny))
        return total

    def _capillary(self, r: int, at: Surroundings) -> Array:
        """Return the Gibbs-Thomson shift of the affinity over RT, -nu V sigma H / RT."""
        return np.asarray(
            -self.volume_rate[r]
            * self.interface_energy
            * at.curvature
            / (GAS_CONSTANT * self.temperature)
        )


def arrhenius(energy: Array | float, temperature: float, reference: float) -> Array:
    """Return exp[-(E/R)(1/T - 1/T_ref)] [-] for the activation energy [J/mol]."""
    return np.asarray(
        np.exp(-np.asarray(energy) / GAS_CONSTANT * (1.0 / temperature - 1.0 / reference))
    )


def reaction_set(
    table: ParameterTable,
    names: Sequence[str],
    solids: Sequence[str],
    kinetics: InterfaceKinetics,
    *,
    gibbs_thomson: bool,
) -> ReactionSet:
    """Build the arrays from a table.

    Raises:
        CaseError: a reaction makes no solid of the film, or needs one that is not in
        ``model.phases``.
        ParameterError: the table lacks a value.
    """
    reactions = [_reaction(table, name, solids) for name in names]
    species = sorted({s for r in reactions for s in r.stoichiometry})
    nu = np.array([[r.stoichiometry.get(s, 0.0) for s in species] for r in reactions])

    def column(key: str) -> Array:
        return np.array([table.value(key, r.id) for r in reactions])

    return ReactionSet(
        names=tuple(names),
        solids=tuple(solids),
        species=tuple(table.species[s] for s in species),
        stoichiometry=nu,
        rate=column("tunnelling_rate"),
        interstitial_rate=column("interstitial_rate"),
        alpha=column("transfer_coefficient"),
        reference_potential=column("reference_potential"),
        equilibrium_potential=column("equilibrium_potential"),
        activation_energy=column("activation_energy"),
        molar_volume=np.array([table.value("molar_volume", s) for s in solids]),
        interface_energy=table.value("interface_energy") if gibbs_thomson else 0.0,
        kinetics=kinetics,
    )


def _reaction(table: ParameterTable, name: str, solids: Sequence[str]) -> Reaction:
    if name not in table.reactions:
        raise CaseError(
            f"unknown reaction '{name}'; table '{table.name}' has {', '.join(table.reactions)}",
            "model.reactions",
        )
    reaction = table.reactions[name]
    touched = {s for s in reaction.stoichiometry if table.species[s].state == "solid"}
    missing = touched - set(solids)
    if missing:
        raise CaseError(
            f"reaction {name} needs the phase {sorted(missing)[0]}: add it to model.phases",
            "model.reactions",
        )
    if not any(reaction.stoichiometry[s] > 0 for s in touched):
        raise CaseError(
            f"reaction {name} makes no solid of the film: leave it out", "model.reactions"
        )
    return reaction
