"""Errors keep their key through pickling; constants agree with one another and with CODATA."""

import pickle

import pytest

from interphase.parameters import constants as c
from interphase.parameters.errors import CaseError, InterphaseError, did_you_mean


def test_case_error_survives_pickling() -> None:
    """MPI sends errors as pickles: text and key arrive unchanged."""
    error = pickle.loads(pickle.dumps(CaseError("has no unit", "mesh.cell_size")))
    assert issubclass(CaseError, InterphaseError)
    assert issubclass(CaseError, InterphaseError)
    assert str(error) == "mesh.cell_size: has no unit"
    assert error.key == "mesh.cell_size"


@pytest.mark.parametrize(
    ("word", "expected"),
    [("cellsize", "did you mean 'cell_size'?"), ("xyz", "allowed: cell_size, kind")],
)
def test_advice_on_a_misspelt_word(word: str, expected: str) -> None:
    """The nearest word, or all of them."""
    assert did_you_mean(word, ["kind", "cell_size"]) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [  # CODATA 2018 as printed
        ("FARADAY", 96485.33212),
        ("GAS_CONSTANT", 8.314462618),
        ("HBAR", 1.054571817e-34),
    ],
)
def test_products_of_exact_constants(name: str, value: float) -> None:
    """Computed products equal the printed ones to their digits."""
    assert getattr(c, name) == pytest.approx(value, rel=1e-9)


def test_tunnelling_decay_of_a_one_volt_barrier() -> None:
    """2 sqrt(2 m E)/hbar is 10.25 1/nm for 1 eV: ties mass, hbar and charge together."""
    decay = 2.0 * (2.0 * c.ELECTRON_MASS * c.ELEMENTARY_CHARGE) ** 0.5 / c.HBAR
    assert decay == pytest.approx(10.25e9, rel=1e-3)
