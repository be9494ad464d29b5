"""The parts of `interphase report`: reading a run folder, pictures, growth regimes, the page."""
