"""Does the case fit its table? Asked once, before anything is computed."""

from collections.abc import Iterator

from interphase.parameters.case import Case
from interphase.parameters.chemistry import Reaction
from interphase.parameters.errors import CaseError, ParameterError, did_you_mean
from interphase.parameters.parameter_table import ParameterTable
from interphase.parameters.table import load_table

_ALWAYS = (
    "temperature",
    "interface_width",
    "front_mobility_factor",
    "organic_porosity",
    "lateral_spacing",
)


def table_for(case: Case) -> ParameterTable:
    """Load the table of a case, apply the case's overrides and check that the two fit.

    Raises:
        ParameterError: if the table itself is wrong.
        CaseError: if an override or the choice of phases and reactions does not fit the table.
    """
    table = load_table(case.model.table)
    for key, change in case.model.override.items():
        try:
            table = table.override({key: change})
        except ParameterError as error:
            text = str(error).removeprefix(f"{key}: ")
            raise CaseError(text, f"model.override.{key}") from error
    check_against_table(case, table)
    return table


def check_against_table(case: Case, table: ParameterTable) -> None:
    """Check that phases and reactions exist in the table and have the rows that they need.

    Args:
        case: the case.
        table: its table, with the overrides of the case applied.

    Raises:
        CaseError: if something is missing; the key is the one to change in the case.
    """
    solids = [name for name, one in table.species.items() if one.state == "solid"]
    for index, phase in enumerate(case.model.phases[1:-1], start=1):
        if phase not in solids:
            raise CaseError(
                f"table {table.name} has no solid '{phase}'; {did_you_mean(phase, solids)}",
                f"model.phases[{index}]",
            )
    for index, id in enumerate(case.model.reactions):
        key = f"model.reactions[{index}]"
        if id not in table.reactions:
            raise CaseError(
                f"table {table.name} has no reaction '{id}'; {did_you_mean(id, table.reactions)}",
                key,
            )
        _check_reaction(case, table, table.reactions[id], key)
    for name, of, key in _needed(case, table):
        try:
            table.value(name, of)
        except ParameterError as error:
            raise CaseError(
                f"{error}; give it in model.override or remove the choice", key
            ) from None


def _check_reaction(case: Case, table: ParameterTable, reaction: Reaction, key: str) -> None:
    """Check that every solid of a reaction is a phase, and that electrons can reach it."""
    for name in reaction.stoichiometry:
        if table.species[name].state == "solid" and name not in case.model.solids:
            raise CaseError(
                f"{reaction.id} ({reaction.equation}) needs '{name}', which is not in "
                "model.phases; add it or remove the reaction",
                key,
            )
    made_from = [s for s, nu in reaction.stoichiometry.items()
                 if nu < 0 and table.species[s].state == "solid"]  # fmt: skip
    if made_from and reaction.id in case.model.pore_reactions:
        raise CaseError(
            f"{reaction.id} ({reaction.equation}) turns {made_from[0]} into another solid; only "
            "reactions that make a solid from the liquid fill pores",
            "model.pore_reactions",
        )
    if reaction.electrons and not case.model.electron_channels:
        raise CaseError(f"{reaction.id} needs electrons; name a channel", "model.electron_channels")


def _needed(case: Case, table: ParameterTable) -> Iterator[tuple[str, str | None, str]]:
    """Yield name, of, and the key of the case that asks for each row."""
    model = case.model
    for name in _ALWAYS:
        yield name, None, "model.table"
    yield "molar_volume", "EC", "model.table"
    for index, id in enumerate(model.reactions):
        key = f"model.reactions[{index}]"
        if not table.reactions[id].electrons:
            yield "chemical_rate", id, key
            continue
        yield "equilibrium_potential", id, key
        yield "activation_energy", id, key
        if "tunnelling" in model.electron_channels:
            for name in ("tunnelling_rate", "reference_potential", "transfer_coefficient"):
                yield name, id, key
        if "interstitial" in model.electron_channels:
            yield "interstitial_rate", id, key
    for index, phase in enumerate(model.solids, start=1):
        key = f"model.phases[{index}]"
        yield "molar_volume", phase, key
        if "tunnelling" in model.electron_channels:
            yield "tunnelling_barrier", phase, key
            yield "effective_mass", phase, key
        if "interstitial" in model.electron_channels:
            yield "interstitial_diffusivity", phase, key
        if "ionic_potential" in model.transport:
            yield "ionic_conductivity", phase, key
    yield from _needed_by_options(case)


def _needed_by_options(case: Case) -> Iterator[tuple[str, str | None, str]]:
    model = case.model
    if "interstitial" in model.electron_channels:
        yield "interstitial_concentration_ref", None, "model.electron_channels"
        yield "activation_energy", "interstitial_diffusivity", "model.electron_channels"
    if model.transport:
        yield "bruggeman_exponent", None, "model.transport"
        yield "percolation_threshold", None, "model.transport"
    if model.pore_reactions:
        yield "pore_spacing", None, "model.pore_reactions"
        yield "percolation_threshold", None, "model.pore_reactions"
        yield "bruggeman_exponent", None, "model.pore_reactions"
    if case.initial.seeds.law != "none":
        yield "seed_radius_widths", None, "initial.seeds.law"
    for field, species in (("solvent", "EC"), ("salt", "salt")):
        yield "concentration_ref", species, "model.table"
        if field in model.transport:
            yield "diffusivity", species, "model.transport"
            yield "diffusivity_film", species, "model.transport"
    if "ionic_potential" in model.transport:
        yield "ionic_conductivity", "electrolyte", "model.transport"
        yield "activation_energy", "ionic_conductivity", "model.transport"
    if model.kinetics != "butler_volmer":
        yield "reorganisation_energy", None, "model.kinetics"
    if model.interstitial_start == "tunnelling_depth":
        yield "tunnelling_depth", None, "model.interstitial_start"
    if model.gibbs_thomson:
        yield "interface_energy", None, "model.gibbs_thomson"
