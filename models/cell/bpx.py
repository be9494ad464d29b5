"""Reading BPX files, the open format of cell parameters.

Film parameters travel in the section "User-defined" under PyBaMM's own names.
"""

import json
import warnings
from pathlib import Path
from typing import Any

from interphase.parameters.errors import CaseError

KEY = "cell.parameters"


def read_bpx(path: Path) -> Any:
    """Return ``pybamm.ParameterValues`` of a BPX file.

    A text named "description" in "User-defined" is allowed by the format, but PyBaMM would read
    it as a number: it is left out.

    Raises:
        CaseError: if the file cannot be read, is no BPX, or the package bpx is not installed.
    """
    content = without_descriptions(_load(path))
    import pybamm

    try:
        with warnings.catch_warnings():
            # files of version 0 are converted with a warning on the limits of that
            warnings.simplefilter("ignore", UserWarning)
            return pybamm.ParameterValues.create_from_bpx_obj(content)
    except ImportError as error:
        raise CaseError(f"{path}: reading BPX needs the package bpx; install it", KEY) from error
    except (ValueError, KeyError, TypeError) as error:
        text = str(error).strip().splitlines() or [type(error).__name__]
        raise CaseError(f"{path}: not a valid BPX file: {' '.join(text[:3])}", KEY) from error


def without_descriptions(content: dict[str, Any]) -> dict[str, Any]:
    """Return the file's content without the text that PyBaMM cannot read.

    Raises:
        CaseError: if another entry of "User-defined" is a text that is no formula and no number.
    """
    parameterisation = content.get("Parameterisation")
    own = parameterisation.get("User-defined") if isinstance(parameterisation, dict) else None
    if not isinstance(own, dict) or not isinstance(parameterisation, dict):
        return content
    kept = {name: value for name, value in own.items() if name.lower() != "description"}
    return {**content, "Parameterisation": {**parameterisation, "User-defined": kept}}


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
