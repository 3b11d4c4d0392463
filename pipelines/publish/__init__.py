"""Publish: everything that leaves a stage for others to use.

`publish_drops` commits what passed the gate to the lake and answers each drop with a
receipt; `publish_lists` writes a borough's issued list where its officers fetch it.
"""

from pipelines.publish.drops import publish_drops
from pipelines.publish.lists import publish_lists
from pipelines.publish.receipts import as_text as receipt_text
from pipelines.publish.safe_cells import safe_frame

__all__ = ["publish_drops", "publish_lists", "receipt_text", "safe_frame"]
