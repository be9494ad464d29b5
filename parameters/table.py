"""Parameter tables: values with units, uncertainty and sources; species and reactions.

This is the door to the tables; the classes live in the modules they are imported from.
"""

from pathlib import Path

from interphase.parameters.errors import ParameterError, did_you_mean
from interphase.parameters.parameter import Parameter
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.provenance import (
    LogNormal,
    NoUncertainty,
    Range,
    Relative,
    Source,
    Uncertainty,
)
from interphase.parameters.table_file import read_table

__all__ = [
    "LogNormal",
    "NoUncertainty",
    "Parameter",
    "ParameterTable",
    "Range",
    "Relative",
    "Source",
    "Uncertainty",
    "available_tables",
    "load_table",
]

FOLDER = Path(__file__).with_name("tables")
"""Folder of the tables that ship."""


def load_table(name_or_path: str | Path) -> ParameterTable:
    """Load a table that ships, by name, or any other, by path.

    Raises:
        ParameterError: if it does not exist or anything in it is wrong; names table and key.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or text.endswith((".yaml", ".yml")):
        return read_table(Path(name_or_path))
    names = available_tables()
    if text not in names:
        raise ParameterError(f"table {text}: there is none; {did_you_mean(text, names)}")
    return read_table(FOLDER / f"{text}.yaml")


def available_tables() -> list[str]:
    """Return the names of the tables that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))
