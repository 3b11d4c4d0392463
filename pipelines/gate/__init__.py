"""Gate: the one place that decides pass, pass with issues, or hold.

Critical holds the drop, error quarantines the row, warning passes with an issue.
"""

from pipelines.gate.stage import Verdict, gate, judge

__all__ = ["Verdict", "gate", "judge"]
