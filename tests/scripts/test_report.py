"""`interphase report` on run folders made by hand, in one, two and three dimensions."""

import argparse
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvista
from matplotlib.image import imread

from interphase.parameters.errors import OutputError
from interphase.scripts import report
from interphase.scripts.reporting.build import draw_pictures, write_report
from interphase.scripts.reporting.folder import choose_snapshots, read_run
from interphase.scripts.reporting.page import build_page
from interphase.scripts.reporting.palette import looks
from interphase.scripts.reporting.snapshot import blend, lateral_average, read_film
from interphase.scripts.reporting.structure import sample_plane

PHASES = ("LiF", "Li2CO3", "Li2O", "Li2EDC")
PICTURES = ("structure", "growth", "depth", "electrode", "balances")
HOUR = 3600.0


def thickness(time: np.ndarray) -> np.ndarray:
    """Reaction, then diffusion: linear in t up to 10 s, then the square root, 10 nm at 6 h [m]."""
    scale = 10.0e-9 / np.sqrt(6.0 * HOUR)
    return np.where(time < 10.0, scale * time / np.sqrt(10.0), scale * np.sqrt(time))


def write_series(path: Path, time: np.ndarray) -> None:
    """Write a table as a run does."""
    level = thickness(time)
    parts = {"LiF": 0.15, "Li2CO3": 0.25, "Li2O": 0.0, "Li2EDC": 0.6}
    columns = {"time [s]": time, "step [s]": np.gradient(time)}
    columns["potential [V]"] = np.maximum(0.1, 1.0 - 1.9 * time / HOUR)
    columns["temperature [K]"] = np.full_like(time, 298.15)
    columns["current_density [A/m2]"] = np.zeros_like(time)
    columns["thickness [m]"] = level
    columns |= {f"thickness_{name} [m]": part * level for name, part in parts.items()}
    columns["porosity [-]"] = 0.05 * level / level[-1]
    columns["coverage [-]"] = 1.0 - np.exp(-level / 1.0e-9)
    columns["grains [-]"] = np.minimum(np.round(time / 60.0), 24.0)
    columns["lithium_lost [mol/m2]"] = 3.0e4 * level
    columns["charge [C/m2]"] = 96485.0 * 3.0e4 * level
    columns["charge_tunnelling [C/m2]"] = 96485.0 * 3.0e4 * np.minimum(level, 2.0e-9)
    columns["film_resistance [ohm.m2]"] = level / 5.0e-6
    columns["potential_drop [V]"] = 1.0e-4 * level / level[-1]
    columns["element_imbalance [-]"] = 1.0e-13 * (1.0 + np.sin(time / 300.0) ** 2)
    columns["charge_imbalance [-]"] = np.full_like(time, 2.0e-14)
    columns["newton_iterations [-]"] = 2.0 + (time > 60.0)
    columns["wall_time [s]"] = np.linspace(0.1, 90.0, time.size)
    rows = [",".join(columns)]
    rows += [",".join(f"{v:.9e}" for v in values) for values in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(rows) + "\n")


def body(dimension: int) -> Any:
    """Return the mesh [nm]: a line of 24 nm, a sheet of 40 by 24, a box of 20 by 20 by 12."""
    step = {1: 0.125, 2: 0.25, 3: 0.75}[dimension]
    size = {1: (24.0,), 2: (40.0, 24.0), 3: (20.0, 20.0, 12.0)}[dimension]
    counts = [round(one / step) + 1 for one in size]
    if dimension == 1:
        points = np.zeros((counts[0], 3))
        points[:, 0] = np.linspace(0.0, size[0], counts[0])
        ends = np.arange(counts[0] - 1)
        cells = np.column_stack((np.full_like(ends, 2), ends, ends + 1)).ravel()
        kinds = np.full(ends.size, pyvista.CellType.LINE)
        return pyvista.UnstructuredGrid(cells, kinds, points)
    spacing = [s / (n - 1) for s, n in zip(size, counts, strict=True)]
    image = pyvista.ImageData(dimensions=(*counts, 1)[:3], spacing=(*spacing, 1.0)[:3])
    grid = image.cast_to_unstructured_grid()
    if dimension == 2:
        cells = grid.cell_connectivity.reshape(-1, 4)[:, [0, 1, 3, 2]]
        full = np.column_stack((np.full(len(cells), 4), cells)).ravel()
        kinds = np.full(len(cells), pyvista.CellType.QUAD)
        return pyvista.UnstructuredGrid(full, kinds, grid.points)
    return grid


def film_fields(points: np.ndarray, dimension: int, level: float) -> dict[str, np.ndarray]:
    """Return a mosaic: columns of three phases, carbonate below and organic above [nm]."""
    height = points[:, dimension - 1]
    random = np.random.default_rng(3)
    if dimension == 1:
        owner, nearest = np.full(len(points), 2), np.zeros(len(points))
    else:
        lateral = points[:, : dimension - 1]
        count = (9 if dimension == 2 else 12, dimension - 1)
        seeds = random.uniform(lateral.min(), lateral.max(), count)
        distance = np.linalg.norm(lateral[:, None] - seeds[None], axis=2)
        owner, nearest = np.argmin(distance, axis=1) % 3, distance.min(axis=1)
    speed = np.choose(owner, (0.5, 0.8, 1.2)) * np.exp(-((nearest / 6.0) ** 2))
    film = 0.5 * (1.0 - np.tanh(2.0 * (height - 1.3 * level * speed)))
    inner = 0.5 * (1.0 - np.tanh(2.0 * (height - 0.25 * level)))
    shares = {
        "LiF": np.where(owner == 0, 1.0, 0.0),
        "Li2CO3": np.where(owner == 1, 1.0, np.where(owner == 2, 0.9 * inner, 0.0)),
        "Li2O": np.zeros_like(height),
        "Li2EDC": np.where(owner == 2, 0.9 * (1.0 - inner), 0.0),
    }
    fields = {name: film * share for name, share in shares.items()}
    fields["film"] = film
    fields["pore"] = film - sum(fields[name] for name in PHASES)
    fields["tunnelling_action"] = 2.5 * height
    fields["interstitial"] = np.exp(-height / 3.0)
    fields["solvent"] = 4541.0 * np.exp(-4.0 * film)
    fields["salt"] = 1000.0 * np.exp(-6.0 * film)
    fields["ionic_potential"] = -1.0e-4 * film * (1.0 - height / 24.0)
    return fields


def row(name: str, of: str | None, value: float, unit: str, kind: str, note: str) -> dict[str, Any]:
    """Return a parameter as provenance.json holds it."""
    source = {"kind": kind, "reference": "somebody <et al.>", "doi": "10.1000/xyz", "note": note}
    spread = {"log_normal": [value, 3.0]}
    return {"name": name, "of": of, "value": value, "unit": unit, "uncertainty": spread,
            "method": "by hand", "source": source, "note": note}  # fmt: skip


def make_run(path: Path, dimension: int, count: int = 8) -> Path:
    """Write a run folder."""
    (path / "snapshots").mkdir(parents=True)
    kind = ("interval", "rectangle", "box")[dimension - 1]
    (path / "case.yaml").write_text(
        f"schema: 1\ntitle: A film <made> by hand, {dimension}-D\nmesh: {{kind: {kind}}}\n"
        "model: {table: graphite_carbonate}\n"
    )
    parameters = [
        row("interface_width", None, 1.0e-9, "m", "assumed", "8 cells"),
        row("molar_volume", "Li2CO3", 3.5e-5, "m^3/mol", "recalled", "from a handbook"),
        row("tunnelling_rate", "R1", 1.0e-9, "mol/m^2/s", "fitted", "calibrated, not measured"),
        row("molar_volume", "LiF", 9.8e-6, "m^3/mol", "measured", "crystal"),
    ]
    versions = {"interphase": "0.1.0", "numpy": np.__version__}
    (path / "provenance.json").write_text(
        json.dumps({"versions": versions, "host": "here", "ranks": 1, "parameters": parameters})
    )
    (path / "summary.json").write_text(json.dumps({"outcome": "done", "steps_accepted": 400}))
    write_series(path / "timeseries.csv", np.geomspace(0.01, 6.0 * HOUR, 400))
    index = []
    for number, time in enumerate(np.linspace(0.0, 6.0 * HOUR, count)):
        grid = body(dimension)
        fields = film_fields(np.asarray(grid.points), dimension, thickness(time) * 1e9)
        for name, values in fields.items():
            grid.point_data[name] = values.astype(np.float32)
        grid.points = np.asarray(grid.points, dtype=float) * 1e-9
        grid.save(path / "snapshots" / f"{number:04d}.vtu")
        index.append({"time": time, "file": f"{number:04d}.vtu"})
    (path / "snapshots" / "snapshots.json").write_text(json.dumps(index))
    return path


def command(*words: str) -> int:
    """Run `interphase report` with these words and return its exit code."""
    parser = argparse.ArgumentParser()
    report.add_parser(parser.add_subparsers())
    args = parser.parse_args(["report", *words])
    return int(args.run(args))


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-dimensional run folder."""
    return make_run(tmp_path_factory.mktemp("runs") / "sheet", 2)


class Outside(HTMLParser):
    """Collects what a page would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links and sources."""
        self.images += tag == "img"
        if tag in ("script", "link", "iframe"):
            self.found.append(tag)
        for name, value in attrs:
            inside = (value or "").startswith(("data:", "#"))
            if name in ("src", "href") and not inside:
                self.found.append(str(value))


@pytest.mark.slow
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_report_writes_all_pictures_and_one_page_that_loads_nothing(
    dimension: int, tmp_path: Path
) -> None:
    """Every picture exists, is not blank, and the page holds them all itself."""
    run = make_run(tmp_path / "run", dimension, count=3)
    assert command(str(run), "-o", str(tmp_path / "out")) == 0
    for name in PICTURES:
        pixels = imread(tmp_path / "out" / f"{name}.png")
        assert pixels.shape[1] > 600 and pixels[..., :3].std() > 0.02, name
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    reader = Outside()
    reader.feed(page)
    assert reader.found == [] and reader.images == len(PICTURES)
    assert "url(" not in page and "@import" not in page
    assert "<made>" not in page and "&lt;made&gt;" in page


def test_the_page_marks_what_is_assumed_recalled_and_calibrated(sheet: Path) -> None:
    """Doubtful rows carry their mark in class and text; a measured one carries none."""
    page = build_page(read_run(sheet), [])
    for mark, key in (
        ("assumed", "interface_width"),
        ("recalled", "molar_volume.Li2CO3"),
        ("calibrated", "tunnelling_rate.R1"),
        ("", "molar_volume.LiF"),
    ):
        assert f'<tr class="{mark}"><td class="key">{key}</td>' in page
    assert page.count('<span class="mark assumed">assumed</span>') == 2  # its row and the legend
    assert "Of 4 parameters: 1 assumed, 1 recalled, 1 calibrated." in page
    assert "10 nm" in page and "somebody &lt;et al.&gt;" in page and "35 cm^3/mol" in page


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("case.yaml", "no run folder"),
        ("provenance.json", "run the case again"),
        ("timeseries.csv", "run the case again"),
        ("summary.json", "--restart"),
        ("snapshots/snapshots.json", "--partial"),
        ("snapshots/0001.vtu", "run the case again"),
    ],
)
def test_a_missing_file_is_named_with_what_to_do(name: str, advice: str, tmp_path: Path) -> None:
    """The error is one line with the file and the advice, and the command ends with 2."""
    run = make_run(tmp_path / "run", 1, count=2)
    (run / name).unlink()
    with pytest.raises(OutputError) as error:
        read_run(run)
    text = str(error.value)
    assert name in text and advice in text and "\n" not in text
    assert command(str(run)) == 2
    assert not (run / "report").exists()


def test_no_folder_and_no_time_are_refused(
    sheet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is none, and a time without a unit, end with 2 and a line."""
    assert command(str(tmp_path / "nothing")) == 2
    assert "is no folder" in capsys.readouterr().out
    assert command(str(sheet), "--times", "5") == 2
    assert "--times: '5' has no unit" in capsys.readouterr().out


def test_a_report_that_cannot_be_written_says_so(sheet: Path, tmp_path: Path) -> None:
    """A file where the folder should be is an error with advice, not a traceback."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="write elsewhere with -o"):
        write_report(read_run(sheet), tmp_path / "taken")


def test_broken_files_are_named(tmp_path: Path) -> None:
    """Half a snapshot, a word among numbers and half a JSON file are errors that name them."""
    run = make_run(tmp_path / "run", 2, count=2)
    shot = run / "snapshots" / "0001.vtu"
    shot.write_bytes(shot.read_bytes()[:700])
    with pytest.raises(OutputError, match=r"0001\.vtu"):
        draw_pictures(read_run(run))
    table = run / "timeseries.csv"
    whole = table.read_text()
    table.write_text(whole.replace("e+00", "e+zz", 1))
    with pytest.raises(OutputError, match=r"timeseries\.csv: line 2 is broken"):
        read_run(run)
    table.write_text(whole.splitlines()[0] + "\n")
    with pytest.raises(OutputError, match="no time step"):
        read_run(run)
    table.write_text(whole)
    (run / "summary.json").write_text("{")
    with pytest.raises(OutputError, match=r"summary\.json: is no JSON"):
        read_run(run)


def test_partial_reports_a_run_under_way(tmp_path: Path) -> None:
    """Without summary and snapshots the curves are drawn and the page says what is missing."""
    run = make_run(tmp_path / "run", 1, count=2)
    (run / "summary.json").unlink()
    (run / "snapshots" / "snapshots.json").unlink()
    with (run / "timeseries.csv").open("a") as file:
        file.write("1.0,2.0")  # killed in mid-row
    page = write_report(read_run(run, partial=True), run / "report").read_text(encoding="utf-8")
    assert "has not finished" in page and "no snapshots" in page
    assert {path.name for path in (run / "report").iterdir()} == {
        "growth.png", "electrode.png", "balances.png", "report.html",
    }  # fmt: skip


def test_a_bare_electrode_is_reported(tmp_path: Path) -> None:
    """A run in which nothing grew makes a report as well."""
    run = make_run(tmp_path / "run", 2, count=1)
    table = run / "timeseries.csv"
    header, *body_lines = table.read_text().splitlines()
    names = header.split(",")
    lines = []
    for line in body_lines[:2]:
        cells = line.split(",")
        lines.append(
            ",".join(
                "0"
                if name.startswith(("thickness", "charge"))
                else ""
                if "resist" in name
                else cell
                for name, cell in zip(names, cells, strict=True)
            )
        )
    table.write_text("\n".join([header, *lines, ""]))
    grid = pyvista.read(run / "snapshots" / "0000.vtu")
    for name in ("film", "pore", *PHASES):
        grid.point_data[name] = np.zeros(grid.n_points, dtype=np.float32)
    grid.save(run / "snapshots" / "0000.vtu")
    assert [one.name for one in draw_pictures(read_run(run))] == list(PICTURES)


def test_snapshots_are_spread_over_the_growth_or_nearest_to_wanted_times(sheet: Path) -> None:
    """The last is always shown, all are different, and wanted times win."""
    run = read_run(sheet)
    shots = choose_snapshots(run, 4)
    levels = [thickness(np.array(shot.time)) * 1e9 for shot in shots]
    assert len(shots) == 4 and shots[-1] is run.snapshots[-1]
    assert np.all(np.diff(levels) > 0.5)
    wanted = choose_snapshots(run, 4, (0.9 * HOUR, 5.9 * HOUR))
    assert [shot.time for shot in wanted] == pytest.approx([6.0 * HOUR / 7.0, 6.0 * HOUR])


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_lateral_average_keeps_the_amount(dimension: int, tmp_path: Path) -> None:
    """Averages over planes times their height sum to the integral over the body."""
    run = read_run(make_run(tmp_path / "run", dimension, count=2))
    film = read_film(run, run.snapshots[-1])
    assert film.dimension == dimension
    heights, average = lateral_average(film, ["film"])
    whole = film.grid.integrate_data()
    size = whole[("Length", "Area", "Volume")[dimension - 1]][0]
    step = heights[1] - heights[0]
    assert np.diff(heights) == pytest.approx(step, rel=1e-3)
    # cell means of linear fields are exact, so only 32-bit round-off remains
    assert average.mean() == pytest.approx(whole["film"][0] / size, rel=1e-5)


def test_a_particle_is_averaged_over_arcs(tmp_path: Path) -> None:
    """On a sector the height is the distance from the surface of the particle."""
    path = make_run(tmp_path / "run", 2, count=1)
    (path / "case.yaml").write_text("title: p\nmesh: {kind: particle, radius: 30 nm}\n")
    shot = path / "snapshots" / "0000.vtu"
    grid = pyvista.read(shot)
    x, y = (np.asarray(grid.points)[:, axis] * 1e9 for axis in (0, 1))
    angle = (x - 20.0) / 30.0
    radius = 30.0 + y
    grid.points = 1e-9 * np.column_stack((radius * np.sin(angle), radius * np.cos(angle), 0.0 * x))
    grid.point_data["film"] = (0.5 * (1.0 - np.tanh(2.0 * (y - 8.0)))).astype(np.float32)
    grid.save(shot)
    run = read_run(path)
    film = read_film(run, run.snapshots[0])
    heights, average = lateral_average(film, ["film"])
    # half a cell of 0.25 nm
    assert np.interp(-0.5, -average, heights) == pytest.approx(8.0, abs=0.13)
    assert draw_pictures(run)[0].png.startswith(b"\x89PNG")


def test_colours_mix_by_volume_and_the_raster_finds_the_front(sheet: Path) -> None:
    """Pure phases have their own colour; the front of a column lies where the mosaic put it."""
    drawn = looks(PHASES)
    zero, one = np.zeros(1), np.ones(1)
    pure = dict.fromkeys(PHASES, zero) | {"LiF": one, "film": one}
    assert blend(pure, drawn)[0] == pytest.approx([0xE6 / 255, 0x9F / 255, 0.0])
    run = read_run(sheet)
    film = read_film(run, run.snapshots[-1])
    fields, inside = sample_plane(film, (0.0, 40.0, 0.0, 24.0), pixels=80)
    assert inside.all() and fields["film"].shape == (49, 81)
    direct = film.field("film").reshape(97, 161)
    assert fields["film"] == pytest.approx(direct[::2, ::2], abs=1e-6)
