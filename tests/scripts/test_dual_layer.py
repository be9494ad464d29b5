"""Transitions of a flat film against closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interphase.models.sei import build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.constants import FARADAY, GAS_CONSTANT
from interphase.parameters.table import load_table
from interphase.scripts.dual_layer import half_tunnelling, hand_over, main
from interphase.scripts.reporting.folder import TimeSeries


def test_hand_over_of_one_solid_is_the_closed_form() -> None:
    """exp(-beta L) k exp(-alpha F (U - U_ref)/RT) = k0 exp(-F U/RT), whatever the volume."""
    case = ModelCase(phases=("electrode", "Li2EDC", "electrolyte"), reactions=("R1",))
    table = load_table("graphite_carbonate")
    model = build_model(case, table, Seeds(law="none"))
    found, decay = hand_over(model, 0.2)
    volt = FARADAY / (GAS_CONSTANT * 298.15)
    ratio = np.log(table.value("tunnelling_rate", "R1") / table.value("interstitial_rate", "R1"))
    assert found == pytest.approx((ratio - 0.5 * volt * (0.2 - 0.8) + volt * 0.2) / decay, rel=1e-6)


def test_half_of_the_charge_tunnels_where_the_slopes_cross() -> None:
    """Charge tunnels below 2 nm and not above."""
    thickness = np.linspace(0.0, 4e-9, 401)
    columns = {
        "thickness": thickness, "charge": thickness * 1e9,
        "charge_tunnelling": np.minimum(thickness, 2e-9) * 1e9,
    }  # fmt: skip
    assert half_tunnelling(TimeSeries(columns, {})) == pytest.approx(2e-9, abs=0.02e-9)


def test_what_is_no_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err
