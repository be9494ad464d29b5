"""Formulas, species and reactions; nothing that loses an atom or a charge gets in."""

import pickle

import pytest

from interphase.parameters.chemistry import Reaction, Species, count_elements
from interphase.parameters.errors import ParameterError

SPECIES = {
    species.name: species
    for species in (
        Species("EC", "C3H4O3", 0, "liquid"),
        Species("Li+", "Li", 1, "liquid"),
        Species("HF", "HF", 0, "liquid"),
        Species("H2", "H2", 0, "gas"),
        Species("C2H4", "C2H4", 0, "gas"),
        Species("LiF", "LiF", 0, "solid"),
        Species("Li2CO3", "Li2CO3", 0, "solid"),
        Species("Li2EDC", "(CH2OCO2Li)2", 0, "solid"),
        Species("e-", "", -1, "electron"),
    )
}


def reaction(equation: str) -> Reaction:
    """Build a reaction of the test species."""
    return Reaction.from_equation("X1", equation, SPECIES, "test")


@pytest.mark.parametrize(
    ("formula", "elements"),
    [
        ("LiF", {"Li": 1, "F": 1}),
        ("(CH2OH)2", {"C": 2, "H": 6, "O": 2}),
        ("(CH2OCO2Li)2", {"C": 4, "H": 4, "O": 6, "Li": 2}),
        ("C(C(CH3)3)4", {"C": 17, "H": 36}),
        ("", {}),
    ],
)
def test_atoms_of_a_formula(formula: str, elements: dict[str, int]) -> None:
    """Brackets, also nested ones, multiply."""
    assert count_elements(formula) == elements


@pytest.mark.parametrize("formula", ["li2", "Li2CO3)", "(CH2", "Li 2", "2Li", "Li+"])
def test_bad_formula_is_refused(formula: str) -> None:
    """What is no formula is named."""
    with pytest.raises(ParameterError, match="no chemical formula"):
        Species("X", formula, 0, "solid")


def test_unknown_state_is_refused() -> None:
    """The message names the key and the nearest state."""
    with pytest.raises(ParameterError, match=r"species\.X\.state.*'solid'"):
        Species("X", "Li", 0, "sold")  # type: ignore[arg-type]


def test_equation_becomes_stoichiometry() -> None:
    """Signs, coefficients and electrons as the equation says."""
    r4 = reaction("Li2EDC + 2 Li+ + 2 e- -> 2 Li2CO3 + C2H4")
    assert r4.stoichiometry == {"Li2EDC": -1, "Li+": -2, "e-": -2, "Li2CO3": 2, "C2H4": 1}
    assert r4.electrons == 2
    assert r4.product_phase(["LiF", "Li2CO3", "Li2EDC"]) == "Li2CO3"
    assert r4.consumed_phase(["LiF", "Li2CO3", "Li2EDC"]) == "Li2EDC"
    assert r4.product_phase(["LiF"]) is None


@pytest.mark.parametrize("half", ["1/2", "0.5"])
def test_fractions_are_coefficients(half: str) -> None:
    """Both ways of writing a half."""
    assert reaction(f"HF + Li+ + e- -> LiF + {half} H2").stoichiometry["H2"] == 0.5


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("EC + 2 Li+ + 2 e- -> Li2CO3", "loses 2 atoms of C"),
        ("2 EC + 2 Li+ + e- -> Li2EDC + C2H4", "loses 1 charge"),
        ("EC + Li+ + 2 e- -> Li2CO3 + C2H4", "charge"),
        ("HF + Li+ + e- -> LiF + H2", "makes 1 atoms of H"),
        ("EC + 2 Na+ + 2 e- -> Li2CO3 + C2H4", "unknown species 'Na"),
        ("EC + 2 Li+ + 2 e- = Li2CO3 + C2H4", "no equation"),
        ("EC + 2Li+ + 2 e- -> Li2CO3 + C2H4", "unknown species '2Li"),
        ("EC + 0 Li+ -> Li2CO3", "cannot read"),
        ("LiF + 1/2 H2 -> HF + Li+ + e-", "write reactions as reductions"),
    ],
)
def test_bad_reaction_is_refused(equation: str, words: str) -> None:
    """The message names the reaction and what is not balanced."""
    with pytest.raises(ParameterError, match=words) as caught:
        reaction(equation)
    assert "reactions.X1" in str(caught.value)


def test_reaction_that_makes_two_solids_has_to_be_split() -> None:
    """One front makes one phase."""
    both = reaction("EC + 2 Li+ + 2 e- + HF + Li+ + e- -> Li2CO3 + C2H4 + LiF + 1/2 H2")
    with pytest.raises(ParameterError, match="split it"):
        both.product_phase(["LiF", "Li2CO3"])


def test_wrong_electron_count_is_refused() -> None:
    """The number of electrons is checked also when a reaction is built by hand."""
    with pytest.raises(ParameterError, match="electrons is 2"):
        Reaction("X1", "", {"HF": -1, "Li+": -1, "e-": -1, "LiF": 1, "H2": 0.5}, 2, SPECIES)


def test_reaction_survives_pickling() -> None:
    """Tables are sent from rank to rank."""
    one = reaction("EC + 2 Li+ + 2 e- -> Li2CO3 + C2H4")
    assert pickle.loads(pickle.dumps(one)) == one
