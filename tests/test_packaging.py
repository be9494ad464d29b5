"""What is installed is what is in the repository, and imports as one namespace."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("parameters", "models", "meshes", "solvers", "scripts")
TOP_LEVEL = {
    *ROOMS,
    "tests",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "environment.yml",
}
# Made by building or running, and ignored by git.
IGNORED = {"build", "dist", "results", "uv.lock"}

IMPORT_ALL = """
import importlib, json, pkgutil, sys
# The editable install must not stand in for the wheel: drop its import hook.
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in type(f).__module__]
sys.path.insert(0, sys.argv[1])
from mpi4py import MPI

def stop(name):
    raise ImportError(name)

names = [
    m.name
    for m in pkgutil.walk_packages([sys.argv[1] + "/interphase"], "interphase.", stop)
    if not m.name.endswith("__main__")
]
files = {name: importlib.import_module(name).__file__ for name in names}
print(json.dumps(files))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel once."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv builds the wheel and is not on the path")
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [uv, "build", "--wheel", "--out-dir", str(folder), str(ROOT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def sources() -> set[str]:
    """Return every file of the rooms, as named in the wheel."""
    return {
        f"interphase/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file()
        and not any(p.startswith(".") or p == "__pycache__" for p in path.relative_to(ROOT).parts)
    }


def test_top_level_holds_the_rooms_and_nothing_else() -> None:
    """The folders are those the project promises."""
    names = {p.name for p in ROOT.iterdir() if not p.name.startswith(".")}
    names -= IGNORED | {n for n in names if n.endswith(".egg-info")}
    assert names == TOP_LEVEL


def test_wheel_holds_every_file(wheel: Path) -> None:
    """Code, tables and cases are in the wheel, under one namespace, and nothing else is."""
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if ".dist-info/" not in n and not n.endswith("/")}
    assert names == sources()
    assert "interphase/__init__.py" not in names


@pytest.mark.slow
def test_every_module_of_the_wheel_imports(wheel: Path, tmp_path: Path) -> None:
    """Away from the repository, each module imports, and from the wheel."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, str(site)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout.splitlines()[-1])
    expected = {
        re.sub(r"(/__init__)?\.py$", "", name).replace("/", ".")
        for name in sources()
        if name.endswith(".py") and not name.endswith("/__main__.py")
    }
    assert expected <= set(files)
    assert all(file is None or file.startswith(str(site)) for file in files.values())


def test_no_room_is_imported_without_the_namespace() -> None:
    """``import models`` would make second copies of every class."""
    for path in (p for top in (*ROOMS, "tests") for p in (ROOT / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: relative import"
                names = [node.module or ""]
            bare = [name for name in names if name.split(".")[0] in ROOMS]
            assert not bare, f"{path}:{node.lineno}: write interphase.{bare[0]}"


def test_versions_agree() -> None:
    """The package, the citation and the changelog speak of one version."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(rf"^version: {re.escape(version)}$", citation, re.MULTILINE)
    assert version in (ROOT / "CHANGELOG.md").read_text()
