"""Ranking: the list of properties that are likely unlicensed HMOs, cut at what a borough can visit."""

from pipelines.ranking.issuing import rank
from pipelines.ranking.read import current_list

__all__ = ["current_list", "rank"]
