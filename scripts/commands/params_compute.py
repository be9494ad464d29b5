"""``interphase params compute``: one property from atoms, into a result file."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from mpi4py import MPI

from interphase.models.atomistic import result_file
from interphase.models.atomistic.registry import recipe, recipes
from interphase.models.atomistic.result import Computed, timed
from interphase.models.atomistic.store import Store
from interphase.parameters.errors import AtomisticError, InterphaseError
from interphase.scripts.commands.common import (
    BAD_CASE,
    DONE,
    FAILED,
    logger,
    messages,
    write,
)

_EPILOG = """\
examples:
  interphase params compute --list
  interphase params compute lattice LiF --method sevennet-0 -o lattice_LiF.json
  interphase params compute lattice LiF,Li2O --method all -o lattice.json
"""


def add_parser(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "compute",
        help="compute a property from atoms",
        description="Compute one property of one material and write it with its provenance.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("property", nargs="?", help="what to compute (--list names all)")
    parser.add_argument(
        "material", nargs="?", help="crystals, molecules or reactions: A, A,B or all"
    )
    parser.add_argument("--method", help="potentials or levels of theory: A, A,B or all")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="result file to write")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FILE",
        help="what is known already: energies of molecules; runs of liquids, which go on from it",
    )
    parser.add_argument("--list", action="store_true", help="name what can be computed")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Compute."""
    with messages(parsed):
        return _compute(parsed)


def _compute(parsed: argparse.Namespace) -> int:
    if parsed.list:
        write("\n".join(_catalogue()))
        return DONE
    try:
        if MPI.COMM_WORLD.size > 1:
            raise AtomisticError("interphase params compute runs on one rank; leave out mpirun")
        if not (parsed.property and parsed.material):
            raise AtomisticError("name a property and a material; --list names what there is")
        store = Store(parsed.cache)
        calculations = recipe(parsed.property, store).calculations(parsed.material, parsed.method)
    except InterphaseError as error:
        logger.error("error: %s", error)
        return BAD_CASE
    path = parsed.output or Path("results") / f"{_stem(parsed)}.json"
    values: list[Computed] = []
    failed = 0
    for (material, method), calculation in calculations.items():
        try:
            found = timed(calculation, store)
        except InterphaseError as error:
            # one potential may know no minimum where the others do: what they found is kept
            logger.error("error: %s by %s: %s", material, method, error)
            failed += 1
            continue
        write("\n".join(_lines(found)))
        values += found
        try:
            # after each, so that a long run that is stopped leaves what it had
            result_file.write(path, values, _command(parsed))
        except InterphaseError as error:
            logger.error("error: %s", error)
            return FAILED
    if values:
        write(f"written to {path}")
    return FAILED if failed else DONE


def _command(parsed: argparse.Namespace) -> str:
    words = ["interphase", "params", "compute", parsed.property, parsed.material]
    return shlex.join(words + (["--method", parsed.method] if parsed.method else []))


def _stem(parsed: argparse.Namespace) -> str:
    parts = [parsed.property, parsed.material, parsed.method or ""]
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", "_".join(part for part in parts if part))


def _lines(values: Sequence[Computed]) -> list[str]:
    lines = []
    for value in values:
        lines.append(f"{value.key:44s} {value.value:.6g} {value.unit}")
        lines += [f"    {name:30s} {part:+.6g}" for name, part in value.terms.items()]
    lines.append(f"{values[0].method}; {values[0].seconds:.1f} s")
    return lines


def _catalogue() -> list[str]:
    lines = []
    for one in recipes().values():
        lines.append(f"{one.name:32s} {one.text} (extra {one.extra})")
        lines.append(f"    of {', '.join(one.materials)}")
        lines.append(f"    by {', '.join(one.methods)}")
    return lines
