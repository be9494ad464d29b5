"""Mean and spread of finished runs: ``python -m interphase.scripts.ensemble DIR [DIR ...]``.

Films of a few grains differ from seed to seed: report ensembles, not one film.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from interphase.parameters.errors import InterphaseError, OutputError
from interphase.parameters.nuclei_csv import read_nuclei

_QUANTITIES = {
    "thickness": (1e9, "nm"),
    "thickness_LiF": (1e9, "nm"),
    "thickness_Li2CO3": (1e9, "nm"),
    "thickness_Li2O": (1e9, "nm"),
    "thickness_Li2EDC": (1e9, "nm"),
    "porosity": (1.0, "-"),
    "grains": (1.0, "-"),
    "carbonate_edges": (1.0, "-"),
    "charge": (1.0, "C/m2"),
    "film_resistance": (1e4, "ohm cm2"),
}


def final_numbers(folder: Path) -> dict[str, float]:
    """Return the final numbers of a finished run.

    Raises:
        OutputError: the folder holds no finished run.
    """
    path = folder / "summary.json"
    if not path.is_file():
        raise OutputError(
            f"{folder} holds no finished run (summary.json is missing): run the case first"
        )
    summary = json.loads(path.read_text())
    if not summary.get("finished"):
        raise OutputError(f"the run in {folder} ended before its time: continue it with --restart")
    final = {key: float(value) for key, value in summary["final"].items()}
    return {**final, "carbonate_edges": float(carbonate_edges(folder))}


def carbonate_edges(folder: Path) -> int:
    """Return at how many edges carbonate can creep under organic, on an electrode that is a line.

    Neighbours of the two phases when the film closes, and both sides of every nucleus under it:
    their number decides when localised electrons are shut out, and so the plateau.

    Raises:
        CaseError: the run's table of nuclei is missing or cannot be read.
    """
    nuclei = read_nuclei(folder / "nuclei.csv")
    line = sorted((float(n["at"][0].split()[0]), n["phase"]) for n in nuclei if not n["converted"])
    phases = [phase for _, phase in line]
    pairs = zip(phases, phases[1:] + phases[:1], strict=True)
    beside = sum({a, b} == {"Li2CO3", "Li2EDC"} for a, b in pairs)
    return beside + 2 * sum(n["converted"] for n in nuclei)


def table(runs: Sequence[dict[str, float]]) -> str:
    """Return mean, standard deviation, least and largest of every quantity as a Markdown table."""
    lines = ["| quantity | mean | standard deviation | least | largest |", "|---|---|---|---|---|"]
    for name, (scale, unit) in _QUANTITIES.items():
        values = np.array([run[name] for run in runs]) * scale
        spread = values.std(ddof=1) if values.size > 1 else float("nan")
        lines.append(
            f"| {name} [{unit}] | {values.mean():.3g} | {spread:.2g} "
            f"| {values.min():.3g} | {values.max():.3g} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of the given run folders; exit code 2 if one is not finished."""
    parser = argparse.ArgumentParser(
        prog="python -m interphase.scripts.ensemble", description=__doc__
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="folder of a finished run"
    )
    folders = parser.parse_args(arguments).folders
    try:
        runs = [final_numbers(folder) for folder in folders]
    except InterphaseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{len(runs)} runs\n\n{table(runs)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
