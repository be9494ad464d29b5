"""Files of computed values: JSON with provenance and a hash of everything else in the file.

A file whose hash does not fit was changed by hand or damaged; its numbers are not trusted.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from interphase.models.atomistic.result import Computed, as_plain
from interphase.parameters.errors import ParameterError, ResultFileError
from interphase.parameters.provenance import read_uncertainty

FOLDER: Final = Path(__file__).with_name("computed")
"""Folder of the results that ship."""

_SCHEMA: Final = 1
_KEYS: Final = {"schema", "command", "computed", "values", "sha256"}


@dataclass(frozen=True, slots=True)
class ResultFile:
    """The content of a result file.

    Attributes:
        path: where it was read.
        command: what computes it again.
        computed: when, UTC, ISO 8601.
        values: the values.
        sha256: hash of all of the above but the path.
    """

    path: Path
    command: str
    computed: str
    values: tuple[Computed, ...]
    sha256: str

    @property
    def where(self) -> str:
        """What the source of a table's row says: file and hash."""
        return f"{self.path.name}, sha256 {self.sha256[:12]}"


def write(path: Path, values: Sequence[Computed], command: str) -> ResultFile:
    """Write values whole or not at all.

    Args:
        path: file to write, its folder is made.
        values: what was computed.
        command: the command that computes them again.
    """
    content: dict[str, Any] = {
        "schema": _SCHEMA,
        "command": command,
        "computed": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "values": [as_plain(value) for value in values],
    }
    content["sha256"] = content_hash(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise ResultFileError(f"cannot write {path}: {error.strerror}") from error
    return read(path)


def read(path: Path) -> ResultFile:
    """Read a result file.

    Raises:
        ResultFileError: if it cannot be read, is no result file, or its hash does not fit.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultFileError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ResultFileError(f"{path}: is not JSON: {error}") from error
    if not isinstance(content, dict) or set(content) != _KEYS or content["schema"] != _SCHEMA:
        raise ResultFileError(f"{path}: is no result file of schema {_SCHEMA}")
    if content["sha256"] != content_hash(content):
        raise ResultFileError(
            f"{path}: its hash does not fit, the file was changed or damaged; "
            f"compute it again: {content['command']}"
        )
    try:
        values = tuple(_value(entry) for entry in content["values"])
    except (ParameterError, TypeError, KeyError) as error:
        raise ResultFileError(f"{path}: {error}") from error
    return ResultFile(path, content["command"], content["computed"], values, content["sha256"])


def shipped() -> list[ResultFile]:
    """Return all results that ship, in the order of their names.

    Raises:
        ResultFileError: if one of them is damaged.
    """
    return [read(path) for path in sorted(FOLDER.glob("*.json"))]


def content_hash(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything but the hash itself, in one canonical spelling."""
    rest = {key: value for key, value in content.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _value(entry: Mapping[str, Any]) -> Computed:
    rest = dict(entry)
    return Computed(uncertainty=read_uncertainty(rest.pop("uncertainty")), **rest)
