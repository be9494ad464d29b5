"""The page of a case's keys says what the schema says."""

from __future__ import annotations

from pathlib import Path

import interphase.scripts.case_reference as case_reference

PAGE = Path(__file__).parents[2] / "scripts" / "cases" / "keys.md"


def test_the_page_is_that_of_the_schema() -> None:
    """Written anew by ``python -m interphase.scripts.case_reference``."""
    assert PAGE.read_text(encoding="utf-8") == case_reference.page()


def test_keys_have_choices_units_defaults_and_meaning() -> None:
    text = case_reference.page()
    assert "| `cell_size` | quantity [m] | *required* | Edge of a cell" in text
    assert "| `kinetics` | `butler_volmer`, `marcus`, `marcus_hush_chidsey` |" in text
    assert "| `initial_step` | quantity [s] | `1 ms` | First step" in text
    assert "## `initial.seeds.nuclei[...]`" in text
    for line in text.splitlines():
        assert not line.startswith("| `") or not line.endswith("|  |"), line
