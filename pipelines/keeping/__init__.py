"""Keeping what the platform holds: a backup of all of it, and the way back, each file held against its hash."""

from pipelines.keeping.backup import back_up
from pipelines.keeping.restore import restore

__all__ = ["back_up", "restore"]
