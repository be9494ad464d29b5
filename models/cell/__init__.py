"""Cell models that a film is coupled to: what they are built from, and how they see its rate.

Only `external` and `model` import PyBaMM; the rest is numpy and can be used without it.
"""
