"""Gate: the one place that decides pass, pass with issues, or hold.

Critical holds the drop, error quarantines the row, warning passes with an issue. A drop is judged by its contract and
the rules between its fields, by where its rows lie, and against the borough's own earlier extracts; a hold is lifted or
made final by a named person.
"""

from pipelines.gate.decisions import refuse, release
from pipelines.gate.history import History, history_of
from pipelines.gate.stage import Verdict, gate, judge, rows_of_last_good

__all__ = ["History", "Verdict", "gate", "history_of", "judge", "refuse", "release", "rows_of_last_good"]
