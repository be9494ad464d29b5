"""Reading many quantities of a PyBaMM model from its states in one compiled function.

PyBaMM reads one variable at a time through an object of its own (milliseconds each); here all are
rows of one casadi function that is evaluated for all times of a step at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interphase.parameters.errors import CouplingError

type Array = NDArray[np.float64]


class Readout:
    """Quantities of a discretised PyBaMM model as functions of its states.

    Args:
        model: the discretised model.
        names: its variables.
        inputs: one value of every input, for the sizes.
    """

    def __init__(self, model: Any, names: Sequence[str], inputs: Mapping[str, Array]) -> None:
        needed = {parameter.name for parameter in model.input_parameters}
        # comes with PyBaMM, and is imported with it
        import casadi

        self._inputs = tuple(name for name in inputs if name in needed)
        symbols = {name: casadi.MX.sym(name, inputs[name].size) for name in self._inputs}
        time = casadi.MX.sym("t")
        states = casadi.MX.sym("y", model.len_rhs_and_alg)
        cache: dict[Any, Any] = {}
        rows = []
        self._slices: dict[str, slice] = {}
        first = 0
        for name in names:
            row = model.get_processed_variable(name).to_casadi(
                time, states, inputs=symbols, casadi_symbols=cache
            )
            row = casadi.densify(casadi.MX(row))
            rows.append(row)
            self._slices[name] = slice(first, first + row.numel())
            first += row.numel()
        packed = casadi.vertcat(*symbols.values())
        whole = casadi.Function("readout", [time, states, packed], [casadi.vertcat(*rows)])
        self._function = _scalar_version(whole)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the quantities."""
        return tuple(self._slices)

    def __call__(
        self, times: Array, states: Array, inputs: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Return each quantity at all times.

        Args:
            times: shape (n,) [s].
            states: shape (number of states, n).
            inputs: values of the inputs.

        Returns:
            Arrays of shape (n, size of the quantity).

        Raises:
            CouplingError: if a quantity is not finite.
        """
        packed = np.concatenate([np.ravel(inputs[name]) for name in self._inputs])
        values = self._function(times[None, :], states, packed).full().T
        if not np.all(np.isfinite(values)):
            bad = [n for n, s in self._slices.items() if not np.all(np.isfinite(values[:, s]))]
            raise CouplingError(f"the cell model gives numbers that are not finite: {bad[0]}")
        return {name: values[:, part] for name, part in self._slices.items()}


def _scalar_version(whole: Any) -> Any:
    """Return the function on scalars, several times faster; data tables have no such version."""
    try:
        return whole.expand()
    except RuntimeError:
        return whole
