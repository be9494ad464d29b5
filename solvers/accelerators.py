"""From a case to what proposes its leaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, runtime_checkable

from interphase.models.surrogate.geometric import GeometricProposer
from interphase.models.surrogate.proposal import Proposer
from interphase.parameters.case_run import AcceleratorCase, is_shipped_model
from interphase.parameters.errors import CaseError, InterphaseError, MeshError
from interphase.solvers.leap import Leaper
from interphase.solvers.raster import Raster
from interphase.solvers.setup import Problem
from interphase.solvers.stepping import StepController
from interphase.solvers.stride import Stepper, Strider

_KEY: Final = "solver.accelerator"


@runtime_checkable
class Trained(Protocol):
    """What a proposer that was trained knows besides."""

    @property
    def phases(self) -> tuple[str, ...]:
        """The solids that it was trained with, in the order of their shares."""
        ...


def _geometric(case: AcceleratorCase) -> Proposer:
    return GeometricProposer(case.largest_advance or GeometricProposer().largest_advance)


def _surrogate(case: AcceleratorCase) -> Proposer:
    file = case.file or ""
    path, known = Path(file), is_shipped_model(file)
    if not (known or path.is_file()):
        raise CaseError(f"there is no file {path}; make one by interphase train", f"{_KEY}.file")
    # Late: only this kind needs the libraries of networks.
    from interphase.models.surrogate.model_file import load, shipped

    try:
        return load(shipped(file) if known else path)
    except InterphaseError as error:
        raise CaseError(str(error), f"{_KEY}.file") from error


_KINDS: Final[Mapping[str, Callable[[AcceleratorCase], Proposer]]] = MappingProxyType(
    {"geometric": _geometric, "surrogate": _surrogate}
)


def load_proposer(problem: Problem) -> Proposer | None:
    """Return what proposes a case's leaps, None for a case of steps alone. Collective.

    Raises:
        CaseError: on every rank, if its file is missing or does not fit the case, or the mesh has
            no patch for it.
    """
    case = problem.case.solver.accelerator
    if case is None:
        return None
    try:
        shape = Raster(problem.space).shape
    except MeshError as error:
        raise CaseError(f"{error}, or remove this block", _KEY) from error
    proposer = _KINDS[case.kind](case)
    solids = problem.model.solids
    if isinstance(proposer, Trained) and tuple(proposer.phases) != solids:
        raise CaseError(
            f"was trained with the phases {', '.join(proposer.phases)}, the case has "
            f"{', '.join(solids)} (in this order): take another model or those phases",
            f"{_KEY}.file",
        )
    least = proposer.smallest_patch
    fits = all(n >= m for n, m in zip(shape, least, strict=False))
    if least and (len(shape) != len(least) or not fits):
        raise CaseError(
            f"needs a patch of at least {' x '.join(map(str, least))} nodes, the mesh has "
            f"{' x '.join(map(str, shape))} in its uniform part",
            f"{_KEY}.file",
        )
    return proposer


def strider(
    problem: Problem,
    controller: StepController,
    proposer: Proposer | None,
    stored: dict[str, Any] | None,
) -> Strider:
    """Return what makes a run's strides.

    Args:
        problem: what is simulated.
        controller: chooses the length of steps.
        proposer: of leaps, None for steps alone.
        stored: what the strides of the run so far remembered, from a checkpoint.
    """
    stepper = Stepper(problem, controller)
    case = problem.case.solver.accelerator
    if proposer is None or case is None:
        return stepper
    return Leaper(
        problem, stepper, proposer,
        largest=case.largest_advance, stops=case.outside_domain == "stop", stored=stored,
    )  # fmt: skip
