"""Which homes are likely houses in multiple occupation: features, training, scores and the people who promote.

Features and labels of a property are kept apart: see `labels` for what is never a feature.
"""

from models.hmo.dossier import dossiers
from models.hmo.matrix import build_features
from models.hmo.registry import promote, rollback
from models.hmo.score import score
from models.hmo.train import train

__all__ = ["build_features", "dossiers", "promote", "rollback", "score", "train"]
