"""The ``mesh`` block of a case."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from interphase.parameters.case_types import Angle, Block, Length, refuse

Kind = Literal["interval", "rectangle", "box", "particle", "gmsh", "voxels"]
Cell = Literal["interval", "triangle", "quadrilateral", "tetrahedron", "hexahedron"]

_ENTRIES = {"interval": 1, "rectangle": 2, "box": 3, "particle": 1}
_CELLS: dict[str, tuple[str, ...]] = {  # the first is the default
    "interval": ("interval",),
    "rectangle": ("quadrilateral", "triangle"),
    "box": ("hexahedron", "tetrahedron"),
    "particle": ("triangle", "quadrilateral"),
}
_LATERAL: dict[str, tuple[str, ...]] = {"rectangle": ("x",), "box": ("x", "y")}
_BOXES = ("interval", "rectangle", "box")
_FILES = ("gmsh", "voxels")
# keys that mean something for some kinds only; elsewhere they are a misunderstanding
_ONLY_FOR = {
    "radius": ("particle",),
    "angle": ("particle",),
    "file": _FILES,
    "file_unit": _FILES,
    "grading": _BOXES,
}


class Grading(Block):
    """Cells that grow away from the electrode, along the normal."""

    uniform_height: Length = Field(examples=["12 nm"])
    """Height above the electrode up to which cells keep ``cell_size`` [m]."""

    ratio: float = Field(gt=1.0, le=2.0, examples=[1.05])
    """Size of a cell over that of the one below it [-]."""


class MeshCase(Block):
    """Shape and resolution of the domain; the last entry of ``size`` is along the film normal."""

    kind: Kind = Field(examples=["rectangle"])
    """Builder of the mesh."""

    size: tuple[Length, ...] = Field(default=(), examples=["[60 nm, 24 nm]"])
    """Edge lengths [m]; ``particle``: one entry, thickness of the shell; files: none."""

    cell_size: Length = Field(examples=["0.125 nm"])
    """Edge of a cell at the film [m]; for files it serves the estimates of ``check`` only."""

    cell: Cell | None = Field(default=None, examples=["quadrilateral"])
    """Shape of the cells; none for files, which bring their own."""

    periodic: tuple[Literal["x", "y"], ...] = Field(default=(), examples=["[x]"])
    """Lateral axes that close on themselves; the other sides are mirrors."""

    depth: Length | None = Field(default=None, examples=["5 nm"])
    """Thickness of the slice that a domain in one or two dimensions stands for [m]."""

    grading: Grading | None = None
    """Coarsening away from the electrode; none: uniform."""

    under_resolved: str | None = Field(default=None, min_length=1, examples=["why it will do"])
    """Reason to accept fewer than six cells across the interface."""

    file: str | None = Field(default=None, min_length=1, examples=["electrode.msh"])
    """File of the mesh (gmsh) or image (voxels); relative to the case file."""

    file_unit: Length | None = Field(default=None, examples=["1 nm"])
    """Length of one unit of the file's coordinates [m]."""

    radius: Length | None = Field(default=None, examples=["5 um"])
    """Radius of the particle [m]."""

    angle: Angle | None = Field(default=None, examples=["30 deg"])
    """Opening of the arc [rad]."""

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, data: Any) -> Any:
        """Write out the defaults that depend on ``kind``."""
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
            return data
        kind = data["kind"]
        filled = dict(data)
        if kind in _CELLS:
            filled.setdefault("cell", _CELLS[kind][0])
        if kind in _LATERAL:
            filled.setdefault("periodic", list(_LATERAL[kind]))
        if kind in ("interval", "rectangle", "particle"):
            filled.setdefault("depth", "5 nm")
        if kind in _FILES:
            filled.setdefault("file_unit", "1 m")
        return filled

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_keys_of_kind()
        self._check_size()
        if self.cell is not None and self.cell not in _CELLS.get(self.kind, ()):
            allowed = ", ".join(_CELLS.get(self.kind, ())) or "none: the file brings its cells"
            refuse("cell", f"'{self.cell}' does not fit kind '{self.kind}'; allowed: {allowed}")
        lateral = _LATERAL.get(self.kind, ())
        for axis in self.periodic:
            if axis not in lateral:
                allowed = "[" + ", ".join(lateral) + "] or []" if lateral else "[]"
                refuse("periodic", f"'{axis}' is no lateral axis of '{self.kind}'; write {allowed}")
        if len(set(self.periodic)) < len(self.periodic):
            refuse("periodic", "an axis is named twice")
        return self

    def _check_keys_of_kind(self) -> None:
        for key, kinds in _ONLY_FOR.items():
            if getattr(self, key) is not None and self.kind not in kinds:
                refuse(key, f"is for kind {' or '.join(kinds)} only; remove it for '{self.kind}'")
        needed = {"particle": ("radius", "angle"), "gmsh": ("file",), "voxels": ("file",)}
        for key in needed.get(self.kind, ()):
            if getattr(self, key) is None:
                example = {"radius": "5 um", "angle": "30 deg", "file": "electrode.msh"}[key]
                refuse(
                    key, f"is missing for kind '{self.kind}'; write for example {key}: {example}"
                )
        if self.kind == "box" and self.depth is not None:
            refuse("depth", "is for domains in one or two dimensions only; remove it")

    def _check_size(self) -> None:
        entries = _ENTRIES.get(self.kind, 0)
        if len(self.size) != entries:
            example = {0: "nothing", 1: "[24 nm]", 2: "[60 nm, 24 nm]", 3: "[9 nm, 9 nm, 9 nm]"}
            refuse(
                "size",
                f"kind '{self.kind}' takes {entries} lengths, {len(self.size)} given; "
                f"write for example {example[entries]}",
            )
        for index, length in enumerate(self.size):
            if length < self.cell_size:
                refuse("cell_size", f"is larger than size[{index}]; write a smaller cell_size")
        if self.grading is not None and self.grading.uniform_height >= self.size[-1]:
            refuse("grading.uniform_height", "must be less than the last entry of mesh.size")
