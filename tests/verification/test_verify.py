"""The command: which limits it measures, what it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mpi4py import MPI

from interphase.parameters.errors import ConvergenceError, ParameterError
from interphase.scripts import main as command
from interphase.scripts.verification import registry
from interphase.scripts.verification.check import Check, absolute, relative
from interphase.scripts.verification.registry import LIMITS, Limit, select


def _good(comm: MPI.Comm) -> Check:
    """A limit that holds."""
    return relative("good [m]", 2.0, 2.01, 0.01)


def _bad(comm: MPI.Comm) -> tuple[Check, Check]:
    """A limit of which one check holds and one does not."""
    return absolute("bad, one part [V]", 1.0, 1.0, 0.0), absolute(
        "bad, other part [V]", 1.0, 1.2, 0.1
    )


def _broken(comm: MPI.Comm) -> Check:
    """A limit whose solver breaks down."""
    raise ConvergenceError("use a smaller step")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the limits by quick ones."""
    limits = (
        Limit("T1", "energy", _good, parallel=True),
        Limit("T2'-a", "fronts", _bad),
        Limit("T3", "energy", _broken),
    )
    monkeypatch.setattr(registry, "LIMITS", limits)


def test_every_limit_of_the_list_has_a_name_of_its_own() -> None:
    """Names are unique also without their primes, so that `p` can stand for one."""
    names = [limit.name.lower().replace("'", "p") for limit in LIMITS]
    assert len(set(names)) == len(names)


def test_the_limits_that_the_design_asks_for_are_there() -> None:
    """T1 to T22 without T19, which needs fracture."""
    heads = {limit.name.split("-")[0] for limit in LIMITS}
    wanted = {f"T{n}" for n in range(1, 23)} - {"T19"} | {"T4'"}
    assert wanted <= heads


def test_names_groups_and_primes_select() -> None:
    """One may ask by name, by its first part, by group, in any case."""
    assert [limit.name for limit in select(["t5-FILM"])] == ["T5-film"]
    assert {limit.name for limit in select(["T4p"])} == {"T4'-20", "T4'-40", "T4'-80"}
    assert {limit.group for limit in select(["kinetics"])} == {"kinetics"}
    assert {limit.group for limit in select(["cells-long"])} == {"cells-long"}
    assert all(limit.long for limit in select(["cells-long"]))
    assert select([]) == tuple(limit for limit in LIMITS if not limit.long)
    assert all(limit.parallel for limit in select([], parallel=True))


def test_an_unknown_name_is_refused_with_advice() -> None:
    """The error names what was meant."""
    with pytest.raises(ParameterError, match="unknown limit 'kinetic'; did you mean 'kinetics'"):
        select(["kinetic"])


def test_relative_and_absolute_errors() -> None:
    """Passed means: the error, whatever its sign, is within the tolerance."""
    assert relative("", 2.0, 1.98, 0.011).passed
    assert not relative("", 2.0, 1.97, 0.011).passed
    assert not absolute("", 0.0, float("nan"), 1.0).passed


@pytest.mark.usefixtures("few")
def test_json_holds_the_checks_and_the_code_says_that_one_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list of objects with exactly the keys agreed on; a breakdown is a failure, not an end."""
    path = tmp_path / "limits.json"
    assert command.main(["verify", "--json", str(path)]) == 1
    rows = json.loads(path.read_text(encoding="utf-8"))
    keys = {"name", "expected", "computed", "error", "tolerance", "passed"}
    assert [set(row) for row in rows] == [keys] * 4
    assert [row["passed"] for row in rows] == [True, True, False, False]
    assert rows[3]["computed"] is None
    assert "2 of 4 within their tolerance" in capsys.readouterr().out


@pytest.mark.usefixtures("few")
def test_all_within_tolerance_is_code_zero_and_an_unknown_name_code_two() -> None:
    """Exit codes."""
    assert command.main(["verify", "T1"]) == 0
    assert command.main(["verify", "--parallel"]) == 0
    assert command.main(["verify", "T99"]) == 2
