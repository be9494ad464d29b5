"""Studies of many runs: designs, the engine, results, sensitivity, calibration, report."""
