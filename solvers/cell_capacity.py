"""Capacity of a cell at equilibrium between its cut-off voltages."""

from typing import Any

from interphase.parameters.constants import FARADAY
from interphase.parameters.errors import CouplingError


class EquilibriumCapacity:
    """Charge between the cut-off voltages, from the lithium that is left.

    Both electrodes are at equilibrium, so nothing is cycled: the stoichiometries at both cut-offs
    follow from the open-circuit potentials and the lithium in the particles.

    Source: PyBaMM's electrode state-of-health model, after P. Mohtat, S. Lee, J. B. Siegel,
    A. G. Stefanopoulou, J. Power Sources 427, 101 (2019).

    Args:
        parameter_values: ``pybamm.ParameterValues`` without inputs.
    """

    def __init__(self, parameter_values: Any) -> None:
        import pybamm

        self._pybamm = pybamm
        self._solver = pybamm.lithium_ion.ElectrodeSOHSolver(
            parameter_values, pybamm.LithiumIonParameters()
        )

    def capacity(self, lithium: float, negative: float, positive: float) -> float:
        """Return the capacity [A h].

        Args:
            lithium: in the particles of both electrodes [mol].
            negative: capacity of the negative electrode between empty and full [A h].
            positive: the same of the positive electrode [A h].

        Raises:
            CouplingError: if no stoichiometries give the cut-off voltages.
        """
        known = {"Q_n": negative, "Q_p": positive, "Q_Li": lithium * FARADAY / 3600.0}
        try:
            return float(self._solver.solve(known)["Q"])
        except (ValueError, self._pybamm.SolverError) as error:
            text = str(error).strip().splitlines()
            raise CouplingError(
                f"the capacity between the cut-off voltages cannot be found with "
                f"{lithium:.4g} mol of lithium: {text[0] if text else 'no reason'}"
            ) from error
