"""The ``geometry`` block of a case of kind p3d."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from interphase.parameters.case_types import Block, Length, Quantity, refuse

Shape = Literal["pouch", "prismatic", "cylindrical", "file"]
LengthOrZero = Annotated[float, Quantity("m", 0.0)]

_BLOCKS: Final = ("pouch", "prismatic")
_ONLY_FOR: Final = {
    "tabs": _BLOCKS,
    "inner_radius": ("cylindrical",),
    "outer_radius": ("cylindrical",),
    "height": ("cylindrical",),
    "size": _BLOCKS,
    "file": ("file",),
    "file_unit": ("file",),
    "names": ("file",),
    "layers": ("file",),
    "cells": (*_BLOCKS, "cylindrical"),
    "cell_size": (*_BLOCKS, "cylindrical"),
    "tab_cell_size": _BLOCKS,
}
_NEEDED: Final = {
    "pouch": {"size": "[8 mm, 100 mm, 150 mm]", "cells": "[2, 20, 30]"},
    "prismatic": {"size": "[26 mm, 140 mm, 80 mm]", "cells": "[6, 20, 12]"},
    "cylindrical": {
        "inner_radius": "2 mm",
        "outer_radius": "10 mm",
        "height": "65 mm",
        "cells": "[6, 12, 20]",
    },
    "file": {"file": "cell.msh"},
}


class TabCase(Block):
    """Where a tab leaves a pouch or prismatic cell, through all layers."""

    side: Literal["bottom", "top", "left", "right"] = Field(examples=["top"])
    """Face of the stack that it is on."""

    start: LengthOrZero = Field(examples=["10 mm"])
    """Where it begins along the face: y on bottom and top, z on left and right [m]."""

    width: Length = Field(examples=["30 mm"])
    """Along the face [m]."""

    length: LengthOrZero = 0.0
    """How far it stands out [m]; 0: the current ends at the face, or behind a casing's wall."""

    thickness: Length = 3.0e-4
    """Of its metal [m]; the block that stands for it is as thick as the stack, smeared out."""


class TabsCase(Block):
    """The two tabs."""

    negative: TabCase = Field(examples=["{side: top, start: 10 mm, width: 30 mm}"])
    positive: TabCase = Field(examples=["{side: top, start: 60 mm, width: 30 mm}"])


class GeometryCase(Block):
    """Shape of the cell, its mesh and its places.

    A block (``pouch``, ``prismatic``) has its layers normal to x; its faces are front and back (x),
    left and right (y), bottom and top (z). A ``cylindrical`` cell is wound around z; its faces are
    core, side, bottom and top. The ends of the tabs are tab_negative and tab_positive.
    """

    shape: Shape = Field(examples=["pouch"])
    """What it looks like; ``file`` reads a mesh."""

    size: tuple[Length, Length, Length] | None = Field(
        default=None, examples=["[8 mm, 100 mm, 150 mm]"]
    )
    """Of the stack: across the layers, width, height [m]."""

    inner_radius: Length | None = Field(default=None, examples=["2 mm"])
    """Of the mandrel [m]."""

    outer_radius: Length | None = Field(default=None, examples=["10 mm"])
    """Of the jelly roll [m]."""

    height: Length | None = Field(default=None, examples=["65 mm"])
    """Of the jelly roll [m]."""

    cells: tuple[int, int, int] | None = Field(default=None, examples=["[2, 20, 30]"])
    """Hexahedra of the mesh along x, y, z, or across the turns, around and along the axis."""

    cell_size: Length | None = Field(default=None, examples=["4 mm"])
    """Instead of ``cells``: edge of tetrahedra that gmsh makes [m]."""

    tab_cell_size: Length | None = Field(default=None, examples=["1 mm"])
    """Their edge beside the tabs [m]; as elsewhere if left out."""

    places: int | tuple[int, int, int] = Field(default=100, examples=["[1, 10, 10]"])
    """Local models: how many, or how many along each of these."""

    tabs: TabsCase | None = None
    """Of a block. A cylindrical cell has all turns joined: negative bottom, positive top."""

    casing: LengthOrZero = 0.0
    """Thickness of the walls [m]; 0 for none. Needs a material ``casing``."""

    file: str | None = Field(default=None, min_length=1, examples=["cell.msh"])
    """Mesh of tetrahedra or hexahedra with named regions and faces (any format of meshio)."""

    file_unit: Length | None = Field(default=None, examples=["1 mm"])
    """Length of one unit of the file's coordinates [m]."""

    names: dict[str, str] | None = Field(default=None, examples=["{jelly: stack, plus: tab}"])
    """Names of regions and faces in the file to those used here, where they differ."""

    layers: Literal["flat", "wound"] | None = None
    """Layers of a mesh from a file: flat, normal to x, or wound around the z axis."""

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, data: Any) -> Any:
        """Write out the defaults that depend on ``shape``."""
        if not isinstance(data, dict) or data.get("shape") != "file":
            return data
        return {"file_unit": "1 m", "layers": "flat", "names": {}, **data}

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key, shapes in _ONLY_FOR.items():
            if getattr(self, key) is not None and self.shape not in shapes:
                refuse(key, f"is for {' or '.join(shapes)} only; remove it for '{self.shape}'")
        if self.cells is not None and self.cell_size is not None:
            refuse("cell_size", "is for tetrahedra, cells is for hexahedra; remove one of them")
        if self.tab_cell_size is not None and self.cell_size is None:
            refuse("tab_cell_size", "needs cell_size, the edge elsewhere")
        for key, example in _NEEDED[self.shape].items():
            if getattr(self, key) is None and not (key == "cells" and self.cell_size is not None):
                refuse(key, f"is missing for '{self.shape}'; write for example {key}: {example}")
        if self.shape in _BLOCKS and self.tabs is None:
            refuse("tabs", "is missing: a cell without tabs gives no current")
        for key in ("cells", "places"):
            value = getattr(self, key)
            if value is not None and min(value if isinstance(value, tuple) else (value,)) < 1:
                refuse(key, "must be at least 1")
        radii = self.inner_radius, self.outer_radius
        if radii[0] is not None and radii[1] is not None and radii[0] >= radii[1]:
            refuse("inner_radius", "must be less than outer_radius")
        if self.shape == "cylindrical" and self.cells is not None and self.cells[1] < 3:
            refuse("cells", "needs at least 3 cells around the axis")
        return self
