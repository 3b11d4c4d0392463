"""Synthetic London: extracts with the faults of real ones, and the truth about them kept apart."""

from pipelines.demo.nights import ANCHOR, DEFAULT_BOROUGHS, DemoSummary, make

__all__ = ["ANCHOR", "DEFAULT_BOROUGHS", "DemoSummary", "make"]
