"""The cell of a finished or stopped study as PyBaMM knows it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from interphase.parameters.case import load_case
from interphase.parameters.errors import CheckpointError
from interphase.solvers.cell import PyBaMMCell
from interphase.solvers.study_checkpoint import load_cell
from interphase.solvers.study_setup import Condition, cell_of, spec_of


def last_cell(folder: Path) -> PyBaMMCell:
    """Return the cell of a study as it was at the last checkpoint, with its films' last answer.

    It can be run on (`PyBaMMCell.run`) as long as the films hardly change, for a pulse or a test
    of its capacity; the films of the study do not follow.

    Args:
        folder: of one study; of storage at several conditions, that of one of them.

    Raises:
        CheckpointError: there is no checkpoint, or it is damaged.
    """
    try:
        record = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["cell"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{folder}: holds no record of a cell; give a study's folder"
        ) from error
    case = cell_of(load_case(folder / "case.yaml"))
    condition = Condition("", record["initial_soc"], float(record["temperature"]))
    spec = replace(spec_of(case, condition), film_thickness=float(record["film_thickness"]))
    state = load_cell(folder)
    cell = PyBaMMCell(spec)
    cell.restore(state)
    return cell


def last_solution(folder: Path) -> Any:
    """Return ``pybamm.Solution`` of the cell at the last checkpoint; one time, every variable.

    ``last_solution(folder)["Negative electrode SEI film overpotential [V]"].entries`` is the drop
    over the films along the electrode.
    """
    return last_cell(folder).solution()
