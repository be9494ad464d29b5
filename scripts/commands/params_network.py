"""``interphase params network``: how the electrolyte reacts to the film's solids, by potential."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mpi4py import MPI

from interphase.parameters.errors import AtomisticError, InterphaseError
from interphase.scripts.commands.common import (
    BAD_CASE,
    DONE,
    FAILED,
    logger,
    messages,
    write,
)

if TYPE_CHECKING:
    from interphase.models.atomistic.network.energies import Energies
    from interphase.models.atomistic.network.network import Network

_TARGETS: Final = ("EDC", "CO3", "F", "O", "BDC")
_MOLECULES: Final = 24
_EPILOG = """\
examples:
  interphase params network -o network.json
  interphase params network --seeds EC,PF6-,FEC --potentials 1.2,0.6,0.1 --runs 20
"""


def add_parser(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "network",
        help="reaction network of the electrolyte: best paths, yields against potential",
        description="Generate a reaction network, relax its species by xTB, find paths and yields.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", default="EC,PF6-", help="molecules to start from (EC,PF6-)")
    parser.add_argument(
        "--heavy-atoms", type=int, default=10, help="of the largest species (10: Li2EDC)"
    )
    parser.add_argument("--potentials", default="1.5,1.2,0.9,0.6,0.3,0.0", help="V vs Li/Li+")
    parser.add_argument("--paths", type=int, default=3, help="of each product (3)")
    parser.add_argument("--runs", type=int, default=10, help="stochastic runs (10)")
    parser.add_argument(
        "--tunnelling", type=float, default=1e-3, metavar="T",
        help="part of the electrons that pass the film, 1 for a bare electrode (1e-3)",
    )  # fmt: skip
    parser.add_argument("--cache", type=Path, metavar="FILE", help="energies known already")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write all as JSON")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Generate, compute, search, simulate."""
    with messages(parsed):
        return _run(parsed)


def _run(parsed: argparse.Namespace) -> int:
    try:
        if MPI.COMM_WORLD.size > 1:
            raise AtomisticError("interphase params network runs on one rank; leave out mpirun")
        potentials = [float(text) for text in parsed.potentials.split(",")]
        if not 0.0 < parsed.tunnelling <= 1.0:
            raise AtomisticError(f"--tunnelling: {parsed.tunnelling:g} must lie in (0, 1]")
        network = _build(parsed.seeds.split(","), parsed.heavy_atoms)
    except (InterphaseError, ValueError) as error:
        logger.error("error: %s", error)
        return BAD_CASE
    try:
        content = _work(network, potentials, parsed)
    except InterphaseError as error:
        logger.error("error: %s", error)
        return FAILED
    if parsed.output is not None:
        parsed.output.write_text(
            json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        write(f"written to {parsed.output}")
    return DONE


def _build(seeds: list[str], heavy_atoms: int) -> Network:
    from interphase.models.atomistic.network.network import Limits, build

    return build([seed.strip() for seed in seeds], Limits(heavy_atoms=heavy_atoms))


def _work(network: Network, potentials: list[float], parsed: argparse.Namespace) -> dict[str, Any]:
    from interphase.models.atomistic.network.energies import compute, summary
    from interphase.models.atomistic.store import Store

    energies = compute(network, store=Store(parsed.cache))
    part = network.only(energies.gibbs)
    write(summary(energies, part.edges))
    found: dict[str, Any] = {
        "species": len(part.species),
        "reactions": len(part.edges),
        "dropped": len(energies.dropped),
        "correction": asdict(energies.correction),
        "tunnelling": parsed.tunnelling,
        "potentials": [],
    }
    for potential in potentials:
        found["potentials"].append(_at(part, energies, potential, parsed))
    return found


def _at(
    network: Network, energies: Energies, potential: float, parsed: argparse.Namespace
) -> dict[str, Any]:
    from interphase.models.atomistic.network.network import KNOWN, Species
    from interphase.models.atomistic.network.paths import Ways, directed
    from interphase.models.atomistic.network.yields import Conditions, simulate

    steps = directed(network, energies, potential)
    origin, salt = Species(KNOWN["EC"]), Species(KNOWN["PF6"], -1)
    start = [one for one in (origin, salt) if one in energies.gibbs]
    known = Ways(steps, start)
    write(f"\n{potential:g} V vs Li/Li+")
    ways: dict[str, list[dict[str, Any]]] = {}
    for target in _targets(network):
        first = salt if target.smiles == KNOWN["F"] and salt in start else origin
        try:
            best = known.paths(first, target, parsed.paths)
        except AtomisticError as error:
            write(f"  {error}")
            continue
        ways[target.name] = [
            {"cost [eV]": way.cost, "steps": [step.text for step in way.steps]} for way in best
        ]
        write(f"  {target.name}: {best[0].cost:.2f} eV: "
              + "; ".join(step.text for step in best[0].steps))  # fmt: skip
    amounts = {origin: _MOLECULES} | ({salt: _MOLECULES // 4} if salt in start else {})
    conditions = Conditions(amounts, tunnelling=parsed.tunnelling)
    found = simulate(steps, conditions, parsed.runs, seed=7)
    write("  yields per EC: " + ", ".join(
        f"{name} {mean:.2f}+-{found.error[name]:.2f}" for name, mean in found.mean.items() if mean
    ))  # fmt: skip
    left = {one.name: number for one, number in found.final.most_common(12)}
    return {"potential [V]": potential, "paths": ways, "yields": dict(found.mean),
            "yield_errors": dict(found.error), "left": left}  # fmt: skip


def _targets(network: Network) -> list[Any]:
    """Return the neutral salts of the film that the network holds."""
    from interphase.models.atomistic.network import skeleton
    from interphase.models.atomistic.network.network import KNOWN, Species

    known = set(network.species)
    found = []
    for name in _TARGETS:
        electrons = skeleton.radicals(KNOWN[name])
        one = Species(KNOWN[name], -electrons, electrons)
        if one in known:
            found.append(one)
    return found
