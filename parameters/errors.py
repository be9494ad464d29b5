"""Every error that the package raises on purpose.

All derive from :class:`InterphaseError`, so a caller can catch the family; the command line turns
`ParameterError`, `CaseError` and `MeshError` at set-up into exit code 2 and the others into 1.
The text of an error is one line that names what is wrong, where, and what to write instead.
"""

import difflib
from collections.abc import Iterable


class InterphaseError(Exception):
    """Base of all errors raised by interphase."""


class ParameterError(InterphaseError):
    """A table, quantity, species or reaction is wrong or missing; the text names its key."""


class CaseError(InterphaseError):
    """The case file is wrong.

    Attributes:
        key: path of the key in the case file, such as ``mesh.cell_size`` or ``drive.steps[1]``;
            empty when the whole file is meant.
    """

    def __init__(self, message: str, key: str = "") -> None:
        """Build the one-line text ``key: message``."""
        super().__init__(f"{key}: {message}" if key else message)
        # Not a constructor argument of Exception, so that pickling (and MPI) keeps text and key.
        self.key = key


class MeshError(InterphaseError):
    """The mesh cannot be built, or is too coarse for the interface width."""


class ConvergenceError(InterphaseError):
    """A solve failed for good; the text says what to try."""


class CouplingError(InterphaseError):
    """Film and cell model do not fit together, or their exchange failed."""


class CheckpointError(InterphaseError):
    """A checkpoint is missing, truncated, or belongs to another case."""


class OutputError(InterphaseError):
    """A result could not be written, or the folder holds one already."""


class AtomisticError(InterphaseError):
    """A calculation from atoms cannot be done, or its result cannot be trusted."""


class MissingExtraError(AtomisticError):
    """A library of an optional extra is not installed; the text names the extra."""


class ResultFileError(AtomisticError):
    """A file of computed values is missing, damaged or changed."""


class SurrogateError(InterphaseError):
    """Data, a network or its file cannot be used; the text says what to do."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return advice on the nearest of ``choices``, or list them all when none is near."""
    options = sorted(choices)
    near = difflib.get_close_matches(word.lower(), [name.lower() for name in options], n=1)
    if near:
        match = next(name for name in options if name.lower() == near[0])
        return f"did you mean '{match}'?"
    return f"allowed: {', '.join(options)}" if options else "nothing is allowed here"
