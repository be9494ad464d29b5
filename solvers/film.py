"""One step of the film: rates, front, shares, conversions, books, transport.

The order within a step: carriers and tunnelling on the geometry as it is, the front moved
implicitly with the step's mean rates, new material given its shares, conversions, everything booked
to reactions, and the liquid and the ionic current moved by what was booked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from interphase.models.interpolation import signed_distance
from interphase.models.sei import SEIGrowth
from interphase.models.thin_interface import ThinInterface
from interphase.models.transport import Mixture
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.program import Drive
from interphase.solvers.carrier import ActionField, CarrierField
from interphase.solvers.conversion import (
    Conversion,
    Converted,
    FilmView,
    FrontConversion,
    conversions,
)
from interphase.solvers.front import FrontGeometry, FrontStepper, front_geometry
from interphase.solvers.graph import NodeGraph
from interphase.solvers.ledger import Ledger, Turnover
from interphase.solvers.linear import LinearOptions
from interphase.solvers.liquid import IonicPotential
from interphase.solvers.nucleation import Nucleator, Seed
from interphase.solvers.pores import PoreDeposition
from interphase.solvers.rates import (
    bare_speeds,
    carrier_sink,
    front_rates,
    thin_interface_factors,
)
from interphase.solvers.schemes import BackwardEuler, TimeScheme
from interphase.solvers.shares import grown_shares
from interphase.solvers.space import Array, NodalSpace
from interphase.solvers.state import FilmState
from interphase.solvers.step_report import (
    StepReport,
    displacement,
    inside_film,
    local_error,
)
from interphase.solvers.stiffness import Workspace
from interphase.solvers.tempo import Stage, Tempo
from interphase.solvers.timings import Timings
from interphase.solvers.transport import LiquidTransport

# Carriers that cannot move a front by this part of its width in a step are not solved for.
_NEGLIGIBLE = 1.0e-5


@dataclass(frozen=True)
class _Survey:
    """What follows from a film's geometry.

    Attributes:
        geometry: of the outer front.
        action: tunnelling action, (size,).
        view: what reactions see, with the carriers of the last step.
        boundaries: distance to each conversion's boundary [m], (size,) each.
        thin: thin-interface factors of the rate constant and the mean concentration.
    """

    geometry: FrontGeometry
    action: Array
    view: FilmView
    boundaries: list[Array]
    thin: tuple[Array, Array]


class FilmSolver:
    """Steps a film's state. Collective on the space's communicator.

    Attributes:
        model: the film's physics at its reference temperature.
        space: the nodal space.
        timings: wall time of the parts of all steps.
    """

    def __init__(
        self,
        space: NodalSpace,
        model: SEIGrowth,
        *,
        scheme: TimeScheme | None = None,
        linear: LinearOptions | None = None,
        newton_rtol: float = 1.0e-8,
        prefix: str = "film_",
    ) -> None:
        linear = linear or LinearOptions()
        self.model, self.space = model, space
        self.timings = Timings()
        self.graph = NodeGraph(space)
        self._scheme = scheme or BackwardEuler()
        self.electrode, bulk = space.on_boundary("electrode"), space.on_boundary("bulk")
        width = model.front.width
        self._front = FrontStepper(space, model.front, linear, rtol=newton_rtol, prefix=prefix)
        self._action = ActionField(self.graph, self.electrode) if model.tunnelling else None
        work = Workspace.of(space)
        self._carrier = None
        if model.interstitial:
            self._carrier = CarrierField(
                space, self.electrode, model.interstitial, width, linear, prefix, work
            )
        self._liquid = LiquidTransport(space, model, self.electrode, bulk, linear, prefix, work)
        self._thin = ThinInterface()
        nucleating = np.array(model.nucleating or (True,) * len(model.solids))
        self.conversions: list[Conversion] = conversions(
            space, self.graph, model.reactions,
            nucleating=nucleating, proportional=model.proportional, spacing=model.lateral_spacing,
        )  # fmt: skip
        if model.pores is not None:
            self.conversions += [
                PoreDeposition(
                    space, r, model.pore_reactions, model.reactions, model.pores,
                    model.pore_spacing, inherit=not model.proportional,
                )
                for r in model.pore_reactions
            ]  # fmt: skip
        self.nucleator = None
        if model.nucleation:
            fronts = [c for c in self.conversions if isinstance(c, FrontConversion)]
            self.nucleator = Nucleator(space, self.electrode, model.nucleation, fronts)
        self._face = space.mass * self.electrode
        self._face = self._face / space.sum(self._face)
        self._ledger = Ledger(
            space,
            carriers=self._carrier is not None,
            face=self._face if model.inner_face else None,
        )

    @property
    def potential(self) -> IonicPotential | None:
        """Return the ionic potential's field, None where the case leaves it out."""
        return self._liquid.potential

    def step(self, state: FilmState, dt: float, drive: Drive) -> tuple[FilmState, StepReport]:
        """Return the state after ``dt`` [s] under ``drive`` (taken at mid-step), and a report.

        The given state is left as it is, so a rejected step costs nothing but its time.

        Raises:
            ConvergenceError: a solve failed.
        """
        model, part = self.model.at_temperature(drive.temperature), self.timings.part
        width = model.front.width
        with part("liquid"):
            state = self._liquid.catch_up(model, state, drive)
        seen = self._survey(model, state, drive, dt)
        geometry, action, boundaries, thin = seen.geometry, seen.action, seen.boundaries, seen.thin
        face = self._face if model.inner_face else None
        if face is not None:
            with part("liquid"):
                state = self._liquid.at_inner_face(model, state, drive, face, dt)
        with part("carriers"):
            state, delivered, inflow = self._solve_carrier(model, state, seen, drive)
        view = self._view(model, state, action, drive, dt)
        with part("rates"):
            rates = front_rates(
                self.space, self.graph, model, state, view, geometry, thin, dt, face
            )
        with part("front"):
            phi = self._front.step(
                self._scheme, dt, state.phi, state.phi_before, state.step, geometry, rates.speed
            )
        with part("shares"):
            grown = grown_shares(self.graph, model, state, phi, geometry, rates, dt)
        view = replace(view, phi=phi, shares=grown)
        with part("conversion"):
            converted, shares = self._convert(model, view, boundaries)
        new = replace(
            state,
            time=state.time + dt,
            step=dt,
            phi=phi,
            phi_before=state.phi,
            shares=shares,
            action=action,
        )
        with part("nucleation"):
            new, seeds = self._nucleate(model, new, state, drive)
        with part("booking"):
            turnover = self._turnover(rates.rates, rates.tunnelling, converted, delivered, inflow)
            new = self._ledger.enter(model.reactions, state, new, turnover)
        with part("liquid"):
            new = self._liquid.advance(model, new, drive, dt)
        fastest, usual, held = inside_film(converted)
        return new, StepReport(
            displacement(self.space, geometry, phi, rates.speed, dt, width),
            fastest,
            local_error(self.space, geometry, state, phi, dt),
            self._front.iterations,
            seeds,
            usual,
            held,
        )

    def _survey(self, model: SEIGrowth, state: FilmState, drive: Drive, dt: float) -> _Survey:
        """Return what follows from the film's geometry."""
        part = self.timings.part
        with part("geometry"):
            width = model.front.width
            distance = signed_distance(state.phi, width)
            geometry = front_geometry(self.space, self.graph, distance, width)
        with part("tunnelling"):
            action = self._solve_action(model, state)
        view = self._view(model, state, action, drive, dt)
        with part("conversion"):
            boundaries = [c.locate(view) for c in self.conversions]
        thin = thin_interface_factors(self._thin, model, state)
        return _Survey(geometry, action, view, boundaries, thin)

    def leap(
        self, state: FilmState, phi: Array, shares: Array, stages: Sequence[Stage], drive: Drive,
        tempo: Tempo,
    ) -> tuple[FilmState, StepReport]:  # fmt: skip
        """Return the state after a leap and a report: a step whose growth is not solved but given.

        Reactions inside the film advance stage by stage, each on the film in its middle with the
        carriers at rest there (the midpoint rule); seeds, books and liquid as in one step of the
        leap's length. Carriers are taken to have delivered what is booked to them; they are those
        of the last stage, about which the step that follows solves for them on the new film.

        Args:
            state: before the leap, a step behind it; it is left as it is.
            phi: of the film after it, nowhere less than before, (size,).
            shares: of the solids after it but for reactions inside the film, (solids, size).
            stages: of the leap, at least one.
            drive: constant over it.
            tempo: of the step before it; says which reactions grow the film.
        """
        model = self.model.at_temperature(drive.temperature)
        set_, part = model.reactions, self.timings.part
        dt = sum(stage.length for stage in stages)
        self._front.forget()
        free = replace(state, shares=shares)
        every: list[list[Converted]] = []
        for stage in stages:
            owed = replace(free, phi=stage.phi, carrier_debt=state.carrier_debt)
            free, seen = self._rest(model, owed, drive, stage.length)
            with part("conversion"):
                view = self._view(model, free, seen.action, drive, stage.length)
                converted, grown = self._convert(model, view, seen.boundaries)
            free = replace(free, shares=grown)
            every.append(converted)
        converted = [Converted.together(each) for each in zip(*every, strict=True)]
        new = replace(
            state, time=state.time + dt, step=dt, phi=phi, phi_before=state.phi, shares=free.shares
        )
        with part("nucleation"):
            new, seeds = self._nucleate(model, new, state, drive)
        with part("booking"):
            rates = np.repeat(np.array(tempo.extents)[:, None], self.space.size, axis=1)
            tunnelling = np.full_like(rates, 1.0 - tempo.carried)
            turnover = self._turnover(rates, tunnelling, converted, None)
            new = self._ledger.enter(set_, state, new, turnover)
        with part("liquid"):
            # Now: what waits belongs to the film before. At rest that hardly matters.
            rests = self._liquid.at_rest(model, state, drive.temperature)
            wait = state.clock.wait + 1 if rests else 0
            new = replace(new, clock=replace(new.clock, wait=wait))
            new = self._liquid.advance(model, new, drive, dt)
        new = replace(new, action=free.action, carrier=free.carrier)
        fastest, usual, held = inside_film(converted)
        return new, StepReport(0.0, fastest, 0.0, 0, seeds, usual, held)

    def _rest(
        self, model: SEIGrowth, state: FilmState, drive: Drive, dt: float
    ) -> tuple[FilmState, _Survey]:
        """Return a film that owes as much per time as before, its carriers at rest, and its survey.

        Debt closes a gap of some percent between what the field delivers and the front books.
        """
        free = replace(state, carrier_debt=dt / state.step * state.carrier_debt)
        seen = self._survey(model, free, drive, dt)
        free = replace(free, action=seen.action)
        with self.timings.part("carriers"):
            free, _, _ = self._solve_carrier(model, free, seen, drive)
        return free, seen

    def _convert(
        self, model: SEIGrowth, view: FilmView, boundaries: list[Array]
    ) -> tuple[list[Converted], Array]:
        """Return what every conversion did, and the shares after all of them."""
        converted = [
            c.advance(model.reactions, view, b)
            for c, b in zip(self.conversions, boundaries, strict=True)
        ]
        shares = view.shares.copy()
        for c, result in zip(self.conversions, converted, strict=True):
            shares += self._share_change(c, result, view.phi)
        return converted, shares

    def _solve_action(self, model: SEIGrowth, state: FilmState) -> Array:
        if self._action is None or model.tunnelling is None:
            return state.action
        return self._action.solve(model.tunnelling, state.phi, state.columns, state.action)

    def _view(
        self, model: SEIGrowth, state: FilmState, action: Array, drive: Drive, dt: float
    ) -> FilmView:
        """Return what reactions see of the film."""
        carrier = np.zeros_like(state.phi)
        if model.interstitial is not None:
            drift = np.exp(FARADAY * state.potential / (GAS_CONSTANT * drive.temperature))
            level = model.interstitial.boltzmann(drive.potential, drive.temperature)
            carrier = level * drift * np.maximum(state.carrier, 0.0)
        if model.tunnelling is None:
            action = np.full_like(action, 1e3)
        potential = drive.potential - state.potential
        return FilmView(
            state.phi, state.shares, action, carrier, potential, state.solvent_level,
            state.salt_level, model.front.width, dt,
        )  # fmt: skip

    def _solve_carrier(
        self, model: SEIGrowth, state: FilmState, seen: _Survey, drive: Drive
    ) -> tuple[FilmState, Array, float]:
        """Return the state with its carriers, what they delivered and what came in [mol]."""
        view = seen.view
        if self._carrier is None or model.interstitial is None:
            return state, np.zeros_like(state.phi), 0.0
        level = model.interstitial.boltzmann(drive.potential, drive.temperature)
        fastest = (
            float(np.max(model.reactions.volume_rate * model.reactions.interstitial_rate)) * level
        )
        if (
            fastest * view.step < _NEGLIGIBLE * model.front.width
            or not self.space.max(state.phi) > 0.5
        ):
            # Even with w = 1 everywhere they would not move any front: what they deliver is owed.
            return state, np.zeros_like(state.phi), 0.0
        sink, source = carrier_sink(
            self.space, model, state, view, seen.geometry, seen.thin,
            zip(self.conversions, seen.boundaries, strict=True),
        )  # fmt: skip
        solution = self._carrier.solve(
            model.interstitial,
            Mixture(model.interstitial.diffusivity, layered=not model.proportional),
            state.phi, state.shares, state.potential, sink, source, state.carrier_debt,
            state.carrier, electrode_potential=drive.potential, temperature=drive.temperature,
            dt=view.step,
        )  # fmt: skip
        return replace(state, carrier=solution.activity), solution.delivered, solution.inflow

    def _share_change(self, conversion: Conversion, result: Converted, phi: Array) -> Array:
        """Return the change of the shares by one conversion, (solids, size)."""
        set_ = self.model.reactions
        nu = set_.solid_stoichiometry[conversion.reaction] * set_.molar_volume
        per_film = np.where(phi > 0, result.extent / np.maximum(phi, 1e-300), 0.0)
        return np.outer(nu, per_film)

    def _nucleate(
        self, model: SEIGrowth, new: FilmState, old: FilmState, drive: Drive
    ) -> tuple[FilmState, tuple[Seed, ...]]:
        """Return the state with this step's seeds in it, and those."""
        if self.nucleator is None:
            return new, ()
        bare, converting = bare_speeds(model, drive)
        return self.nucleator.step(new, old, model.reactions, bare, converting, model.front.width)

    def _turnover(
        self, rates: Array, tunnelling: Array, converted: list[Converted], delivered: Array | None,
        inflow: float = 0.0,
    ) -> Turnover:  # fmt: skip
        """Return how the solids came about: at the front by ``rates``, inside as ``converted``."""
        electrons, mass = self.model.reactions.electrons, self.space.mass
        done, carried = np.zeros_like(rates), np.zeros(self.space.size)
        for c, result in zip(self.conversions, converted, strict=True):
            extent = mass * result.extent
            done[c.reaction] += extent
            carried += electrons[c.reaction] * extent * (1.0 - result.tunnelling)
        return Turnover(rates, tunnelling, done, carried, delivered, inflow)
