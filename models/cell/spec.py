"""What a cell model is built from: kind, parameters, options, mesh and tolerances."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from interphase.parameters.errors import CaseError, did_you_mean

type CellKind = Literal["SPM", "SPMe", "DFN"]
type ResponseForm = Literal["held", "log_affine", "table"]

KINDS: Final = ("SPM", "SPMe", "DFN")
FORMS: Final = ("held", "log_affine", "table")
RESERVED_OPTIONS: Final = ("SEI", "operating mode", "dimensionality", "working electrode")
"""PyBaMM options that the coupling sets itself or cannot serve."""

REFUSED: Final = {
    "particle phases": ("1", "a negative electrode of two materials would need a film for each"),
    "SEI on cracks": ("false", "the film on cracks would be one of PyBaMM's own laws"),
    "loss of active material": ("none", "the film's area would change under the film"),
}
"""PyBaMM options that a film from outside does not go with: what is allowed, and why only that."""


@dataclass(frozen=True, slots=True)
class MeshPoints:
    """Finite volumes of a cell model.

    Attributes:
        x_n: across the negative electrode; one film is exchanged per volume (SPM: one in all).
        x_s: across the separator.
        x_p: across the positive electrode.
        r_n: along the radius of a negative particle.
        r_p: along the radius of a positive particle.
    """

    x_n: int = 10
    x_s: int = 5
    x_p: int = 10
    r_n: int = 10
    r_p: int = 10

    def __post_init__(self) -> None:
        for name in ("x_n", "x_s", "x_p", "r_n", "r_p"):
            if getattr(self, name) < 2:
                raise CaseError("needs at least two volumes", f"cell.points.{name}")


@dataclass(frozen=True, slots=True)
class CellSpec:
    """A lithium-ion cell whose negative electrode carries a film that is computed elsewhere.

    Attributes:
        kind: single particle model, the same with electrolyte, or Doyle-Fuller-Newman (P2D).
        parameters: name of a PyBaMM parameter set, or path of a BPX file (ends with .json).
        override: PyBaMM parameter names and the numbers that replace those of the set.
        options: PyBaMM model options, for example ``{"lithium plating": "irreversible"}``.
        points: volumes of the mesh.
        rtol: relative tolerance of the time integration. PyBaMM's own default of 1e-4 loses
            slow film growth (5 % for interstitial diffusion).
        atol: absolute tolerance of PyBaMM's scaled states.
        form: how the rate of the film reaches the cell.
        knot_count: number of potentials of a response table; more cost almost nothing.
        initial_soc: state of charge at the start [-]; None keeps the set's concentrations.
        temperature: ambient and initial temperature [K].
        film_thickness: thickness at the start on the film-carrying area [m]; pore space is lost
            by growth from here.
    """

    kind: CellKind = "SPM"
    parameters: str = "OKane2022"
    override: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    points: MeshPoints = MeshPoints()
    rtol: float = 1e-6
    atol: float = 1e-8
    form: ResponseForm = "table"
    knot_count: int = 41
    initial_soc: float | None = None
    temperature: float = 298.15
    film_thickness: float = 5e-9

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CaseError(f"unknown '{self.kind}'; {did_you_mean(self.kind, KINDS)}", "cell.kind")
        if self.form not in FORMS:
            raise CaseError(f"unknown '{self.form}'; {did_you_mean(self.form, FORMS)}", "cell.form")
        if self.knot_count < 2:
            raise CaseError("a table needs at least two potentials", "cell.knot_count")
        if self.initial_soc is not None and not 0.0 <= self.initial_soc <= 1.0:
            raise CaseError(f"must lie in [0, 1], got {self.initial_soc}", "cell.initial_soc")
        if not 100.0 <= self.temperature <= 1500.0:
            raise CaseError(f"{self.temperature} K is out of range", "cell.temperature")
        for name in ("rtol", "atol", "film_thickness"):
            if not getattr(self, name) > 0.0:
                raise CaseError(f"must be positive, got {getattr(self, name)}", f"cell.{name}")
        for name, value in self.options.items():
            key = f"cell.options.{name}"
            if name in RESERVED_OPTIONS:
                raise CaseError(f"'{name}' is set by the coupling; remove it", key)
            if name in REFUSED and value != REFUSED[name][0]:
                allowed, reason = REFUSED[name]
                raise CaseError(f"'{value}' is not possible: {reason}; write {allowed}", key)
