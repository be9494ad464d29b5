"""The house rules that a tool can check: which way imports run, and how long a file may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("parameters", "models", "meshes", "solvers", "scripts")
LONGEST_FILE = 400


def modules(*rooms: str) -> list[Path]:
    """Return the Python files of some rooms."""
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def test_imports_run_one_way() -> None:
    """From scripts to solvers to models or meshes to parameters.

    In a process of its own: its console keeps the output that pytest takes away between tests.
    """
    check = "from importlinter.cli import lint_imports; exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_files_stay_short(room: str) -> None:
    """A file that passes 400 lines asks to be split."""
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in modules(room)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def test_the_world_communicator_is_named_in_scripts_only() -> None:
    """Everywhere else the communicator comes with the mesh."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules("parameters", "models", "meshes", "solvers")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "COMM_WORLD"
    ]
    assert not found


def test_every_room_is_typed_and_described() -> None:
    """Each room says what it holds and ships its types."""
    for room in ROOMS:
        assert (ROOT / room / "py.typed").is_file()
        assert ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
