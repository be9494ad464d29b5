"""A case: everything that defines a run, read from a YAML file or built in Python.

Every quantity is text with a unit in the file and a float in SI in the objects. What cannot be
right is refused here, in one line with the path of the key, before anything is computed.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from interphase.parameters.case_errors import case_error
from interphase.parameters.case_mesh import MeshCase
from interphase.parameters.case_model import InitialCase, ModelCase
from interphase.parameters.case_p3d import P3DCase
from interphase.parameters.case_run import (
    DriveCase,
    OutputCase,
    SolverCase,
    TimeCase,
    is_shipped_model,
)
from interphase.parameters.case_types import Block, without_none
from interphase.parameters.errors import CaseError
from interphase.parameters.nuclei_csv import read_nuclei
from interphase.parameters.program import DriveProgram
from interphase.parameters.yaml_io import YAMLError, dump_yaml, parse_yaml, read_yaml

_OVERRIDE = "model.override."
_SEGMENT = re.compile(r"([^.\[\]]+)((?:\[\d+\])*)")


class Case(Block):
    """A run. ``Case(**data)`` takes the same names and strings as the YAML file.

    Raises:
        CaseError: if anything is wrong; one line with the path of the key.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    """Version of the case schema."""

    title: str = Field(default="untitled", min_length=1)
    """One line for people."""

    mesh: MeshCase = Field(examples=["{kind: rectangle, ...}"])
    model: ModelCase = Field(default_factory=ModelCase)
    initial: InitialCase = Field(default_factory=InitialCase)
    drive: DriveCase = Field(examples=["{steps: [{hold: 0.1 V}]}"])
    time: TimeCase = Field(examples=["{until: 6 h}"])
    output: OutputCase = Field(default_factory=OutputCase)
    solver: SolverCase = Field(default_factory=SolverCase)

    def __init__(self, **data: Any) -> None:
        """Read and check the blocks."""
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise case_error(error, type(self)) from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Check what concerns several blocks; a CaseError passes through pydantic unchanged."""
        for phase in self.initial.shares:
            if phase not in self.model.solids:
                raise CaseError(
                    f"'{phase}' is not a solid of model.phases ({', '.join(self.model.solids)})",
                    f"initial.shares.{phase}",
                )
        if self.initial.seeds.law == "given" and self.drive.kind == "cell":
            raise CaseError(
                "given nuclei need the clock of a film that runs alone; under a cell write law: "
                "poisson or none",
                "initial.seeds.law",
            )
        for index, nucleus in enumerate(self.initial.seeds.nuclei):
            if nucleus.phase not in self.model.solids:
                raise CaseError(
                    f"'{nucleus.phase}' is not a solid of model.phases "
                    f"({', '.join(self.model.solids)})",
                    f"initial.seeds.nuclei[{index}].phase",
                )
        nothing_to_inherit = not self.initial.shares and self.model.deposition == "inherit"
        if nothing_to_inherit and self.initial.seeds.law == "none":
            raise CaseError(
                "a bare electrode without nucleation has no phase to inherit; write law: poisson, "
                "or model.deposition: proportional, or give initial.shares",
                "initial.seeds.law",
            )
        cell = self.drive.cell
        if cell is not None and cell.stop.dry > 0.0 and not self.model.dry_out:
            raise CaseError(
                "needs a finite amount of solvent; write model.dry_out: true and "
                "model.reservoir_volume_per_area, or leave it out",
                "drive.cell.stop.dry",
            )
        if self.drive.kind == "program":
            # a CSV file is read when the program is asked for: a Case alone touches no files
            self.program()
        return self

    def program(self) -> DriveProgram:
        """Return the drive in time; a case whose film is driven by a cell has none.

        Raises:
            CaseError: if it is not consistent, or its CSV file is bad.
        """
        return DriveProgram.from_drive(self.drive, self.time.until)

    def resolved(self) -> dict[str, Any]:
        """Return the case with every default filled in, as plain values with units in strings.

        ``Case(**case.resolved()) == case`` holds exactly.
        """
        plain: dict[str, Any] = without_none(self.model_dump(mode="json", by_alias=True))
        return plain

    def to_yaml(self) -> str:
        """Return :meth:`resolved` as YAML text."""
        return dump_yaml(self.resolved())


def load_case(path: str | Path, overrides: Sequence[str] = ()) -> Case:
    """Read the case file of a film; see `load_any`.

    Raises:
        CaseError: also if it is of another kind.
    """
    case = load_any(path, overrides)
    if not isinstance(case, Case):
        raise CaseError(f"{path} is a case of kind {case.kind}, a film is wanted here", "kind")
    return case


def load_any(path: str | Path, overrides: Sequence[str] = ()) -> Case | P3DCase:
    """Read a case file: of a film, or of a whole cell if it says ``kind: p3d``.

    Args:
        path: the YAML file. File names in it are relative to its folder.
        overrides: changes such as ``"mesh.cell_size=0.25 nm"``, ``"drive.steps[0].rate=1 V/h"``
            or ``"model.override.interstitial_rate.R1=1e-6 mol/m^2/s"``, applied in order; their
            file names are relative to the case file as well.

    Raises:
        CaseError: if the file or an override is wrong; one line with the path of the key.
    """
    path = Path(path)
    try:
        data = read_yaml(path)
    except YAMLError as error:
        text = str(error)
        raise CaseError(text if str(path) in text else f"{path}, {text}") from error
    for override in overrides:
        apply_override(data, override)
    _resolve_files(data, path.resolve().parent)
    if "kind" in data:
        return P3DCase(**data)
    _read_nuclei(data, path.resolve().parent)
    case = Case(**data)
    if case.drive.kind != "cell":
        case.program()
    return case


def apply_override(data: dict[str, Any], override: str) -> None:
    """Set one value in the plain data of a case, in place.

    Args:
        data: the case as read from YAML.
        override: ``path.of.key=VALUE``; VALUE is read as YAML.

    Raises:
        CaseError: if the text is not of this form or the path runs through a value.
    """
    path, equals, text = override.partition("=")
    path = path.strip()
    if not equals or not path:
        raise CaseError(f"'{override}' is no override; write for example mesh.cell_size=0.25 nm")
    try:
        value = parse_yaml(text)
    except YAMLError as error:
        raise CaseError(f"cannot read '{text}': {error}", path) from error
    keys: list[str | int]
    if path.startswith(_OVERRIDE):
        # the names of rows contain dots themselves
        name = path.removeprefix(_OVERRIDE).removesuffix(".value")
        keys = ["model", "override", name]
        if not isinstance(value, dict):
            value = {"value": value, "note": "set on the command line"}
    else:
        keys = _split(path)
    target: Any = data
    for key in keys[:-1]:
        target = _child(target, key, path)
    if isinstance(target, dict) and isinstance(keys[-1], str):
        target[keys[-1]] = value
    elif _is_item(target, keys[-1]):
        target[keys[-1]] = value
    else:
        raise CaseError("there is no such place in the case", path)


def _split(path: str) -> list[str | int]:
    keys: list[str | int] = []
    for segment in path.split("."):
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            raise CaseError("is no path of a key; write for example drive.steps[0].rate", path)
        keys.append(match[1])
        keys += [int(index) for index in re.findall(r"\d+", match[2])]
    return keys


def _is_item(target: Any, key: str | int) -> bool:
    return isinstance(target, list) and isinstance(key, int) and key < len(target)


def _child(target: Any, key: str | int, path: str) -> Any:
    """Return the value under a key, making the block that a default would have filled."""
    if isinstance(target, dict) and isinstance(key, str):
        if target.get(key) is None:
            target[key] = {}
        return target[key]
    if _is_item(target, key):
        return target[key]
    raise CaseError("there is no such place in the case", path)


def _resolve_files(data: dict[str, Any], folder: Path) -> None:
    """Make file names absolute, so that the resolved case can be read from anywhere."""
    drive = data.get("drive")
    cell = drive.get("cell") if isinstance(drive, dict) else None
    if isinstance(cell, dict):
        _resolve_cell_files(cell, folder)
    pair = data.get("pair")
    if isinstance(pair, dict):
        _resolve_cell_files(pair, folder)
    solver = data.get("solver")
    accelerator = solver.get("accelerator") if isinstance(solver, dict) else None
    if isinstance(accelerator, dict) and isinstance(accelerator.get("file"), str):
        if not is_shipped_model(accelerator["file"]):
            accelerator["file"] = str(folder / accelerator["file"])
    files = (("mesh", "file"), ("geometry", "file"), ("drive", "file"), ("drive", "profile"))
    for block, key in (*files, ("model", "table")):
        content = data.get(block)
        name = content.get(key) if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(name, str):
            continue
        # a bare word is the name of a table that ships
        if key != "table" or "/" in name or name.endswith((".yaml", ".yml")):
            content[key] = str(folder / name)


def _read_nuclei(data: dict[str, Any], folder: Path) -> None:
    """Put nuclei in the place of the file that holds them: the resolved case needs no file."""
    initial = data.get("initial")
    seeds = initial.get("seeds") if isinstance(initial, dict) else None
    if isinstance(seeds, dict) and isinstance(seeds.get("nuclei"), str):
        nuclei = read_nuclei(folder / seeds["nuclei"])
        seeds["nuclei"] = [{k: n[k] for k in ("time", "at", "phase")} for n in nuclei]


def _resolve_cell_files(cell: dict[str, Any], folder: Path) -> None:
    """Make the file names of a cell absolute; a bare word is the name of a parameter set."""
    profile, parameters = cell.get("profile"), cell.get("parameters")
    if isinstance(profile, str):
        cell["profile"] = str(folder / profile)
    if isinstance(parameters, str) and parameters.endswith(".json"):
        cell["parameters"] = str(folder / parameters)
