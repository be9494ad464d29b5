"""Layers of a cell smeared out: what a volume of many electrode pairs conducts and stores."""

from __future__ import annotations

from dataclasses import dataclass

from interphase.parameters.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an electrode pair.

    Attributes:
        thickness: [m].
        heat_conductivity: [W/m/K].
        heat_capacity: per volume [J/m3/K].
    """

    thickness: float
    heat_conductivity: float
    heat_capacity: float


@dataclass(frozen=True, slots=True)
class CellLayers:
    """An electrode pair and its share of the two collectors, repeated to make a cell.

    Foils that are coated on both sides belong to two pairs, so that each has half of them.

    Attributes:
        negative: electrode.
        separator: between them.
        positive: electrode.
        negative_foil: its collector, whole.
        positive_foil: its collector, whole.
        negative_conductivity: electronic, of the negative collector [S/m].
        positive_conductivity: electronic, of the positive collector [S/m].
        capacity: nominal charge per area of a pair [C/m2].
        cut_offs: lowest and highest voltage [V].
        foil_share: part of a foil's thickness that belongs to one pair [-].
    """

    negative: Layer
    separator: Layer
    positive: Layer
    negative_foil: Layer
    positive_foil: Layer
    negative_conductivity: float
    positive_conductivity: float
    capacity: float
    cut_offs: tuple[float, float]
    foil_share: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.foil_share <= 1.0:
            raise ParameterError(f"foil_share must lie in (0, 1], got {self.foil_share}")

    @property
    def thickness(self) -> float:
        """Thickness of the pair without collectors [m]; local models give heat per its volume."""
        return self.negative.thickness + self.separator.thickness + self.positive.thickness

    @property
    def period(self) -> float:
        """Thickness after which the layers repeat, shares of the collectors included [m]."""
        foils = self.negative_foil.thickness + self.positive_foil.thickness
        return self.thickness + self.foil_share * foils

    @property
    def sheet_conductivity(self) -> tuple[float, float]:
        """Conductivity along the layers of the smeared collectors, negative and positive [S/m]."""
        share = self.foil_share / self.period
        return (
            self.negative_conductivity * self.negative_foil.thickness * share,
            self.positive_conductivity * self.positive_foil.thickness * share,
        )

    @property
    def heat_conductivity(self) -> tuple[float, float]:
        """Heat conductivity along and across the layers [W/m/K].

        Layers conduct side by side along them, one after the other across them.
        """
        parts = self._parts()
        along = sum(d * layer.heat_conductivity for layer, d in parts) / self.period
        across = self.period / sum(d / layer.heat_conductivity for layer, d in parts)
        return along, across

    @property
    def heat_capacity(self) -> float:
        """Heat capacity per volume [J/m3/K]."""
        return sum(d * layer.heat_capacity for layer, d in self._parts()) / self.period

    def _parts(self) -> list[tuple[Layer, float]]:
        share = self.foil_share
        return [
            *((layer, layer.thickness) for layer in (self.negative, self.separator, self.positive)),
            *((foil, share * foil.thickness) for foil in (self.negative_foil, self.positive_foil)),
        ]


@dataclass(frozen=True, slots=True)
class Source:
    """A cell as its terminals see it while its places stay as they are: V = E - Z I.

    Attributes:
        voltage: E [V].
        resistance: Z [ohm].
    """

    voltage: float
    resistance: float

    def at_current(self, current: float) -> float:
        """Return the current that flows [A]: the one that is asked for."""
        return current

    def at_voltage(self, voltage: float) -> float:
        """Return the current at a terminal voltage [A]."""
        return (self.voltage - voltage) / self.resistance

    def at_power(self, power: float) -> float:
        """Return the smaller of the two currents that give a power [A].

        Raises:
            ParameterError: the cell cannot give so much.
        """
        largest = self.voltage**2 / (4.0 * self.resistance)
        if power > largest:
            raise ParameterError(
                f"{power:.6g} W is more than the {largest:.6g} W that the cell can give now"
            )
        root = (self.voltage**2 - 4.0 * self.resistance * power) ** 0.5
        # without the difference of two nearly equal numbers at small power
        return 2.0 * power / (self.voltage + root)
