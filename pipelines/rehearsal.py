"""Rehearsal: the very code of the night on one file, with nothing stored."""
