"""The network: a conditional, fully convolutional residual U-Net in one to three dimensions.

Imported only where a network is used: it needs the extra ``surrogate``. Lateral axes are padded
periodically and the normal by reflection, so a domain of any size can be given. Nothing is
normalised over the domain: what happens at a place depends on its surroundings alone.

Source: Ronneberger, Fischer & Brox, MICCAI 2015 (U-Net); He et al., CVPR 2016 (residual blocks);
Perez et al., AAAI 2018 (conditions by feature-wise scale and shift).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp

SINGLE: Final = jnp.float32
"""Precision of all weights and fields, said everywhere: PyBaMM switches JAX to double for all."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network is built for.

    Attributes:
        dim: number of space dimensions.
        inputs: fields that it sees.
        conditions: numbers that it is given.
        outputs: fields that it returns.
        channels: features per level; each level is half as fine as the one above.
    """

    dim: int
    inputs: int
    conditions: int
    outputs: int
    channels: tuple[int, ...] = (16, 24, 32)

    def plain(self) -> dict[str, Any]:
        """Return the attributes by name."""
        return {**asdict(self), "channels": list(self.channels)}


def _padded(x: jax.Array) -> jax.Array:
    """Return ``x`` (channels, grid) with a node more on every side."""
    lateral = [(0, 0)] + [(1, 1)] * (x.ndim - 2) + [(0, 0)]
    normal = [(0, 0)] * (x.ndim - 1) + [(1, 1)]
    return jnp.pad(jnp.pad(x, lateral, mode="wrap"), normal, mode="reflect")


class Convolution(eqx.Module):
    """Three nodes wide along each axis."""

    kernel: eqx.nn.Conv

    def __init__(self, dim: int, inputs: int, outputs: int, key: Any, stride: int = 1) -> None:
        self.kernel = eqx.nn.Conv(dim, inputs, outputs, 3, stride=stride, dtype=SINGLE, key=key)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the features (outputs, grid / stride)."""
        return self.kernel(_padded(x))


class Block(eqx.Module):
    """Residual block: two convolutions, scaled and shifted between them by the conditions."""

    first: Convolution
    second: Convolution
    film: eqx.nn.Linear

    def __init__(self, shape: Shape, channels: int, key: Any) -> None:
        a, b, c = jax.random.split(key, 3)
        self.first = Convolution(shape.dim, channels, channels, a)
        self.second = _quiet(Convolution(shape.dim, channels, channels, b), 0.1)
        self.film = eqx.nn.Linear(shape.conditions, 2 * channels, dtype=SINGLE, key=c)

    def __call__(self, x: jax.Array, conditions: jax.Array) -> jax.Array:
        """Return the features, (channels, grid)."""
        scale, shift = self.film(conditions).reshape(2, -1, *(1,) * (x.ndim - 1))
        hidden = self.first(jax.nn.silu(x)) * (1.0 + scale) + shift
        return x + self.second(jax.nn.silu(hidden))


def _quiet(layer: Convolution, factor: float) -> Convolution:
    """Return a convolution that starts small, so that deep networks start near the identity."""
    return eqx.tree_at(lambda c: c.kernel.weight, layer, layer.kernel.weight * factor)


def _refined(x: jax.Array, grid: tuple[int, ...]) -> jax.Array:
    for axis, size in enumerate(grid, start=1):
        x = jnp.repeat(x, 2, axis=axis, total_repeat_length=size)
    return x


class UNet(eqx.Module):
    """Fields and conditions in, increments and features of the coarsest level out."""

    stem: Convolution
    down: list[Convolution]
    before: list[Block]
    up: list[Convolution]
    after: list[Block]
    head: Convolution

    def __init__(self, shape: Shape, key: Any) -> None:
        levels = shape.channels
        keys = iter(jax.random.split(key, 2 + 4 * len(levels)))
        dim = shape.dim
        self.stem = Convolution(dim, shape.inputs, levels[0], next(keys))
        self.before = [Block(shape, c, next(keys)) for c in levels]
        pairs = list(zip(levels[:-1], levels[1:], strict=True))
        self.down = [Convolution(dim, a, b, next(keys), stride=2) for a, b in pairs]
        self.up = [Convolution(dim, a + b, a, next(keys)) for a, b in pairs]
        self.after = [Block(shape, a, next(keys)) for a, _ in pairs]
        # It begins by adding nothing.
        head = Convolution(dim, levels[0], shape.outputs, next(keys))
        self.head = jax.tree.map(lambda x: 0.0 * x if eqx.is_array(x) else x, head)

    def __call__(self, fields: jax.Array, conditions: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the increments (outputs, grid) and the features (channels, coarse grid).

        Args:
            fields: (inputs, grid); every axis a multiple of 2^(levels - 1).
            conditions: (conditions,).
        """
        x = self.before[0](self.stem(fields), conditions)
        skips = []
        for down, block in zip(self.down, self.before[1:], strict=True):
            skips.append(x)
            x = block(down(x), conditions)
        features = x
        for skip, up, block in zip(
            reversed(skips), reversed(self.up), reversed(self.after), strict=True
        ):
            x = jnp.concatenate([_refined(x, skip.shape[1:]), skip])
            x = block(up(x), conditions)
        return self.head(jax.nn.silu(x)), features
