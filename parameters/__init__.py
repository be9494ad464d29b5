"""Parameters: tables with a source for every value, the case file, units, constants, errors.

Names are imported from the modules that hold them, for example
``from interphase.parameters.case import load_case``.
"""
