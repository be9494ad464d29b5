"""The list of limits: what each is called, which group it belongs to, where it makes sense."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mpi4py import MPI

from interphase.parameters.errors import InterphaseError, ParameterError, did_you_mean
from interphase.scripts.verification import (
    conservation,
    conversion,
    coupling,
    energy,
    fronts,
    groove,
    growth,
    kinetics,
    laws,
    p3d,
    planar,
    pores,
    transport,
    waves,
)
from interphase.scripts.verification.check import Check, failed

type Test = Callable[[MPI.Comm], Check | tuple[Check, ...]]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the model.

    Attributes:
        name: what it is called on the command line, unique.
        group: kinetics, growth, laws, fronts, transport, energy, conservation, cells, p3d,
            cells-long or p3d-long.
        test: measures it; collective.
        parallel: it exercises what differs between one rank and several.
        long: it takes minutes, so that it is measured only when asked for by name or group.
    """

    name: str
    group: str
    test: Test
    parallel: bool = False
    long: bool = False

    def run(self, comm: MPI.Comm) -> tuple[Check, ...]:
        """Return the checks of this limit; one that breaks down has failed. Collective."""
        try:
            result = self.test(comm)
        except InterphaseError as error:
            return (failed(f"{self.name} {error}"),)
        return result if isinstance(result, tuple) else (result,)


LIMITS: tuple[Limit, ...] = (
    Limit("T1-profile", "energy", energy.profile_at_rest),
    Limit("T1-energy", "energy", energy.interface_energy, parallel=True),
    Limit("T2", "fronts", fronts.travelling_front, parallel=True),
    Limit("T3-front", "energy", energy.variational_front),
    Limit("T3-secant", "energy", energy.secant_front),
    Limit("T4", "energy", energy.shrinking_circle),
    Limit("T4'-20", "fronts", fronts.disc_20),
    Limit("T4'-40", "fronts", fronts.disc_40, parallel=True),
    Limit("T4'-80", "fronts", fronts.disc_80),
    Limit("T5-circle", "energy", energy.critical_circle),
    Limit("T5-sphere", "energy", energy.critical_sphere),
    Limit("T5-film", "fronts", fronts.gibbs_thomson),
    Limit("T6", "energy", energy.triple_junction),
    Limit("T6-equal", "energy", energy.triple_junction_equal),
    Limit("T7", "growth", growth.diffusion_limited, parallel=True),
    Limit("T8", "growth", growth.reaction_limited),
    Limit("T9", "growth", growth.mixed),
    Limit("T10", "growth", growth.tunnelling_limited),
    Limit("T11-charge", "transport", transport.migration_charging, parallel=True),
    Limit("T11-discharge", "transport", transport.migration_discharging),
    Limit("T12", "kinetics", kinetics.nernst),
    Limit("T12-decade", "kinetics", kinetics.nernst_decade),
    Limit("T12-carriers", "kinetics", kinetics.carriers_at_rest),
    Limit("T13", "kinetics", kinetics.tafel_slope),
    Limit("T13-Marcus", "kinetics", kinetics.tafel_slope_of_marcus),
    Limit("T13-MHC", "kinetics", kinetics.plateau_of_mhc),
    Limit("T14-series", "transport", transport.series),
    Limit("T14-parallel", "transport", transport.parallel, parallel=True),
    Limit("T14-groove", "transport", groove.groove),
    Limit("T15", "conservation", conservation.balances, parallel=True),
    Limit("T16", "energy", energy.energy_decay, parallel=True),
    Limit("T16-split", "energy", energy.energy_decay_split),
    Limit("T17", "conservation", conservation.faraday, parallel=True),
    Limit("T18", "conservation", conservation.partition, parallel=True),
    Limit("T20", "fronts", fronts.overgrowth, parallel=True),
    Limit("T21", "fronts", fronts.two_fronts),
    Limit("T22", "conservation", conversion.conversion, parallel=True),
    Limit("T23-filling", "conservation", pores.filling),
    Limit("T23-depth", "conservation", pores.depth),
    Limit("T23-books", "conservation", pores.books, parallel=True),
    Limit("T24", "conservation", conversion.columns, parallel=True),
    Limit("T25-diffusion", "growth", waves.levelling_by_diffusion, parallel=True),
    Limit("T25-mixed", "growth", waves.levelling_at_one),
    Limit("R4-carriers", "conservation", conversion.split),
    Limit("ramp", "growth", growth.ramp),
    Limit("exponent-1", "growth", growth.exponent_one),
    Limit("exponent-1/2", "growth", growth.exponent_half),
    Limit("log-slope", "growth", growth.logarithmic_slope),
    Limit("law-reaction", "laws", laws.reaction_limited),
    Limit("law-interstitial", "laws", laws.interstitial_limited),
    Limit("law-tunnelling", "laws", laws.tunnelling_limited),
    Limit("law-EC", "laws", laws.ec_reaction_limited),
    Limit("law-VonKolzenberg", "laws", laws.von_kolzenberg),
    Limit("cell-cycling", "cells", coupling.cycling),
    Limit("cell-storage", "cells", coupling.storage),
    Limit("cell-P2D", "cells", coupling.p2d),
    Limit("cell-exchanges", "cells", coupling.exchanges),
    Limit("cell-jumps", "cells", coupling.jumps),
    Limit("cell-patches", "cells", coupling.patches),
    Limit("cell-books", "cells", coupling.books, parallel=True),
    Limit("P3D-heat", "p3d", p3d.heat_of_a_block, parallel=True),
    Limit("P3D-roll", "p3d", p3d.heat_of_a_roll),
    Limit("P3D-crowding", "p3d", p3d.current_crowding, parallel=True),
    Limit("P3D-books", "p3d", p3d.books, parallel=True),
    Limit("P3D-ranks", "p3d", p3d.ranks, parallel=True),
    Limit("P3D-lumped", "p3d", p3d.lumped),
    Limit("long-P3D-pouch", "p3d-long", p3d.pouch_spm, long=True),
    Limit("long-P3D-pouch-SPMe", "p3d-long", p3d.pouch_spme, long=True),
    Limit("long-P3D-lumped", "p3d-long", p3d.lumped_dfn, long=True),
    Limit("long-cycling", "cells-long", coupling.cycling_long, long=True),
    Limit("long-storage", "cells-long", coupling.storage_long, long=True),
    Limit("long-P2D-cycling", "cells-long", coupling.p2d_cycling_long, long=True),
    Limit("long-P2D-storage", "cells-long", coupling.p2d_storage_long, long=True),
    Limit("long-jumps", "cells-long", coupling.jumps_long, long=True),
    Limit("long-planar-storage", "cells-long", planar.storage, long=True),
    Limit("long-planar-cycling", "cells-long", planar.cycling, long=True),
)


def select(names: Iterable[str], *, parallel: bool = False) -> tuple[Limit, ...]:
    """Return the limits that ``names`` call for, in the order of the list.

    Without names: all that are not long.

    A name is that of a limit (``T5-film``), its first part (``T5``: all of them) or a group. ``p``
    may stand for the prime, ``T4p`` for ``T4'``.

    Args:
        names: as given by the user, upper and lower case alike.
        parallel: only those that exercise what differs between one rank and several.

    Raises:
        ParameterError: a name that calls for nothing.
    """
    chosen = [limit for limit in LIMITS if limit.parallel or not parallel]
    wanted = list(names)
    if not wanted:
        return tuple(limit for limit in chosen if not limit.long)
    keys = {limit.name: _keys(limit) for limit in LIMITS}
    every = {key for some in keys.values() for key in some}
    for name in wanted:
        if _plain(name) not in every:
            known = {limit.name for limit in LIMITS} | {limit.group for limit in LIMITS}
            raise ParameterError(f"unknown limit '{name}'; {did_you_mean(name, known)}")
    asked = {_plain(name) for name in wanted}
    return tuple(limit for limit in chosen if asked & keys[limit.name])


def _keys(limit: Limit) -> set[str]:
    return {_plain(limit.name), _plain(limit.name.split("-")[0]), _plain(limit.group)}


def _plain(name: str) -> str:
    return name.lower().replace("'", "p").replace("\u2019", "p")
