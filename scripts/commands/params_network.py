"""``interphase params network``: how the electrolyte reacts to the film's solids, by potential."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mpi4py import MPI

from interphase.models.atomistic import result_file
from interphase.parameters.errors import AtomisticError, InterphaseError
from interphase.parameters.table import load_table
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
    from interphase.parameters.parameter_table import ParameterTable

_TARGETS: Final = ("EDC", "CO3", "F", "O", "BDC")
_MOLECULES: Final = 24
_EPILOG = """\
examples:
  interphase params network -o network.json
  interphase params network --seeds EC,PF6-,FEC --potentials 1.2,0.6,0.1 --films 0,1
  interphase params network --rates graphite_carbonate --rates-file rates.json
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
        "--films", default="0,0.5,1,1.5,2", metavar="NM",
        help="thicknesses that electrons tunnel through, 0 for a bare electrode [nm]",
    )  # fmt: skip
    parser.add_argument(
        "--uphill", type=float, default=0.5, metavar="EV",
        help="by which steps of the electrode go uphill at most in stochastic runs (0.5)",
    )  # fmt: skip
    parser.add_argument(
        "--rates", metavar="TABLE", help="rates of the film's reactions for a table, to RATES_FILE"
    )
    parser.add_argument(
        "--rates-file", type=Path, metavar="FILE", default=Path("results/network_rates.json"),
        help="result file of the rates, which `params fill --results` takes",
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
        potentials = _numbers("--potentials", parsed.potentials)
        films = [1e-9 * nm for nm in _numbers("--films", parsed.films)]
        if not parsed.uphill >= 0.0:
            raise AtomisticError(f"--uphill: {parsed.uphill:g} eV; give 0 or more")
        if min(films) < 0.0:
            raise AtomisticError(f"--films: a thickness of {1e9 * min(films):g} nm is negative")
        table = load_table(parsed.rates) if parsed.rates else None
        network = _build(parsed.seeds.split(","), parsed.heavy_atoms)
    except InterphaseError as error:
        logger.error("error: %s", error)
        return BAD_CASE
    try:
        content = _work(network, potentials, films, table, parsed)
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


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise AtomisticError(f"{option}: {error}; write numbers with commas between") from error


def _work(
    network: Network,
    potentials: list[float],
    films: list[float],
    table: ParameterTable | None,
    parsed: argparse.Namespace,
) -> dict[str, Any]:
    from interphase.models.atomistic.network.energies import compute, summary
    from interphase.models.atomistic.store import Store

    energies = compute(network, store=Store(parsed.cache))
    part = network.only(energies.gibbs)
    write(summary(energies, part.edges))
    if table is not None:
        _rates(part, energies, table, parsed)
    found: dict[str, Any] = {
        "species": len(part.species),
        "reactions": len(part.edges),
        "dropped": len(energies.dropped),
        "correction": asdict(energies.correction),
        "films [m]": films,
        "uphill [eV]": parsed.uphill,
        "potentials": [],
    }
    for potential in potentials:
        found["potentials"].append(_at(part, energies, potential, films, parsed))
    return found


def _rates(
    network: Network, energies: Energies, table: ParameterTable, parsed: argparse.Namespace
) -> None:
    from interphase.models.atomistic.network.rates import film_rates

    rows, missing = film_rates(network, energies, table)
    for line in missing:
        write(f"no rate of {line}")
    for row in rows:
        spread = row.parameter().as_dict()["uncertainty"]
        write(f"{row.key:28s} {row.value:.3g} {row.unit} {spread}; {row.note}")
    if rows:
        command = f"interphase params network --seeds {parsed.seeds} --rates {parsed.rates}"
        result_file.write(parsed.rates_file, rows, command)
        write(f"rates written to {parsed.rates_file}")


def _at(
    network: Network,
    energies: Energies,
    potential: float,
    films: list[float],
    parsed: argparse.Namespace,
) -> dict[str, Any]:
    from interphase.models.atomistic.network.network import KNOWN, Species
    from interphase.models.atomistic.network.paths import Ways, directed
    from interphase.models.atomistic.network.yields import Conditions, simulate

    steps = directed(network, energies, potential)
    origin, salt = Species(KNOWN["EC"]), Species(KNOWN["PF6"], -1)
    additives = [Species(KNOWN[name]) for name in ("FEC", "VC")]
    start = [one for one in (origin, salt, *additives) if one in energies.gibbs]
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
    amounts = {one: _MOLECULES // 4 if one == salt else _MOLECULES for one in start}
    yields = []
    for film in films:
        found = simulate(
            steps, Conditions(amounts, film=film, uphill=parsed.uphill), parsed.runs, seed=7
        )
        write(f"  film {1e9 * film:g} nm: inorganic {found.inorganic:.2f}"
              f"+-{found.inorganic_error:.2f} of the salts' lithium; per EC: "
              + ", ".join(f"{name} {mean:.2f}+-{found.error[name]:.2f}"
                          for name, mean in found.mean.items() if mean))  # fmt: skip
        yields.append({
            "film [m]": film, "inorganic": _number(found.inorganic),
            "inorganic_error": _number(found.inorganic_error), "mean": dict(found.mean),
            "error": dict(found.error),
            "left": {one.name: number for one, number in found.final.most_common(12)},
        })  # fmt: skip
    return {"potential [V]": potential, "paths": ways, "yields": yields}


def _number(value: float) -> float | None:
    """Return a number as JSON has it, which knows no nan."""
    return value if math.isfinite(value) else None


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
