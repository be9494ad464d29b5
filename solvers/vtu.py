"""VTK unstructured grids as XML (.vtu), compressed lightly.

meshio writes the same format, but at zlib's default effort, which takes ten times as long for a
tenth less: with a snapshot every few steps that shows in the run's time.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

# VTK's numbers of the linear cells.
CELL_TYPES: Final = {"line": 3, "triangle": 5, "quad": 9, "tetra": 10, "hexahedron": 12}
_BLOCK: Final = 1 << 20
_EFFORT: Final = 1
_NAMES: Final = {"f4": "Float32", "f8": "Float64", "i8": "Int64", "u1": "UInt8"}

type Numbers = npt.NDArray[Any]


def write_vtu(
    path: Path,
    points: Numbers,
    kind: str,
    cells: Numbers,
    fields: Mapping[str, Numbers],
    cell_fields: Mapping[str, Numbers] | None = None,
) -> None:
    """Write a grid of one kind of cells.

    Args:
        path: the file.
        points: positions, (points, 3).
        kind: a key of `CELL_TYPES`.
        cells: points of each cell in VTK's order, (cells, corners).
        fields: values at the points by name, (points,) each.
        cell_fields: values of the cells by name, (cells,) each.

    Raises:
        OSError: it cannot be written.
    """
    count, corners = cells.shape
    offsets = np.arange(1, count + 1, dtype=np.int64) * corners
    types = np.full(count, CELL_TYPES[kind], dtype=np.uint8)
    values = [_array(name, data.astype(np.float32)) for name, data in fields.items()]
    of_cells = [_array(k, v.astype(np.float32)) for k, v in (cell_fields or {}).items()]
    text = [
        '<?xml version="1.0"?>',
        '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" '
        'header_type="UInt64" compressor="vtkZLibDataCompressor">',
        f'<UnstructuredGrid><Piece NumberOfPoints="{len(points)}" NumberOfCells="{count}">',
        "<Points>",
        _array("Points", points.astype(np.float64), components=3),
        "</Points><Cells>",
        _array("connectivity", cells.astype(np.int64).ravel()),
        _array("offsets", offsets),
        _array("types", types),
        "</Cells><PointData>",
        *values,
        "</PointData><CellData>",
        *of_cells,
        "</CellData></Piece></UnstructuredGrid></VTKFile>\n",
    ]
    path.write_text("\n".join(text), encoding="ascii")


def _array(name: str, data: Numbers, components: int | None = None) -> str:
    """Return one array as XML: sizes of the compressed blocks, then the blocks."""
    raw = data.astype(data.dtype.newbyteorder("<")).tobytes()
    blocks = [zlib.compress(raw[i : i + _BLOCK], _EFFORT) for i in range(0, len(raw), _BLOCK)]
    partial = len(raw) % _BLOCK
    header = np.array([len(blocks), _BLOCK, partial, *map(len, blocks)], dtype="<u8").tobytes()
    content = base64.b64encode(header) + base64.b64encode(b"".join(blocks))
    size = "" if components is None else f' NumberOfComponents="{components}"'
    return (
        f'<DataArray type="{_NAMES[data.dtype.str[1:]]}" Name={quoteattr(name)}{size} '
        f'format="binary">{content.decode()}</DataArray>'
    )
