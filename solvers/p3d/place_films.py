"""Films at places that differ in temperature: what the local models take from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from interphase.models.cell.response import FilmInputs, ResponseTable
from interphase.solvers.p3d.places import Array


@dataclass(frozen=True, slots=True, eq=False)
class PlaceFilms:
    """The response of the film at every node of every place; p places of k nodes each.

    At another temperature than that of its table a rate is
    j(T) = j(T0) exp(theta (1/T0 - 1/T)), with an activation temperature theta at every knot.

    Attributes:
        knots: potentials [V], the same for all, (m,).
        rates: negative while film grows [A/m2 of film area], (p, k, m).
        exponents: -dln|j|/dlnL [-], (p, k, m).
        activation: theta [K], (p, k, m).
        temperature: T0 of each place [K], (p,).
        reference: thickness to which the rates belong [m], (p, k).
        thickness: of the film itself [m], (p, k).
        charge: booked by each node at that thickness [C/m2 of geometric area], (p, k).
        resistivity: [ohm m], (p, k).
        volume_per_charge: [m3/C], (p, k).
        area_ratio: film-carrying area over geometric area [-].
        drop_share: 1 when rates follow the potential behind the drop over the film, else 0.
    """

    knots: Array
    rates: Array
    exponents: Array
    activation: Array
    temperature: Array
    reference: Array
    thickness: Array
    charge: Array
    resistivity: Array
    volume_per_charge: Array
    area_ratio: float = 1.0
    drop_share: float = 1.0

    @classmethod
    def inert(
        cls, places: int, nodes: int, knots: int, thickness: float, resistivity: float = 0.0
    ) -> Self:
        """Return films that do not grow, of one ``thickness`` [m] and ``resistivity`` [ohm m]."""
        shape = places, nodes
        none = np.zeros((*shape, knots))
        return cls(
            knots=np.linspace(-1.0, 3.0, knots),
            rates=none,
            exponents=none,
            activation=none,
            temperature=np.full(places, 298.15),
            reference=np.full(shape, thickness),
            thickness=np.full(shape, thickness),
            charge=np.zeros(shape),
            resistivity=np.full(shape, resistivity),
            volume_per_charge=np.zeros(shape),
        )

    @property
    def window(self) -> tuple[float, float]:
        """Lowest and highest potential of the tables [V]."""
        return float(self.knots[0]), float(self.knots[-1])

    def rates_at(self, temperature: Array) -> Array:
        """Return the rates [A/m2] at ``temperature`` [K], (p,); shape (p, k, m)."""
        distance = 1.0 / self.temperature - 1.0 / temperature
        return np.asarray(self.rates * np.exp(self.activation * distance[:, None, None]))

    def inputs(self, temperature: Array) -> dict[str, Array]:
        """Return the inputs of the models at ``temperature`` [K], (p,), by name, (p, width).

        Matrices (nodes, knots) are stored column by column, as `FilmInputs.pack` does.
        """
        places, nodes, knots = self.rates.shape
        table = ResponseTable(
            self.knots,
            self.rates_at(temperature).reshape(-1, knots),
            self.exponents.reshape(-1, knots),
            self.reference.ravel(),
        )
        packed = FilmInputs(
            table,
            self.thickness.ravel(),
            self.charge.ravel(),
            self.resistivity.ravel(),
            self.volume_per_charge.ravel(),
            self.area_ratio,
            self.drop_share,
        ).pack(places * nodes)
        rows = {}
        for name, values in packed.items():
            if values.size == 1:
                rows[name] = np.full((places, 1), values[0])
            elif values.size == places * nodes:
                rows[name] = values.reshape(places, nodes)
            else:
                # a matrix (places * nodes, knots) by columns is (knots, places * nodes) by rows
                matrix = values.reshape(knots, places, nodes)
                rows[name] = matrix.transpose(1, 0, 2).reshape(places, -1)
        return rows
