"""The file of a trained ensemble: weights and what must be known of them, in one .npz.

The core of the package imports this module; JAX is imported when a network is loaded.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from interphase.models.extras import load as load_extra
from interphase.models.surrogate.canvas import SPACING
from interphase.models.surrogate.features import Scales
from interphase.models.surrogate.latent import Neighbourhood
from interphase.parameters.errors import SurrogateError, did_you_mean

if TYPE_CHECKING:
    from interphase.models.surrogate.leaper import Ensemble, NetworkProposer

FORMAT: Final = "interphase network"
VERSION: Final = 2


@dataclass(frozen=True)
class ModelHeader:
    """What is known of a trained ensemble.

    Attributes:
        phases: solids, in the order of the shares.
        shape: what the networks are built for, see `network.Shape`.
        scales: the conditions and their ranges.
        training: how it was trained: data and their hashes, options, versions, losses.
        errors: of held-out films, see `evaluation`; empty before it was evaluated.
        bounds: half widths of the conformal bounds per advance by an interface width, by name.
    """

    phases: tuple[str, ...]
    shape: Mapping[str, Any]
    scales: Scales
    training: Mapping[str, Any]
    errors: Mapping[str, Any]
    bounds: Mapping[str, float]

    def text(self) -> str:
        """Return the header as JSON."""
        plain = asdict(self)
        return json.dumps({"format": FORMAT, "version": VERSION, "spacing": SPACING, **plain})


def shipped(name: str) -> Path:
    """Return the path of a model that comes with the package.

    Raises:
        SurrogateError: there is none of this name.
    """
    folder = Path(__file__).with_name("shipped")
    names = sorted(path.stem for path in folder.glob("*.npz"))
    if name not in names:
        raise SurrogateError(
            f"no model '{name}' ships with the package; {did_you_mean(name, names)}"
        )
    return folder / f"{name}.npz"


def write_model(path: Path, header: ModelHeader, ensemble: Ensemble) -> None:
    """Write a model so that it is whole or as it was before; weights in half precision."""
    import equinox as eqx
    import jax

    arrays: dict[str, Any] = {"header": np.array(header.text())}
    for k, member in enumerate(ensemble.members):
        leaves = jax.tree.leaves(eqx.filter(member, eqx.is_array))
        for i, leaf in enumerate(leaves):
            arrays[f"member{k}/{i}"] = np.asarray(leaf, dtype=np.float16)
    for k, area in enumerate(ensemble.neighbourhoods):
        arrays[f"latent{k}/mean"], arrays[f"latent{k}/whitening"] = area.mean, area.whitening
        arrays[f"latent{k}/scale"] = np.array(area.scale)
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    temporary.replace(path)


def read_header(path: Path) -> ModelHeader:
    """Return what is known of a model, without its weights.

    Raises:
        SurrogateError: it is no model file, or one of another version.
    """
    return _header(path, _arrays(path))


def load(path: str | Path) -> NetworkProposer:
    """Return a trained ensemble as a proposer of leaps.

    Raises:
        MissingExtraError: the extra ``surrogate`` is not installed.
        SurrogateError: the file is missing, damaged or of another version.
    """
    from_path = Path(path)
    arrays = _arrays(from_path)
    header = _header(from_path, arrays)
    for library in ("jax", "equinox"):
        load_extra(library)
    from interphase.models.surrogate.leaper import NetworkProposer

    ensemble = _ensemble(from_path, header, arrays)
    return NetworkProposer(ensemble, header.phases, int(header.shape["dim"]))


def _arrays(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise SurrogateError(f"{path}: there is no such model file") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise SurrogateError(f"{path}: is no whole model file ({error}); fit it again") from error


def _header(path: Path, arrays: Mapping[str, Any]) -> ModelHeader:
    try:
        plain = json.loads(str(arrays["header"]))
    except (KeyError, ValueError) as error:
        raise SurrogateError(f"{path}: is no model file of interphase train fit") from error
    if plain.pop("format", None) != FORMAT:
        raise SurrogateError(f"{path}: is no model file of interphase train fit")
    version, spacing = plain.pop("version"), plain.pop("spacing")
    if version != VERSION or spacing != SPACING:
        raise SurrogateError(
            f"{path}: is of version {version} with a grid of {spacing:.3g} l, this program takes "
            f"{VERSION} with {SPACING:.3g} l; fit it again with this program"
        )
    scales, phases = plain.pop("scales"), tuple(plain.pop("phases"))
    names, low, high = (tuple(scales[key]) for key in ("names", "low", "high"))
    known = Scales(names, low, high, scales["largest"], scales["margin"])
    return ModelHeader(phases=phases, scales=known, **plain)


def _ensemble(path: Path, header: ModelHeader, arrays: Mapping[str, Any]) -> Ensemble:
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from interphase.models.surrogate.leaper import Ensemble
    from interphase.models.surrogate.network import SINGLE, Shape, UNet

    shape = Shape(**{**header.shape, "channels": tuple(header.shape["channels"])})
    # Only the structure: no weights are drawn.
    empty = eqx.filter_eval_shape(UNet, shape, jax.random.key(0))
    structure, rest = eqx.partition(empty, lambda x: isinstance(x, jax.ShapeDtypeStruct))
    places, tree = jax.tree.flatten(structure)
    members, areas = [], []
    try:
        for k in range(sum(name.endswith("/scale") for name in arrays)):
            leaves = [jnp.asarray(arrays[f"member{k}/{i}"], SINGLE) for i in range(len(places))]
            if any(a.shape != b.shape for a, b in zip(leaves, places, strict=True)):
                raise KeyError("shape")
            members.append(eqx.combine(jax.tree.unflatten(tree, leaves), rest))
            area = [arrays[f"latent{k}/{name}"] for name in ("mean", "whitening", "scale")]
            areas.append(Neighbourhood(area[0], area[1], float(area[2])))
    except KeyError as error:
        raise SurrogateError(f"{path}: lacks weights ({error}); fit it again") from error
    return Ensemble(tuple(members), header.scales, tuple(areas))
