"""What a run leaves against time, for a film alone and for one that a cell drives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interphase.parameters.case import Case
from interphase.parameters.errors import CaseError
from interphase.solvers.diagnostics import columns
from interphase.solvers.study_records import AGEING
from interphase.solvers.study_setup import conditions


@dataclass(frozen=True, slots=True)
class Record:
    """The table that a run writes as it goes.

    Attributes:
        file: its name in the folder of the run.
        columns: unit of each column.
        until: when the run ends [s], None where only the run can tell (cycles).
    """

    file: str
    columns: Mapping[str, str]
    until: float | None


def record_of(case: Case) -> Record:
    """Return what the runs of a case leave.

    Raises:
        CaseError: a run would be several studies with a folder each.
    """
    if case.drive.cell is None:
        return Record("timeseries.csv", dict(columns(case.model.solids)), case.time.until)
    if len(conditions(case)) > 1:
        raise CaseError(
            "a member is one study: give one soc and one temperature, and vary "
            "drive.cell.storage.soc[0] or drive.cell.storage.temperature[0]",
            "drive.cell.storage",
        )
    until = case.time.until if case.drive.cell.storage else None
    return Record("ageing.csv", dict(AGEING), until)
