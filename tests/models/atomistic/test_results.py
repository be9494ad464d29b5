"""Computed values: what a result file keeps, refuses, and turns into."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from mpi4py import MPI

from interphase.models.atomistic import extras, result_file
from interphase.models.atomistic.result import Computed, timed
from interphase.parameters.errors import (
    AtomisticError,
    MissingExtraError,
    ParameterError,
    ResultFileError,
)
from interphase.parameters.provenance import NoUncertainty, Range

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

VALUE = Computed(
    "surface_energy",
    "LiF",
    0.316,
    "J/m^2",
    Range(0.27, 0.36),
    "a potential, (100)",
    settings={"layers": 6, "relaxed": True},
    versions={"ase": "3.29.0"},
    terms={"unrelaxed": 0.34, "relaxation": -0.024},
    note="of a test",
)

BLOCKED = """
import importlib.abc, importlib, pkgutil, sys
class Block(importlib.abc.MetaPathFinder):
    names = {"ase", "pyscf", "rdkit", "tblite", "networkx", "janaf", "torch", "openmm", "sevenn"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Block())
from mpi4py import MPI
import interphase.models.atomistic as package
names = [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_a_value_becomes_a_row_of_kind_computed() -> None:
    row = VALUE.parameter("lif.json, sha256 0123")
    assert (row.key, row.value, row.unit) == ("surface_energy.LiF", 0.316, "J/m^2")
    assert row.source.kind == "computed"
    assert row.source.where == "lif.json, sha256 0123"


def test_a_value_of_the_wrong_dimension_is_refused_when_it_is_made() -> None:
    with pytest.raises(ParameterError, match=r"surface_energy\.LiF: 'V' has the wrong dimension"):
        Computed("surface_energy", "LiF", 0.3, "V", NoUncertainty("none"), "a potential")


def test_terms_must_add_up() -> None:
    with pytest.raises(AtomisticError, match=r"its terms add up to 0\.4 J/m\^2, not 0\.3"):
        Computed("surface_energy", "LiF", 0.3, "J/m^2", NoUncertainty("none"), "a potential",
                 terms={"a": 0.1, "b": 0.3})  # fmt: skip


def test_a_result_file_reads_back_as_it_was(tmp_path: Path) -> None:
    written = result_file.write(tmp_path / "deep" / "lif.json", [VALUE], "interphase params ...")
    assert result_file.read(written.path) == written
    assert written.values == (VALUE,)
    assert [path.name for path in written.path.parent.iterdir()] == ["lif.json"]


@pytest.mark.parametrize("key", ["value", "unit", "method", "settings", "versions", "uncertainty"])
def test_a_changed_file_is_refused(key: str, tmp_path: Path) -> None:
    path = result_file.write(tmp_path / "lif.json", [VALUE], "interphase params ...").path
    content = json.loads(path.read_text())
    changed = {"value": 0.317, "unit": "mJ/m^2", "settings": {}, "versions": {}}
    content["values"][0][key] = changed.get(key, "x")
    path.write_text(json.dumps(content))
    with pytest.raises(ResultFileError, match=r"lif\.json: its hash does not fit.*again: interph"):
        result_file.read(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    with pytest.raises(ResultFileError, match="cannot read"):
        result_file.read(path)
    path.write_text("{")
    with pytest.raises(ResultFileError, match="is not JSON"):
        result_file.read(path)
    path.write_text("{}")
    with pytest.raises(ResultFileError, match="is no result file"):
        result_file.read(path)


def test_shipped_results_are_whole() -> None:
    assert len(result_file.shipped()) >= 2
    for file in result_file.shipped():
        assert file.values, file.path
        assert file.command.startswith("interphase params compute"), file.path


def test_cost_is_written_into_every_value() -> None:
    class Slow:
        def run(self) -> tuple[Computed, ...]:
            sum(i * i for i in range(1_000_000))
            return (VALUE, VALUE)

    assert all(value.seconds > 0.0 for value in timed(Slow()))


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pyscf is not installed.*interphase\[dft\]"):
        extras.load("pyscf.dft")
    with pytest.raises(MissingExtraError, match=r"sevenn is not installed.*interphase\[mlp\]"):
        extras.load("sevenn")


def test_no_module_needs_an_extra_to_be_imported() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 2


def test_every_recipe_builds_its_first_calculation() -> None:
    """By default the first method; unknown names are told what is near."""
    pytest.importorskip("ase")
    from interphase.models.atomistic.registry import recipe, recipes

    for one in recipes().values():
        (first,) = one.calculations(one.materials[0]).items()
        assert first[0] == (one.materials[0], one.methods[0])
        assert hasattr(first[1], "run"), one.name
        assert one.extra in extras.EXTRAS
    with pytest.raises(AtomisticError, match="'latice' cannot be computed; did you mean 'lattice"):
        recipe("latice")
    with pytest.raises(AtomisticError, match="lattice: material 'LiX' is not known"):
        recipe("lattice").calculations("LiF,LiX")
    with pytest.raises(AtomisticError, match="lattice: method 'pbe' is not known"):
        recipe("lattice").calculations("LiF", "pbe")
    some = recipe("lattice").calculations("LiF, Li2O", "all")
    assert {material for material, _ in some} == {"LiF", "Li2O"}
    assert [method for of, method in some if of == "LiF"] == list(recipe("lattice").methods)
