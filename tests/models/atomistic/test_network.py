"""Networks: what is generated, that every edge is balanced, the ways, and the yields."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mpi4py import MPI

pytest.importorskip("rdkit")
pytest.importorskip("networkx")

from interphase.models.atomistic.network import energies as energies_module
from interphase.models.atomistic.network.anchors import Correction, anchors, fit
from interphase.models.atomistic.network.barriers import Barriers, dissociation_energies
from interphase.models.atomistic.network.energies import Energies, compute
from interphase.models.atomistic.network.network import (
    KNOWN,
    Edge,
    Limits,
    Network,
    Species,
    build,
)
from interphase.models.atomistic.network.paths import Step, Ways, cheapest, directed
from interphase.models.atomistic.network.skeleton import (
    canonical,
    formal_charge,
    fragments,
    joins,
    radicals,
    splits,
)
from interphase.models.atomistic.store import Store
from interphase.parameters.errors import AtomisticError

pytestmark = pytest.mark.skipif(MPI.COMM_WORLD.size > 1, reason="needs no ranks")

THERMAL = 1.380649e-23 * 298.15 / 1.602176634e-19
NO_CORRECTION = Correction(0.0, 0.0, 0.0, ())
EC, CO3, C2H4 = KNOWN["EC"], KNOWN["CO3"], KNOWN["C2H4"]


@pytest.fixture(scope="module")
def network() -> Network:
    """The network of EC and PF6-."""
    return build()


def test_bonds_of_the_ring_break_as_they_must() -> None:
    """Ring opening of EC at three kinds of bond; then carbonate and ethylene."""
    assert set(splits(EC)) == {
        ("[O]CCO[C]=O",),
        ("[CH2]COC([O])=O",),
        ("[CH2]OC(=O)O[CH2]",),
    }
    assert (C2H4, CO3) in splits("[CH2]COC([O])=O")
    assert ("O=C=O", "[CH2]C[O]") in splits("[CH2]COC([O])=O")
    assert radicals(CO3) == 2
    # carbon monoxide and vinylene carbonate, which RDKit writes in ways of their own
    assert ("O=C=O", "[O]") in splits(CO3)
    assert KNOWN["CO"] in fragments([EC])
    assert len(splits(canonical("O=C1OC=CO1"))) >= 2


def test_radicals_join() -> None:
    opened = "[CH2]COC([O])=O"
    assert KNOWN["EDC"] in joins(opened, CO3)
    assert KNOWN["BDC"] in joins(opened, opened)
    assert list(joins("[CH2]", "[CH2]")) == ["C=C"]
    assert not any("OO" in one for one in joins(CO3, CO3))


def test_network_is_as_large_as_it_should_be(network: Network) -> None:
    assert len(network.species) >= 200
    assert len(network.edges) >= 2000
    assert len(set(network.edges)) == len(network.edges)
    texts = {edge.describe() for edge in network.edges}
    assert "Li[EC-open] + Li[EC-open] -> [C2H4] + Li2[EDC]" in texts
    assert "Li[EC]+1 + e- -> Li[EC]" in texts
    assert "[EC] + Li+ -> Li[EC]+1" in texts
    assert any(text.startswith("Li[PF6] -> ") and "Li[F]" in text for text in texts)


def test_every_edge_is_balanced_and_an_unbalanced_one_cannot_be_made(network: Network) -> None:
    """The check is in the edge itself; here it is made again from the SMILES, another way."""
    from rdkit import Chem

    def bag(one: Species) -> dict[str, int]:
        mol = Chem.AddHs(Chem.MolFromSmiles(one.smiles))
        symbols = [atom.GetSymbol() for atom in mol.GetAtoms()]
        return {s: symbols.count(s) for s in set(symbols)} | {"Li": one.lithium,
                                                              "e": -one.charge}  # fmt: skip

    for edge in random.Random(7).sample(network.edges, 400):
        total: dict[str, int] = {"Li": -edge.ions, "e": -edge.electrons}
        for sign, side in ((-1, edge.consumed), (1, edge.made)):
            for one in side:
                for element, count in bag(one).items():
                    total[element] = total.get(element, 0) + sign * count
        assert not any(total.values()), edge.describe()
    with pytest.raises(AtomisticError, match=r"not balanced: -1 O, -1 C"):
        Edge("split", (Species(KNOWN["CO2"]),), (Species("[O]"),))
    with pytest.raises(AtomisticError, match=r"not balanced: charge \+1"):
        Edge("reduction", (Species(EC),), (Species(EC),), electrons=1)
    with pytest.raises(AtomisticError, match="seed 'DEC' is not known; there are EC"):
        build(["DEC"])


def made_up(network: Network, seed: int) -> Energies:
    """Return energies drawn at random, but the same for one species."""
    draw = np.random.default_rng(seed).normal(size=len(network.species))
    return Energies(dict(zip(network.species, map(float, draw), strict=True)), 0.0, NO_CORRECTION)


def test_cheapest_way_is_the_one_of_all_ways(network: Network) -> None:
    """On a small network, against every order of steps tried out."""
    a, b, c, d = (Species(smiles) for smiles in (EC, CO3, C2H4, "[O]"))

    def step(consumed: tuple[Species, ...], made: tuple[Species, ...], barrier: float) -> Step:
        return Step(consumed, made, 0, -1.0, barrier, "", "split")

    steps = [
        step((a,), (b,), 0.5),
        step((a,), (c,), 0.1),
        step((c,), (b,), 0.1),
        step((b, c), (d,), 0.2),
        step((a,), (d,), 0.7),
    ]
    cost = cheapest(steps, [a])
    assert cost[b] == pytest.approx(0.24)
    # both co-reactants are paid for: 0.22 + 0.24 + 0.12 against 0.72 at once
    assert cost[d] == pytest.approx(0.58)
    found = Ways(steps, [a]).paths(a, d, 5)
    assert found[0].cost == pytest.approx(0.58)
    assert [one.cost for one in found] == sorted(one.cost for one in found)
    assert len({one.steps for one in found}) == len(found)
    with pytest.raises(AtomisticError, match=r"\[CO3\] cannot be reached from \[EC\]"):
        Ways(steps[1:2], [a]).paths(a, b, 1)
    # on the real network: no species is cheaper than its own cheapest step allows
    small = network.only(network.species[:150])
    every = directed(small, made_up(small, 3), 0.5)
    costs = cheapest(every, [Species(EC)])
    for one in every:
        if all(part in costs for part in one.consumed):
            for product in one.made:
                total = 0.02 + max(one.barrier, 0.0) + sum(costs[part] for part in one.consumed)
                assert costs[product] <= total + 1e-9


def test_a_potential_acts_on_electrons_only(network: Network) -> None:
    """Each electron is worth its potential; forward and backward barriers differ by the change."""
    energies = made_up(network, 1)
    for edge in network.edges[::50]:
        shift = energies.change(edge, 1.0) - energies.change(edge, 0.0)
        assert shift == pytest.approx(edge.electrons * 1.0)
    for forward, back in zip(*[iter(directed(network, energies, 0.4)[::1])] * 2, strict=True):
        assert forward.barrier - back.barrier == pytest.approx(forward.change)
        assert forward.barrier >= 0.0 and back.barrier >= -1e-12


def test_barriers_are_those_of_marcus(network: Network) -> None:
    """E0 (1 + dG/4 E0)^2 by kind; a metal has no inverted region; radicals need only meet."""
    law = Barriers(reorganisation=1.6, encounter=0.17)
    by_kind = {one.kind: one for one in network.edges}
    split = by_kind["split"]
    one_made = next(e for e in network.edges if e.kind == "split" and len(e.made) == 1)
    assert law.barrier(one_made, -0.4) == pytest.approx(0.9 * (1.0 - 0.4 / 3.6) ** 2)
    assert law.barrier(split, -4.0) == 0.0
    assert law.barrier(one_made, 4.0) == 4.0
    assert law.barrier(by_kind["reduction"], 0.0) == pytest.approx(0.4)
    electron = by_kind["dissociation"]
    harder = Barriers(reorganisation=1.6, bonds={electron: 2.4})
    assert harder.barrier(electron, -1.0) == pytest.approx(1.0 * (1.0 - 1.0 / 4.0) ** 2)
    opened, closed = Species(KNOWN["EC-open"], -1, 1), Species(EC)
    dimer, gas = Species(KNOWN["EDC"], -2, 2), Species(C2H4)
    joined = Edge("exchange", (opened, opened), (dimer, gas))
    assert law.barrier(joined, -2.0) == pytest.approx(0.17)
    # the way back is uphill and must meet as well
    assert law.barrier(joined, 0.5) == pytest.approx(0.67)
    stable = next(e for e in network.edges if e.kind == "exchange"
                  and not any(one.unpaired for one in e.consumed))  # fmt: skip
    assert law.barrier(stable, -1.0) == pytest.approx((1.0 - 0.25) ** 2)
    assert closed.unpaired == 0 and opened.unpaired == 1


def test_the_bond_that_an_electron_breaks(network: Network) -> None:
    """Carbonate leaves the opened ring: the bond's energy is that of the same split without it."""
    energies = made_up(network, 4)
    bonds = dissociation_energies(network, energies)
    opened, carbonate = Species(KNOWN["EC-open"], -1, 1), Species(CO3, -2, 2)
    gas = Species(C2H4)
    edge = next(
        one for one in bonds if one.consumed == (opened,) and carbonate in one.made and one.ions
    )
    radical = Species(CO3, -1, 1)
    plain = energies.gibbs[gas] + energies.gibbs[radical] - energies.gibbs[opened]
    assert bonds[edge] == pytest.approx(max(0.0, plain))
    assert all(value >= 0.0 for value in bonds.values())


def test_shifts_are_found_from_the_anchors() -> None:
    """Potentials made with known shifts give them back; two anchors cannot tell them apart."""
    edges = anchors()
    members = sorted({one for e in edges.values() for one in (*e.consumed, *e.made)})
    gibbs = {one: -3.0 * k for k, one in enumerate(members)}

    def volts(name: str, electron: float, salt: float) -> float:
        edge = edges[name]
        change = sum(gibbs[m] for m in edge.made) - sum(gibbs[m] for m in edge.consumed)
        salts = {"EC": 0, "FEC": 0, "VC": 0, "R1": 2}.get(name, 1)
        return -(change + edge.electrons * electron + salts * salt) / edge.electrons - 1.40

    found = fit(gibbs, {name: volts(name, 4.0, 0.7) for name in edges})
    assert (found.electron, found.salt) == pytest.approx((4.0, 0.7))
    assert found.error == pytest.approx(0.0, abs=1e-9)
    assert found.anchors == tuple(edges)
    few = fit(gibbs, {"EC": volts("EC", 4.0, 0.7), "Li+EC": volts("Li+EC", 4.0, 0.7)})
    assert (few.electron, few.salt) == pytest.approx((4.35, 0.0))
    assert few.error == pytest.approx(0.7 / np.sqrt(2.0))
    with pytest.raises(AtomisticError, match="seed it with EC"):
        fit({}, {"EC": 0.0})


def test_rates_of_the_film_are_those_of_the_slowest_electron(network: Network) -> None:
    """K c a exp(-E/kT) by hand, a factor from the error; what has no way is said."""
    from interphase.models.atomistic.network.rates import film_rates
    from interphase.parameters.table import load_table

    table = load_table("graphite_carbonate")
    few = network.only([one for one in network.species if one.smiles in KNOWN.values()])
    # open valences cost more than an electron does, so that reductions fill them
    gibbs = {
        one: 3.5 * max(0, radicals(one.smiles) - formal_charge(one.smiles) + one.charge)
        - 1.5 * one.lithium
        for one in few.species
    }
    energies = Energies(gibbs, -1.4, Correction(0.0, 0.0, 0.2, ("EC",)))
    rows, missing = film_rates(few, energies, table)
    found = {row.key: row for row in rows}
    layers = {"R1": 4541.0 / 2, "R2": 4541.0, "R3": 1000.0, "R4": 1.0 / 9.585e-5}
    assert {row.of for row in rows} == {*layers, "R5"} and not missing
    for name, amount in layers.items():
        rate, slope = (found[f"{quantity}.{name}"] for quantity in
                       ("tunnelling_rate", "transfer_coefficient"))  # fmt: skip
        barrier = rate.settings["barrier [eV]"]
        assert rate.value == pytest.approx(
            6.2124e12 * amount * 6e-10 * np.exp(-barrier / THERMAL), rel=1e-3
        )
        assert rate.uncertainty.factor == pytest.approx(
            np.exp(max(slope.value * 0.2, THERMAL) / THERMAL)
        )
    lone = few.only([one for one in few.species if one.smiles != KNOWN["EDC"]])
    rows, missing = film_rates(lone, energies, table)
    assert any(line.startswith("R1: Li2[EDC] cannot be reached") for line in missing)
    assert any(line.startswith("R4: Li2[EDC] is not in the network") for line in missing)


def test_anchors_with_ions_of_the_metal_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from interphase.models.atomistic import result_file
    from interphase.models.atomistic.network.anchors import computed_potentials

    def value(of: str, volts: float) -> object:
        terms = {"explicit_shell": -0.8, "electronic": volts + 0.8}
        return SimpleNamespace(name="reduction_potential", of=of, value=volts, method="M06-2X/a",
                               terms=terms)  # fmt: skip

    files = [SimpleNamespace(values=[value("R1 with metal ions", 2.0), value("R1", 3.0)]),
             SimpleNamespace(values=[value("EC", 0.1), value("Li+EC", 0.0),
                                     value("Li+EC with metal ions", -0.4)])]  # fmt: skip
    monkeypatch.setattr(result_file, "shipped", lambda: files)
    found = computed_potentials()
    assert (found["R1"], found["EC"]) == (2.0, 0.1)
    # the shell of a closed ring is one-sided: neither it nor an ion of the metal is used
    assert found["Li+EC"] == pytest.approx(0.8)


def test_energies_by_xtb_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EC and carbonate with lithium: the shift is that of the anchors; nothing twice."""
    monkeypatch.setattr(
        energies_module, "computed_potentials", lambda: {"EC": -0.26, "Li+EC": 0.46}
    )
    pytest.importorskip("tblite")
    members = [Species(EC, q, n) for q in (0, -1) for n in (0, 1)] + [Species(CO3, -2, 2)]
    small = Network(tuple(members), ())
    cache = tmp_path / "energies.json"
    found = compute(small, store=Store(cache))
    assert not found.dropped
    edge = Edge("reduction", (members[1],), (members[3],), electrons=1)
    plain = Edge("reduction", (members[0],), (members[2],), electrons=1)
    # the mean of both anchors is met, each is missed by the error of one of two
    potentials = [-found.change(one, 0.0) for one in (edge, plain)]
    assert np.mean(potentials) == pytest.approx((0.46 - 0.26) / 2.0)
    assert abs(potentials[0] - 0.46) == pytest.approx(found.correction.error / np.sqrt(2.0))
    monkeypatch.setattr(energies_module, "_energy", lambda *_: pytest.fail("computed again"))
    assert compute(small, store=Store(cache)).gibbs == found.gibbs
    with pytest.raises(AtomisticError, match="seed it with EC"):
        compute(Network((members[-1],), ()), store=Store(cache))


def test_a_species_that_falls_apart_is_dropped() -> None:
    """Neutral CO3 with two open oxygens closes or opens; a broken one never has an energy."""
    pytest.importorskip("tblite")
    gone = Species("[CH2]OC(=O)O[CH2]", -1, 1)
    members = [Species(EC, q, 0) for q in (0, -1)]
    found = compute(Network((*members, gone), ()))
    assert set(found.gibbs) | set(found.dropped) == {*members, gone}
    assert set(members) <= set(found.gibbs)


def test_limits_bound_the_species() -> None:
    few = build(["EC"], Limits(heavy_atoms=6, lithium=1))
    assert all(one.lithium <= 1 for one in few.species)
    assert max(sum(v for k, v in one.atoms().items() if k not in ("H", "Li"))
               for one in few.species) == 6  # fmt: skip


def test_bonds_are_those_of_the_skeleton_not_of_the_first_guess() -> None:
    """The salt's anion starts with fluorines side by side, and relaxes to what it is."""
    pytest.importorskip("tblite")
    members = [Species(EC, q, 0) for q in (0, -1)]
    salt = Species(KNOWN["PF6"], -1, 0)
    assert salt in compute(Network((*members, salt), ())).gibbs


def test_an_electron_may_break_a_bond(network: Network) -> None:
    """The opened ring with a second electron is no minimum: it leaves as carbonate and ethylene."""
    texts = {edge.describe(): edge.kind for edge in network.edges}
    assert texts["Li[EC-open] + Li+ + e- -> [C2H4] + Li2[CO3]"] == "dissociation"
    assert all(one.lithium <= max(1, -one.charge) for one in network.species)
