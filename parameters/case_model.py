"""The ``model`` and ``initial`` blocks of a case."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from interphase.parameters.case_types import (
    Block,
    Coordinate,
    Length,
    Moment,
    VolumePerArea,
    refuse,
)

ELECTRODE = "electrode"
ELECTROLYTE = "electrolyte"


def _quantity_text(value: Any) -> Any:
    """Keep numbers as text: the table, which knows the unit wanted, reads them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    return value


class Override(Block):
    """A value of the table that this case replaces."""

    value: Annotated[str, BeforeValidator(_quantity_text)] = Field(examples=["1 nm"])
    """Number with unit, read with the unit that the row's quantity has."""

    note: str = Field(min_length=1, examples=["why"])
    """Reason; it goes into the provenance of the run."""


def _refuse_repeated(key: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            refuse(key, f"'{name}' is given {count} times; name it once")


class ModelCase(Block):
    """Which phases, reactions and mechanisms take part, and the values they use."""

    table: str = Field(default="graphite_carbonate", min_length=1)
    """Name of a table that ships, or path of a file (relative to the case file)."""

    phases: tuple[str, ...] = (ELECTRODE, "LiF", "Li2CO3", "Li2O", "Li2EDC", ELECTROLYTE)
    """The electrode first, the solids of the film, the electrolyte last."""

    reactions: tuple[str, ...] = ("R1", "R2", "R3", "R4", "R5")
    """Reactions of the table that run."""

    deposition: Literal["inherit", "proportional"] = "inherit"
    """New material takes the phase it grows on, or shares in proportion to the rates."""

    kinetics: Literal["butler_volmer", "marcus", "marcus_hush_chidsey"] = "butler_volmer"
    """Law of charge transfer."""

    electron_channels: tuple[Literal["tunnelling", "interstitial"], ...] = (
        "tunnelling",
        "interstitial",
    )
    """How electrons cross the film."""

    interstitial_start: Literal["electrode", "tunnelling_depth"] = "electrode"
    """Where interstitials are in equilibrium with the electrode."""

    reaction_site: Literal["front", "inner_face"] = "front"
    """Where solvent is reduced: outer front of the film, or its inner face and pores."""

    pore_reactions: tuple[str, ...] = ()
    """Depositions that also run on the walls of open pores, which they fill."""

    transport: tuple[Literal["solvent", "salt", "ionic_potential"], ...] = (
        "solvent",
        "salt",
        "ionic_potential",
    )
    """Fields that are solved; what is left out keeps its reservoir value."""

    gibbs_thomson: bool = False
    """Whether curvature shifts the affinity."""

    dry_out: bool = False
    """Whether the reactions empty a finite reservoir of solvent."""

    reservoir_volume_per_area: VolumePerArea | None = Field(default=None, examples=["50 um"])
    """Electrolyte per electrode area [m3/m2]; needed for ``dry_out``."""

    override: dict[str, Override] = Field(default_factory=dict)
    """Values that replace rows of the table; keys are ``name`` or ``name.of``."""

    @property
    def solids(self) -> tuple[str, ...]:
        """Solid phases of the film."""
        return tuple(name for name in self.phases if name not in (ELECTRODE, ELECTROLYTE))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.phases) < 2 or (self.phases[0], self.phases[-1]) != (ELECTRODE, ELECTROLYTE):
            refuse("phases", "must begin with electrode and end with electrolyte")
        if not self.solids:
            refuse("phases", "names no solid of the film; add for example Li2EDC")
        _refuse_repeated("phases", self.phases)
        _refuse_repeated("reactions", self.reactions)
        _refuse_repeated("pore_reactions", self.pore_reactions)
        _refuse_repeated("electron_channels", self.electron_channels)
        _refuse_repeated("transport", self.transport)
        for name in self.pore_reactions:
            if name not in self.reactions:
                refuse("pore_reactions", f"'{name}' is not in model.reactions; add it there")
        if self.pore_reactions and self.reaction_site == "inner_face":
            refuse("pore_reactions", "need reaction_site: front; keep one of the two")
        if self.dry_out and self.reservoir_volume_per_area is None:
            refuse(
                "reservoir_volume_per_area",
                "is missing, dry_out needs it; write for example 50 um",
            )
        return self


class NucleusCase(Block):
    """One nucleus at a given place and time."""

    time: Moment = Field(default=0.0, examples=["12 min"])
    """Time of the run at which it appears [s]."""

    at: tuple[Coordinate, ...] = Field(min_length=1, max_length=3, examples=["[12 nm, 0 nm]"])
    """Place on the electrode [m], one number per dimension of the mesh."""

    phase: str = Field(min_length=1, examples=["LiF"])
    """Solid that it is made of."""


class Seeds(Block):
    """Nucleation."""

    law: Literal["poisson", "given", "none"] = "poisson"
    """Grains appear at random in proportion to the bare-surface growth speed, where and when
    ``nuclei`` says, or never."""

    seed: int = Field(default=0, ge=0, lt=2**63)
    """Number that fixes the random draws."""

    nuclei: tuple[NucleusCase, ...] = Field(
        default=(), examples=["[{time: 12 min, at: [12 nm, 0 nm], phase: LiF}]"]
    )
    """Nuclei of law given; in a case file also the name of a ``nuclei.csv`` that a run has left."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.law == "given") != bool(self.nuclei):
            example = "nuclei: [{time: 12 min, at: [12 nm, 0 nm], phase: LiF}]"
            if self.nuclei:
                refuse("nuclei", "is for law given only; remove it or write law: given")
            refuse("nuclei", f"is missing for law given; write for example {example}")
        return self


class InitialCase(Block):
    """State at the start of the run."""

    kind: Literal["bare_electrode", "planar_film"] = "bare_electrode"
    """Nothing on the electrode, or a flat film."""

    thickness: Length | None = Field(default=None, examples=["1 nm"])
    """Thickness of the planar film [m]."""

    shares: dict[str, float] = Field(default_factory=dict, examples=["{Li2EDC: 1.0}"])
    """Volume shares of the solid phases; they add up to one."""

    seeds: Seeds = Field(default_factory=Seeds)
    """Nucleation during the run."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == "planar_film":
            if self.thickness is None:
                refuse("thickness", "is missing for planar_film; write for example 1 nm")
            if not self.shares:
                refuse("shares", "is missing for planar_film; write for example {Li2EDC: 1.0}")
        elif self.thickness is not None:
            refuse("thickness", "is for planar_film only; remove it or write kind: planar_film")
        for phase, share in self.shares.items():
            if not 0.0 <= share <= 1.0:
                refuse(f"shares.{phase}", f"must lie between 0 and 1, got {share}")
        total = math.fsum(self.shares.values())
        if self.shares and not math.isclose(total, 1.0, abs_tol=1e-9):
            refuse("shares", f"must add up to 1, they add up to {total:.9g}")
        return self
