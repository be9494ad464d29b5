"""The tables that ship: complete, sourced, balanced, and true to what they are copied from."""

import re
from pathlib import Path
from typing import Any

import pytest

from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import ParameterError
from interphase.parameters.quantities import quantity_kinds
from interphase.parameters.table import (
    FOLDER,
    LogNormal,
    ParameterTable,
    Range,
    available_tables,
    load_table,
)
from interphase.parameters.units import convert
from interphase.parameters.yaml_io import read_yaml

TABLES = available_tables()
SOLIDS = ("LiF", "Li2CO3", "Li2O", "Li2EDC")
REACTIONS = ("R1", "R2", "R3", "R4", "R5")
# what the model asks the default table for
NEEDED: dict[str, tuple[str | None, ...]] = {
    "interface_width": (None,),
    "temperature": (None,),
    "molar_volume": (*SOLIDS, "EC"),
    "concentration_ref": ("EC", "salt"),
    "transfer_coefficient": REACTIONS,
    "tunnelling_rate": REACTIONS,
    "reference_potential": REACTIONS,
    "interstitial_rate": REACTIONS,
    "equilibrium_potential": REACTIONS,
    "tunnelling_barrier": SOLIDS,
    "effective_mass": SOLIDS,
    "interstitial_concentration_ref": (None,),
    "interstitial_diffusivity": SOLIDS,
    "ionic_conductivity": (*SOLIDS, "electrolyte"),
    "diffusivity": ("EC", "salt"),
    "diffusivity_film": ("EC", "salt"),
    "bruggeman_exponent": (None,),
    "percolation_threshold": (None,),
    "transference_number": (None,),
    "nucleation_density": ("LiF", "Li2CO3", "Li2EDC"),
    "seed_radius_widths": (None,),
    "slice_depth": (None,),
    "organic_porosity": (None,),
    "lateral_spacing": (None,),
    "pore_spacing": (None,),
    "interface_energy": (None,),
    "reorganisation_energy": (None,),
    "activation_energy": (
        *REACTIONS,
        "interstitial_diffusivity",
        "ionic_conductivity",
        "electrolyte_conductivity",
        "diffusivity",
        "diffusivity_film",
    ),  # fmt: skip
    "tunnelling_depth": (None,),
    "front_mobility_factor": (None,),
}


@pytest.fixture(scope="module")
def film() -> ParameterTable:
    """The default film table."""
    return load_table("graphite_carbonate")


@pytest.fixture(scope="module")
def literature() -> ParameterTable:
    """The literature table."""
    return load_table("literature")


def test_tables_ship() -> None:
    """They are found by name."""
    assert TABLES == ["graphite_carbonate", "graphite_from_atoms", "literature"]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_the_file_has_a_source(name: str) -> None:
    """Read from the raw file, so that a loader that forgets to check cannot hide a gap."""
    rows: list[dict[str, Any]] = read_yaml(FOLDER / f"{name}.yaml")["parameters"]
    assert len(rows) > 70
    for row in rows:
        source = row["source"]
        key = f"{row['name']}.{row.get('of')}"
        assert source["kind"], key
        needs_note = source["kind"] in ("derived", "assumed")
        assert str(source.get("note" if needs_note else "reference", "")).strip(), key
        assert row["method"].strip(), key
        assert row["uncertainty"], key


@pytest.mark.parametrize("name", TABLES)
def test_table_survives_writing_and_reading(name: str, tmp_path: Path) -> None:
    """to_yaml then load gives an equal table: rows, species, reactions, notes."""
    table = load_table(name)
    path = tmp_path / f"{name}.yaml"
    path.write_text(table.to_yaml(), encoding="utf-8")
    assert load_table(path) == table


def test_film_table_has_every_row_the_model_asks_for(film: ParameterTable) -> None:
    """And no row beyond them that nothing reads."""
    wanted = {name if of is None else f"{name}.{of}" for name in NEEDED for of in NEEDED[name]}
    assert {row.key for row in film.parameters} == wanted
    for name, ofs in NEEDED.items():
        for of in ofs:
            assert film.value(name, of) == film.get(name, of).value


def test_film_rows_say_what_they_are(film: ParameterTable, literature: ParameterTable) -> None:
    """Each row is calibrated, or the same as a literature row, and then it really is the same."""
    copies = 0
    for row in film.parameters:
        match = re.search(r"same as (\S+) in the literature table", row.note)
        if match:
            original = next(one for one in literature.parameters if one.key == match[1])
            assert (row.value, row.source) == (original.value, original.source), row.key
            copies += 1
        else:
            assert row.note.startswith("calibrated for plausibility, not measured"), row.key
    assert copies > 20


@pytest.mark.parametrize(
    ("name", "of", "value"),
    [
        ("tunnelling_rate", "R1", 1.0e-9),
        ("tunnelling_rate", "R4", 2.0e-14),
        ("reference_potential", "R3", 1.0),
        ("interstitial_rate", "R4", 1.2e-7),
        ("interstitial_rate", "R5", 0.0),
        ("interstitial_diffusivity", "Li2EDC", 1.6e-11),
        ("interstitial_diffusivity", "LiF", 1.0e-18 / 0.015),
        ("tunnelling_barrier", "LiF", 3.9 * 1.602176634e-19),
        ("interface_width", None, 1e-9),
        ("slice_depth", None, 5e-9),
        ("nucleation_density", "Li2CO3", 4.0e24),
        ("activation_energy", "R1", 38.0e3),
        ("concentration_ref", "EC", 4541.0),
    ],
)
def test_film_values_in_si(film: ParameterTable, name: str, of: str | None, value: float) -> None:
    """Spot checks against the calibration's own numbers."""
    assert film.value(name, of) == pytest.approx(value, rel=1e-12)


def test_calibrated_barriers_and_masses_give_the_decay_lengths(film: ParameterTable) -> None:
    """Decay beta = 10.25 1/nm sqrt(E/eV m) as the calibration lists it, to its three digits."""
    betas = {"LiF": 9.05e9, "Li2CO3": 6.68e9, "Li2EDC": 5.13e9, "Li2O": 4.58e9}
    for phase, beta in betas.items():
        barrier = film.value("tunnelling_barrier", phase) / 1.602176634e-19
        decay = 10.25e9 * (barrier * film.value("effective_mass", phase)) ** 0.5
        assert decay == pytest.approx(beta, rel=2e-3), phase


@pytest.mark.parametrize(
    ("id", "electrons", "phase"),
    [
        ("R1", 2, "Li2EDC"),
        ("R2", 2, "Li2CO3"),
        ("R3", 2, "LiF"),
        ("R3h_a", 0, "LiF"),
        ("R3h_b", 0, None),
        ("R3h_c", 1, "LiF"),
        ("R4", 2, "Li2CO3"),
        ("R5", 2, "Li2O"),
        ("R5c", 4, "Li2O"),
        ("R6a", 0, "Li2CO3"),
        ("R6b", 0, "LiF"),
        ("R7", 2, "Li2CO3"),
        ("R8", 2, "Li2CO3"),
    ],
)
def test_reactions(film: ParameterTable, id: str, electrons: int, phase: str | None) -> None:
    """Electrons and product of each; atoms counted here from the formulas, not by the class."""
    reaction = film.reactions[id]
    assert reaction.electrons == electrons
    assert reaction.product_phase(SOLIDS) == phase
    atoms = {
        "Li2EDC": "CCCCHHHHLLOOOOOO",
        "EC": "CCCHHHHOOO",
        "Li+": "L",
        "e-": "",
        "C2H4": "CCHHHH",
    }
    atoms |= {"Li2CO3": "LLCOOO", "LiF": "LF", "PF6-": "PFFFFFF", "PF3": "PFFF", "PF5": "PFFFFF"}
    atoms |= {"H2O": "HHO", "HF": "HF", "POF3": "POFFF", "H2": "HH", "Li2O": "LLO", "CO": "CO"}
    atoms |= {"CO2": "COO", "C": "C", "(CH2OH)2": "CCHHHHHHOO", "DMC": "CCCHHHHHHOOO"}
    atoms |= {"C2H6": "CCHHHHHH"}
    charges = {"Li+": 1, "PF6-": -1, "e-": -1}
    for element in "CHLOFP":
        assert sum(n * atoms[s].count(element) for s, n in reaction.stoichiometry.items()) == 0
    assert sum(n * charges.get(s, 0) for s, n in reaction.stoichiometry.items()) == 0


def test_every_reaction_is_tested(film: ParameterTable) -> None:
    """R1 to R8 and their steps; one that is added must be added above."""
    assert len(film.reactions) == 13


def test_derived_potentials_follow_from_the_gibbs_energies(
    film: ParameterTable, literature: ParameterTable
) -> None:
    """-dG/(nF) of R5, R5c, R8 with the CRC rows, within the rows' own +-0.02 V."""
    for id in ("R5", "R5c", "R8"):
        reaction = film.reactions[id]
        change = 0.0
        for name, coefficient in reaction.stoichiometry.items():
            # a potential against Li/Li+ counts Li+ + e- as lithium metal: zero, and so is carbon
            if name in ("Li+", "e-", "C"):
                continue
            of = f"{name}_CRC" if name in ("Li2CO3", "Li2O") else name
            change += coefficient * literature.value("gibbs_energy_of_formation", of)
        potential = -change / (reaction.electrons * FARADAY)
        assert potential == pytest.approx(
            literature.value("equilibrium_potential", id), abs=0.02
        ), id


def test_recalled_and_assumed_rows_stay_marked(literature: ParameterTable) -> None:
    """What is from memory says so where people read it."""
    assumed = literature.assumed()
    assert {row.source.kind for row in assumed} == {"recalled", "assumed"}
    recalled = [row for row in assumed if row.source.kind == "recalled"]
    assert len(recalled) > 40
    for row in recalled:
        assert row.source.describe().startswith("recalled, to be checked against the cited source")


def test_row_without_a_value_says_why(literature: ParameterTable) -> None:
    """The Gibbs energy of EC is not known; asking for it names key and reason."""
    assert not literature.has("gibbs_energy_of_formation", "EC")
    with pytest.raises(ParameterError, match=r"gibbs_energy_of_formation\.EC has no value: no val"):
        literature.value("gibbs_energy_of_formation", "EC")


def test_missing_row_names_the_nearest(film: ParameterTable) -> None:
    """A misspelt name or a row of another phase."""
    with pytest.raises(ParameterError, match=r"no row interface_widht; did you mean 'interface_wi"):
        film.value("interface_widht")
    with pytest.raises(ParameterError, match=r"no row molar_volume; there is molar_volume\.LiF"):
        film.value("molar_volume")


def test_uncertainty_is_in_si(film: ParameterTable) -> None:
    """Spreads are converted with the value."""
    assert film.get("activation_energy", "R1").uncertainty == Range(20.0e3, 70.0e3)
    assert film.get("tunnelling_rate", "R1").uncertainty == LogNormal(1e-9, 10.0)
    depth = film.get("tunnelling_depth").uncertainty
    assert isinstance(depth, Range)
    assert (depth.low, depth.high) == pytest.approx((1e-9, 3e-9))


def test_every_quantity_has_a_real_unit_and_a_text() -> None:
    """quantities.yaml itself is checked; a unit that pint does not know would fail here."""
    for name, kind in quantity_kinds().items():
        assert convert(1.0, kind.unit, kind.unit) == 1.0, name
        assert kind.text.strip(), name
        assert kind.low < kind.high, name
