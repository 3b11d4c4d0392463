"""Ranking: the list of properties that are likely unlicensed HMOs, cut at what a borough can visit."""

from pipelines.ranking.issuing import rank
from pipelines.ranking.read import current_list
from pipelines.ranking.standing import due, stands

__all__ = ["current_list", "due", "rank", "stands"]
