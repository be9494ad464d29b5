"""Meshes of cells from files: any format of meshio with named regions and faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from interphase.meshes.cell3d import STACK, TABS, CellGrid
from interphase.meshes.places import make_places
from interphase.parameters.errors import MeshError

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

# Kinds of meshio: solid, its facet, and the corners in DOLFINx's order.
_SOLIDS: Final = {
    "tetra": ("triangle", (0, 1, 2, 3)),
    "hexahedron": ("quad", (0, 1, 3, 2, 4, 5, 7, 6)),
}


def file_grid(
    path: Path,
    unit: float,
    names: Mapping[str, str],
    places: int | Sequence[int],
    *,
    wound: bool,
) -> CellGrid:
    """Read a mesh of first-order tetrahedra or hexahedra.

    Every solid belongs to a named region (in gmsh a physical volume), one of which is the stack;
    faces are named on surfaces, two of them the tabs.

    Args:
        path: the file.
        unit: length of one unit of its coordinates [m].
        names: names in the file to names used here.
        places: how many, or how many along x, y and z.
        wound: whether layers are wound around the z axis.

    Raises:
        MeshError: the file cannot be read, a region has no name, or a name is missing.
    """
    mesh = _read(path)
    kinds = sorted({block.type for block in mesh.cells} & set(_SOLIDS))
    if len(kinds) != 1:
        raise MeshError(
            f"geometry.file: {path} must have first-order tetrahedra or hexahedra, of one kind"
        )
    facet, order = _SOLIDS[kinds[0]]
    known = {
        (int(tag), int(dim)): names.get(name, name) for name, (tag, dim) in mesh.field_data.items()
    }
    cells, region, regions = _regions(mesh, kinds[0], known, path)
    cells = cells[:, list(order)]
    used, flat = np.unique(cells, return_inverse=True)
    renumber = np.full(len(mesh.points), -1, dtype=np.int64)
    renumber[used] = np.arange(used.size)
    points = np.asarray(mesh.points, dtype=float)[used] * unit
    cells = flat.reshape(cells.shape).astype(np.int64)
    faces = _faces(mesh, facet, known, renumber)
    missing = [name for name in (STACK,) if name not in regions]
    missing += [tab for tab in TABS if tab not in faces]
    if missing:
        have = ", ".join(sorted({*regions, *faces})) or "none"
        if missing[0] in regions:
            raise MeshError(
                f"geometry.file: {path} has a region but no face '{missing[0]}'; where both had "
                f"one name only one is read: call the face {missing[0]}_end, say, and write "
                f"geometry.names: {{{missing[0]}_end: {missing[0]}}}"
            )
        raise MeshError(
            f"geometry.file: {path} has no '{missing[0]}' (regions and faces: {have}); name it in "
            "the file or say in geometry.names which it is"
        )
    inside = region == regions.index(STACK)
    centre = points[cells].mean(axis=1)
    place = np.full(len(cells), -1, dtype=np.int64)
    stack = points[cells[inside]].reshape(-1, 3)
    extents = zip(stack.min(axis=0), stack.max(axis=0), strict=True)
    place[inside] = make_places(centre[inside], _volume(points[cells[inside]]), places, extents)
    return CellGrid(points, cells, tuple(regions), region, faces, place, wound)


def _read(path: Path) -> Any:
    if not path.is_file():
        raise MeshError(f"geometry.file: {path} does not exist")
    import meshio

    try:
        return meshio.read(path)
    # meshio ends the process by SystemExit on formats that it does not know
    except (Exception, SystemExit) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        advice = (
            "; name every volume and save only what has a name (gmsh: Mesh.SaveAll = 0)"
            if "gmsh:physical" in reason[0]
            else ""
        )
        raise MeshError(f"geometry.file: meshio cannot read {path}: {reason[0]}{advice}") from error


def _regions(
    mesh: Any, kind: str, known: Mapping[tuple[int, int], str], path: Path
) -> tuple[Ints, Ints, list[str]]:
    """Return the solids, the region of each, and the regions' names."""
    tags = mesh.cell_data_dict.get("gmsh:physical", {}).get(kind)
    cells = mesh.cells_dict[kind]
    if tags is None:
        tags = np.zeros(len(cells), dtype=np.int64)
    regions: list[str] = []
    region = np.empty(len(cells), dtype=np.int64)
    for tag in np.unique(tags):
        name = known.get((int(tag), 3))
        if name is None:
            count = int(np.sum(tags == tag))
            raise MeshError(
                f"geometry.file: {path}: {count} cells belong to no named region (tag {tag}); give "
                "their volume a physical name"
            )
        if name not in regions:
            regions.append(name)
        region[tags == tag] = regions.index(name)
    return np.asarray(cells), region, regions


def _faces(
    mesh: Any, kind: str, known: Mapping[tuple[int, int], str], renumber: Ints
) -> dict[str, Ints]:
    faces: dict[str, list[Ints]] = {}
    tags = mesh.cell_data_dict.get("gmsh:physical", {}).get(kind)
    if tags is None:
        return {}
    facets = renumber[mesh.cells_dict[kind]]
    for tag in np.unique(tags):
        name = known.get((int(tag), 2))
        if name is not None:
            faces.setdefault(name, []).append(facets[tags == tag])
    return {name: np.concatenate(parts) for name, parts in faces.items()}


def _volume(corners: Floats) -> Floats:
    """Return volumes of tetrahedra, or of parallelepipeds with the edges of hexahedra."""
    first = corners[:, 0]
    others = (1, 2, 4) if corners.shape[1] == 8 else (1, 2, 3)
    edges = np.stack([corners[:, i] - first for i in others], axis=1)
    share = 1.0 if corners.shape[1] == 8 else 1.0 / 6.0
    return share * np.abs(np.linalg.det(edges))
