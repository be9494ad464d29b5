"""One small fit for all tests, and the synthetic films by the path of their module."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def films() -> ModuleType:
    """Return the module of synthetic films."""
    path = Path(__file__).with_name("synthetic.py")
    spec = importlib.util.spec_from_file_location("surrogate_synthetic", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session", autouse=True)
def double_precision() -> None:
    """Switch JAX to double precision, as PyBaMM does for every process that has both."""
    if importlib.util.find_spec("jax") is not None:
        import jax

        jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, films: ModuleType) -> Path:
    """Return a data set of twelve films."""
    folder: Path = films.write_data(tmp_path_factory.mktemp("surrogate") / "waves", 16)
    return folder


@pytest.fixture(scope="session")
def fitted(data: Path) -> Path:
    """Return the folder of a fit of two members, evaluated."""
    pytest.importorskip("equinox")
    from interphase.scripts.surrogate.evaluate import evaluate
    from interphase.scripts.surrogate.fit import Fit, FitPlan

    plan = FitPlan(
        data,
        members=2,
        channels=(8, 8, 8),
        epochs=24,
        batch=4,
        rate=4e-3,
        calibration=9,
        held_out=2,
    )
    folder = data.parent / "fit"
    Fit(plan, folder).run()
    evaluate(folder)
    return folder
