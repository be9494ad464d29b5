"""Parameters from atoms: molecules, crystals, dynamics and reaction networks.

Every calculation is one class with a method ``run`` that returns `Computed` values; nothing here is
needed by the film itself, and no module imports a heavy library before it is used.
"""
