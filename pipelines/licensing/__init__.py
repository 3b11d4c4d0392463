"""Licensing: would a property need a licence on a day, and does it hold one? Rules, never a model."""

from pipelines.licensing.assessment import assess

__all__ = ["assess"]
