"""Maps of a whole cell, rendered by PyVista without a display."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyvista

from interphase.scripts.reporting.render import cropped

_WINDOW: Final = (1000, 900)
_COLOURS: Final = "viridis"


def render_map(
    grid: Any, name: str, shown: Callable[[Any], Any]
) -> tuple[npt.NDArray[np.uint8], float, float]:
    """Render a field on the outside of a cell.

    Args:
        grid: a picture of the run.
        name: of the field, at points or in cells.
        shown: from SI values to what is shown.

    Returns:
        The picture without its white margin, (rows, columns, 3), and the ends of the colours.
    """
    in_cells = name in grid.cell_data
    values = shown((grid.cell_data if in_cells else grid.point_data)[name])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    body = grid.copy(deep=False)
    (body.cell_data if in_cells else body.point_data)["shown"] = values
    west, east, south, north, _, _ = grid.bounds
    # a wound cell is as deep as it is wide: what matters is inside
    if abs((east - west) / (north - south) - 1.0) < 0.05 and west < 0.0:
        body = body.clip("-y", origin=(0.0, 0.0, 0.0))
    with pyvista.vtk_verbosity("off"):
        plotter: Any = pyvista.Plotter(off_screen=True, window_size=list(_WINDOW))
        try:
            plotter.set_background("white")
            plotter.add_mesh(
                body, scalars="shown", cmap=_COLOURS, clim=(low, max(high, low + 1e-9)),
                nan_color="#c9ced6", show_edges=in_cells, edge_opacity=0.15,
                show_scalar_bar=False, lighting=False,
            )  # fmt: skip
            plotter.view_vector((-1.0, -0.45, 0.25) if west >= -1e-2 * east else (0.2, -1.0, 0.25))
            plotter.enable_parallel_projection()
            plotter.reset_camera()
            picture = np.asarray(plotter.screenshot(return_img=True))[..., :3]
        finally:
            plotter.close()
    return cropped(picture), low, high
