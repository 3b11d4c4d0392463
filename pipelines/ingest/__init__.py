"""Ingest: what lies in the bucket is found, copied under its own hash, and admitted or refused.

`discover` lists `drops/<borough>/<dataset>/<file>` and names the boroughs with something
to do; `admit` takes in one borough's new files. Nothing is parsed here beyond what tells
whether a file may be read at all. `expect_bucket` tells a bucket that is not there from an empty one.
"""

from pipelines.ingest.admission import admit
from pipelines.ingest.discovery import discover, expect_bucket

__all__ = ["admit", "discover", "expect_bucket"]
