"""Onboard: a file in a layout that nobody has described yet becomes a proposed mapping."""

from pipelines.onboard.compose import Answers
from pipelines.onboard.held import known_layouts, propose_held
from pipelines.onboard.proposal import ColumnProposal, Proposal, Question
from pipelines.onboard.propose import propose

__all__ = ["Answers", "ColumnProposal", "Proposal", "Question", "known_layouts", "propose", "propose_held"]
