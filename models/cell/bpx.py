"""Reading BPX files, the open format of cell parameters (https://bpxstandard.com).

Film parameters travel in the section "User-defined" under PyBaMM's own names.
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from interphase.parameters.errors import CaseError

KEY = "cell.parameters"

# Optional in BPX, wanted by PyBaMM; without the change of entropy a cell makes no reversible heat.
_ENTROPY: Final = "{} electrode OCP entropic change [V.K-1]"


def read_bpx(path: Path) -> Any:
    """Return ``pybamm.ParameterValues`` of a BPX file.

    A text named "description" in "User-defined" is allowed by the format, but PyBaMM would read
    it as a number: it is left out.

    Raises:
        CaseError: if the file cannot be read, is no BPX, or says something that would be ignored.
    """
    content = without_descriptions(_load(path))
    _refuse_what_would_be_ignored(path, content)
    import pybamm

    try:
        with warnings.catch_warnings():
            # files of version 0 are converted with a warning on the limits of that
            warnings.simplefilter("ignore")
            values = pybamm.ParameterValues.create_from_bpx_obj(content)
    except ImportError as error:
        raise CaseError(f"{path}: reading BPX needs the package bpx; install it", KEY) from error
    except KeyError as error:
        raise CaseError(
            f"{path}: PyBaMM needs {error.args[0]!r}, which BPX leaves open; add it", KEY
        ) from error
    except (ValueError, TypeError) as error:
        text = str(error).strip().splitlines() or [type(error).__name__]
        words = " ".join(" ".join(text[:3]).split())
        raise CaseError(f"{path}: not a valid BPX file: {words}", KEY) from error
    for electrode in ("Negative", "Positive"):
        if _ENTROPY.format(electrode) not in values:
            values.update({_ENTROPY.format(electrode): 0.0}, check_already_exists=False)
    return values


def without_descriptions(content: dict[str, Any]) -> dict[str, Any]:
    """Return the file's content without the text that PyBaMM cannot read."""
    parameterisation = content.get("Parameterisation")
    own = parameterisation.get("User-defined") if isinstance(parameterisation, dict) else None
    if not isinstance(own, dict) or not isinstance(parameterisation, dict):
        return content
    kept = {name: value for name, value in own.items() if name.lower() != "description"}
    return {**content, "Parameterisation": {**parameterisation, "User-defined": kept}}


def _refuse_what_would_be_ignored(path: Path, content: Mapping[str, Any]) -> None:
    """Refuse an aged cell, a blended electrode and a file for particles alone.

    PyBaMM drops the first without a word; a film from outside knows one negative material; and a
    film needs the electrode's pores, which files of a single-particle model do not have.
    """
    degradation = _part(content, "State", "Degradation")
    if any(value not in (0, 0.0) for value in _numbers(degradation)):
        raise CaseError(
            f"{path}: State.Degradation (LLI, LAM) is not read by PyBaMM; put the aged "
            "stoichiometry and volume fractions into the file and leave it out",
            KEY,
        )
    parameterisation = _part(content, "Parameterisation")
    if "Particle" in _part(content, "Parameterisation", "Negative electrode"):
        raise CaseError(f"{path}: a blended negative electrode would need a film for each", KEY)
    if parameterisation and "Electrolyte" not in parameterisation:
        raise CaseError(
            f"{path}: has no Electrolyte, as files for an SPM or for parts of a cell; a film needs "
            "a file for the DFN (an SPM takes it too)",
            KEY,
        )


def _part(content: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return a section, empty where it is missing."""
    for name in names:
        inner = content.get(name)
        content = inner if isinstance(inner, Mapping) else {}
    return content


def _numbers(content: Mapping[str, Any]) -> list[Any]:
    nested = [v.values() if isinstance(v, Mapping) else (v,) for v in content.values()]
    return [value for part in nested for value in part if value is not None]


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CaseError(f"cannot read {path}: {error.strerror}", KEY) from error
    except ValueError as error:
        raise CaseError(f"{path}: not JSON: {error}", KEY) from error
    if not isinstance(content, dict):
        raise CaseError(f"{path}: a BPX file holds one object", KEY)
    return content
