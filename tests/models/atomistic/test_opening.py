"""Bonds that break after an electron: the barrier, and the peak of a sweep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("pyscf")
pytest.importorskip("rdkit")
pytest.importorskip("tblite")

from interphase.models.atomistic.molecules import opening
from interphase.models.atomistic.molecules.conformers import Conformers
from interphase.models.atomistic.molecules.cycle import ReductionPotential
from interphase.models.atomistic.molecules.dft import Level
from interphase.models.atomistic.molecules.molecule import Molecule, molecule
from interphase.models.atomistic.molecules.opening import (
    BondBreaking,
    ReductionOnset,
    peak_shift,
)
from interphase.models.atomistic.molecules.reactions import ONSETS, REDUCTIONS
from interphase.models.atomistic.molecules.xtb import XTB
from interphase.parameters.errors import AtomisticError

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

SMALL = Level("HF", "sto-3g")
THERMAL = 8.617333e-5 * 298.15


def test_peak_of_a_sweep_solved_numerically() -> None:
    """Diffusion to an electrode at equilibrium, the product gone at once: the law's 0.780.

    In units of RT/F and RT/(F v), against the potential of the electron's step with
    ln sqrt(k/a): c = 1 - (1/sqrt(pi)) int i/sqrt(t - s) ds and c = i exp(e), e = start - t.
    """
    step, start = 0.01, 6.0
    times = step * np.arange(1, 1001)
    current = np.zeros(len(times))
    for i, time in enumerate(times):
        edges = np.sqrt(np.append(time - times[:i] + step, step))
        weights = (edges - np.sqrt(np.append(time - times[:i], 0.0))) * 2.0 / np.sqrt(np.pi)
        current[i] = (1.0 - weights[:-1] @ current[:i]) / (weights[-1] + np.exp(start - time))
    # currents belong to the middles of their intervals
    peak = start - times[np.argmax(current)] + step / 2.0
    barrier, sweep = 0.5, 1e-3
    rate = 1.380649e-23 * 298.15 / 6.62607015e-34 * np.exp(-barrier / THERMAL)
    wanted = THERMAL * (peak + 0.5 * np.log(rate * THERMAL / sweep))
    assert peak_shift(barrier, sweep, 298.15) == pytest.approx(wanted, abs=THERMAL * 2.0 * step)


def test_a_slow_step_is_not_seen() -> None:
    with pytest.raises(AtomisticError, match=r"too slow to be seen at 0.001 V/s; sweep more slow"):
        peak_shift(0.95, 1e-3, 298.15)


def test_ring_opens_over_a_saddle(monkeypatch: pytest.MonkeyPatch) -> None:
    """One imaginary vibration, a tenth of an electronvolt of zero-point energy less."""
    xtb = XTB()
    closed = xtb.relaxed(molecule("LiEC"))
    monkeypatch.setattr(Conformers, "best", lambda *_: closed)

    def by_xtb(_: Level, one: Molecule, *, solvated: bool = False) -> float:
        return (xtb if solvated else XTB(None)).energy(one)

    monkeypatch.setattr(Level, "energy", by_xtb)
    breaking = BondBreaking("LiEC ring opening", "LiEC", ONSETS["EC"][2], SMALL, xtb)
    parts = breaking.contributions()
    assert parts["electronic"] + parts["solvation"] == pytest.approx(0.44, abs=0.03)
    assert -0.15 < parts["zero_point"] < -0.05
    # along a bond that cannot open a ring the energy rises all the way
    monkeypatch.setattr(opening, "_LENGTHS", np.array([1.45, 1.6]))
    with pytest.raises(AtomisticError, match=r"x: no saddle between 1.45 and 1.60 angstrom"):
        replace(breaking, name="x", bond=(0, 1)).saddle(closed)
    with pytest.raises(AtomisticError, match="this is no saddle"):
        xtb.saddle_wavenumbers(closed)
    monkeypatch.setattr(opening, "_LENGTHS", np.array([1.45, 1.55, 1.65, 1.75]))
    # relaxed too little, the way jumps from one valley to the other
    with pytest.raises(AtomisticError, match="a force of 3.4 .* than 0.05"):
        replace(breaking, xtb=XTB(fmax=0.05)).saddle(XTB(fmax=0.05).relaxed(molecule("LiEC")))


def test_onset_is_that_of_the_electron_and_of_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms of the potential and the shift; the shell's term is left out, the barrier comes too."""
    monkeypatch.setattr(
        BondBreaking, "contributions", lambda _: {"electronic": 0.5, "thermal": 0.1}
    )
    monkeypatch.setattr(
        ReductionPotential, "contributions", lambda one: dict.fromkeys(one.terms, -1.0)
    )
    reduction = ReductionPotential("Li+EC", REDUCTIONS["Li+EC"][0], SMALL, 1)
    breaking = BondBreaking("b", "LiEC", (4, 5), SMALL)
    onset, height = ReductionOnset("EC", reduction, breaking).run()
    assert onset.key == "reduction_onset.EC" and height.key == "activation_energy.b"
    assert height.value == pytest.approx(0.6 * 96485.332, rel=1e-6)
    shift = peak_shift(0.6, 1e-4, 298.15)
    assert onset.terms["breaking"] == pytest.approx(shift, abs=1e-12)
    assert onset.value == pytest.approx(5.0 - 1.40 + shift)
    assert onset.settings["left out"] == ["explicit_shell"]
