"""Great Expectations suites: a base suite generated from each contract, and cross-field rules kept as data."""

from expectations.checkpoint import Finding, check_rows

__all__ = ["Finding", "check_rows"]
