"""The ``ageing`` block of a case of kind p3d: films at the places, and their exchanges."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from interphase.parameters.case_cell import AreaRatio, ExchangeCase
from interphase.parameters.case_mesh import MeshCase
from interphase.parameters.case_model import InitialCase, ModelCase
from interphase.parameters.case_types import Block, PotentialStep, Quantity, refuse

TemperatureStep = Annotated[float, Quantity("K", 0.0, 100.0, open_low=True)]

DEFAULT_KNOTS = 13
"""Potentials of a response table."""


class PlaceFilmCase(Block):
    """What grows at the places: a phase field, or a law of PyBaMM with the numbers of its set."""

    law: str | None = Field(default=None, min_length=1, examples=["ec reaction limited"])
    """PyBaMM's name of a law; instead of a phase field."""

    mesh: MeshCase | None = None
    """Of the phase field, as in a case of a film."""

    model: ModelCase = Field(default_factory=ModelCase)
    """As in a case of a film."""

    initial: InitialCase = Field(default_factory=InitialCase)
    """As in a case of a film."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.law is None) == (self.mesh is None):
            refuse("", "needs one of law and mesh: a law of PyBaMM, or the mesh of a phase field")
        if self.law is not None and self.model_fields_set & {"model", "initial"}:
            refuse("law", "has no model and no initial state of its own; remove them, or the law")
        return self


class CellAgeingCase(Block):
    """Ageing of a whole cell: ``drive.cycles`` cycles, few of them simulated."""

    film: PlaceFilmCase = Field(examples=["{law: ec reaction limited}"])

    clusters: int = Field(default=8, ge=1, le=200)
    """Places that are alike share a film; this is the largest number of groups."""

    temperature_span: TemperatureStep = 2.0
    """Places of a group differ by no more than this in their mean temperature [K], unless that
    takes more groups. Within a group each place has its own temperature and thickness."""

    potential_span: PotentialStep = 0.01
    """The same of the lowest and the mean potential that the film sees [V]."""

    patches: int = Field(default=1, ge=1, le=50)
    """Films along the negative electrode in each group (more than one needs SPMe or DFN)."""

    area_ratio: AreaRatio = Field(default_factory=AreaRatio)
    """Film-carrying area over geometric area."""

    film_potential: Literal["behind_film_drop", "full"] = "behind_film_drop"
    """As in ``drive.cell`` of a film."""

    exchange: ExchangeCase = Field(default_factory=ExchangeCase)
    """When cell and films meet."""

    @property
    def knots(self) -> int:
        """Potentials of a response table."""
        return self.exchange.knots or DEFAULT_KNOTS
