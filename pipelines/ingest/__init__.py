"""Ingest: what lies in the bucket is found, copied under its own hash, and admitted or refused.

`discover` lists `drops/<borough>/<dataset>/<file>` and names the boroughs with something
to do; `admit` takes in one borough's new files. Nothing is parsed here beyond what tells
whether a file may be read at all.
"""

from pipelines.ingest.admission import admit
from pipelines.ingest.discovery import discover

__all__ = ["admit", "discover"]
