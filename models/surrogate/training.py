"""Fitting the members of an ensemble, epoch by epoch. Needs the extra ``surrogate``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from interphase.models.surrogate.features import Scales, window
from interphase.models.surrogate.network import SINGLE, Shape, UNet
from interphase.models.surrogate.pairs import Film, Sample, drawn_pairs, sample_of, turned
from interphase.parameters.errors import SurrogateError

# Weights of the errors of what is new and of its means, as parts of the film, against that of the
# front's place.
_SHARES, _MEANS = 2.0, 8.0
_CLIP = 1.0
# Pairs are drawn so many times, and epochs take one draw after the other: a draw costs a geometric
# leap for every frame.
_DRAWS = 3
# Squared error of a leap below which there is nothing left to learn.
_FLOOR = 5.0e-4


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How a network is fitted.

    Attributes:
        epochs: passes over the frames.
        batch: samples per step.
        rate: largest step of Adam; it falls to zero with a cosine.
        seed: fixes weights and draws.
    """

    epochs: int = 30
    batch: int = 8
    rate: float = 2.0e-3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A member at the end of an epoch.

    Attributes:
        network: the member.
        optimiser: state of Adam.
        epoch: epochs done.
        loss: mean loss of the last epoch.
        seconds: CPU time of all epochs [s].
    """

    network: UNet
    optimiser: Any
    epoch: int
    loss: float
    seconds: float


class Trainer:
    """Fits one member after the other to films."""

    def __init__(
        self, films: Sequence[Film], scales: Scales, shape: Shape, options: FitOptions
    ) -> None:
        self._shape, self._options = shape, options
        rng = np.random.default_rng(options.seed)
        self._draws = [
            [
                sample_of(film, *pair, scales)
                for film in films
                for pair in drawn_pairs(film, scales.largest, rng)
            ]
            for _ in range(min(_DRAWS, options.epochs))
        ]
        per_epoch = max(sum(len(f.canvases) - 1 for f in films) // options.batch, 1)
        schedule = optax.warmup_cosine_decay_schedule(
            0.0, options.rate, per_epoch, max(options.epochs, 2) * per_epoch
        )
        self._adam = optax.chain(optax.clip_by_global_norm(_CLIP), optax.adam(schedule))

        @eqx.filter_jit
        def step(
            network: UNet, state: Any, batch: tuple[jax.Array, ...]
        ) -> tuple[UNet, Any, jax.Array]:
            loss, slope = eqx.filter_value_and_grad(_loss)(network, batch)
            updates, state = self._adam.update(slope, state)
            updates = jax.tree.map(lambda u: u.astype(SINGLE), updates)
            return eqx.apply_updates(network, updates), state, loss

        self._step = step

    def start(self, member: int) -> Progress:
        """Return a member that has learnt nothing."""
        network = UNet(self._shape, jax.random.key(1000 * self._options.seed + member))
        return Progress(network, self._adam.init(eqx.filter(network, eqx.is_array)), 0, np.inf, 0.0)

    def epoch(self, member: int, progress: Progress) -> Progress:
        """Return a member after one more epoch.

        Raises:
            SurrogateError: the loss is not finite.
        """
        options, started = self._options, time.process_time()
        # Keyed, so that a fit that goes on draws what the uninterrupted one would have.
        rng = np.random.default_rng([options.seed, member, progress.epoch])
        samples = self._draws[progress.epoch % len(self._draws)]
        order = rng.permutation(len(samples))
        network, state, losses = progress.network, progress.optimiser, []
        for start in range(0, len(samples) - options.batch + 1, options.batch):
            chosen = [turned(samples[k], rng) for k in order[start : start + options.batch]]
            network, state, loss = self._step(network, state, batch_of(chosen))
            losses.append(float(loss))
        if not losses:
            raise SurrogateError(
                f"{len(samples)} pairs do not fill a batch of {options.batch}; give more data or a "
                "smaller --batch"
            )
        mean = float(np.mean(losses))
        if not np.isfinite(mean):
            raise SurrogateError("the loss is not finite; lower --rate and start again")
        seconds = progress.seconds + time.process_time() - started
        return Progress(network, state, progress.epoch + 1, mean, seconds)

    def save(self, path: Path, progress: Progress) -> None:
        """Write a member so that it is whole or as it was before."""
        temporary = path.with_name(f".{path.name}.part")
        numbers = np.array([progress.epoch, progress.loss, progress.seconds])
        with temporary.open("wb") as file:
            eqx.tree_serialise_leaves(file, (numbers, progress.network, progress.optimiser))
        temporary.replace(path)

    def load(self, path: Path, member: int) -> Progress:
        """Return a member as it was saved.

        Raises:
            SurrogateError: the file is damaged or of another fit.
        """
        like = self.start(member)
        try:
            numbers, network, state = eqx.tree_deserialise_leaves(
                path, (np.zeros(3), like.network, like.optimiser)
            )
        except Exception as error:
            raise SurrogateError(
                f"{path}: cannot be continued ({error}); remove the folder and fit again"
            ) from error
        return Progress(network, state, int(numbers[0]), float(numbers[1]), float(numbers[2]))


def batch_of(samples: Sequence[Sample]) -> tuple[jax.Array, ...]:
    """Return inputs, conditions, targets, weights and advances, the samples first."""
    names: tuple[Callable[[Sample], Any], ...] = (
        lambda s: s.inputs,
        lambda s: s.conditions,
        lambda s: s.target,
        lambda s: s.weights,
        lambda s: np.float32(s.advance),
    )
    return tuple(jnp.asarray(np.stack([name(s) for s in samples]), SINGLE) for name in names)


def _loss(network: UNet, batch: tuple[jax.Array, ...]) -> jax.Array:
    """Return the mean over the samples of the error over that of the geometric leap.

    So each sample counts for what there is to learn from it, a thin film whose shape changes as
    one that hardly does.
    """
    return jnp.mean(jax.vmap(lambda *sample: _one(network, *sample))(*batch))


def _one(
    network: UNet, inputs: jax.Array, conditions: jax.Array, target: jax.Array,
    weights: jax.Array, advance: jax.Array,
) -> jax.Array:  # fmt: skip
    found, _ = network(inputs, conditions)
    # What a network says is per advance, so that no advance changes nothing.
    found = found.at[0].multiply(window(inputs)) * advance
    return _measure(found - target, weights) / (_measure(target, weights) + _FLOOR)


def _measure(error: jax.Array, weights: jax.Array) -> jax.Array:
    """Return the mean squared error of the front's place, of the shares and of their means."""
    front, new = weights
    shares = error[1:] * new
    means = shares.sum(axis=tuple(range(1, shares.ndim)))
    return (
        jnp.sum(front * error[0] ** 2)
        + _SHARES * jnp.sum(error[1:] * shares)
        + _MEANS * jnp.sum(means**2)
    )
