"""The film's model put together: temperature."""

from __future__ import annotations

import numpy as np
import pytest

from interphase.models.reactions import arrhenius
from interphase.models.sei import build_model
from interphase.parameters.case_model import ModelCase, Seeds
from interphase.parameters.table import load_table


def test_every_coefficient_follows_its_activation_energy() -> None:
    """Liquid conductivity and all diffusivities of EC and salt once stayed as they were."""
    table = load_table("graphite_carbonate")
    cold = build_model(ModelCase(), table, Seeds(law="none"))
    warm = cold.at_temperature(318.15)
    for model in (cold, warm):
        assert model.interstitial and model.conduction and model.solvent and model.salt

    def factor(of: str) -> object:
        return pytest.approx(
            float(arrhenius(table.value("activation_energy", of), 318.15, 298.15)), rel=1e-12
        )

    ratios = {
        "interstitial_diffusivity": warm.interstitial.diffusivity / cold.interstitial.diffusivity,
        "ionic_conductivity": warm.conduction.solid.values / cold.conduction.solid.values,
        "electrolyte_conductivity": warm.conduction.liquid / cold.conduction.liquid,
        "diffusivity": np.array(
            [warm.solvent.diffusivity / cold.solvent.diffusivity,
             warm.salt.diffusivity / cold.salt.diffusivity]
        ),
        "diffusivity_film": np.array(
            [warm.solvent.film_diffusivity / cold.solvent.film_diffusivity,
             warm.salt.film_diffusivity / cold.salt.film_diffusivity]
        ),
        "R1": warm.reactions.rate[0] / cold.reactions.rate[0],
    }  # fmt: skip
    for of, ratio in ratios.items():
        assert np.all(np.asarray(ratio) > 1.0) and np.atleast_1d(ratio)[0] == factor(of), of
        assert np.atleast_1d(ratio)[-1] == factor(of), of


def test_without_their_channel_carriers_do_not_react() -> None:
    """Carriers at zero would let reactions run back."""
    case = ModelCase(electron_channels=("tunnelling",))
    model = build_model(case, load_table("graphite_carbonate"), Seeds(law="none"))
    assert not model.reactions.interstitial_rate.any() and model.reactions.rate.any()


def test_at_the_tables_temperature_nothing_changes() -> None:
    model = build_model(ModelCase(), load_table("graphite_carbonate"), Seeds(law="none"))
    assert model.at_temperature(298.15) is model
