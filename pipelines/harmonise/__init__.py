"""Harmonise: a borough's own layout becomes the shared schema, and every fault becomes an issue.

decode → map → cast → encode → check, a chunk at a time, columns never rows. A bad cell is
left blank, recorded, and the row lives, unless the row cannot do without that cell: then
the row is quarantined whole.
"""

from pipelines.harmonise.stage import Counted, harmonise, harmonise_extract

__all__ = ["Counted", "harmonise", "harmonise_extract"]
