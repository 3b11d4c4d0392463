"""Publish: everything that leaves a stage for others to use.

`publish_drops` commits what passed the gate to the lake and answers each drop with a
receipt; `publish_lists` writes a borough's issued list where its officers fetch it.
`publish_pages` writes what everybody reads (what to send, scorecards, which systems there
are), and `notify` tells boroughs what is due, late or missing.
"""

from pipelines.publish.drops import publish_drops
from pipelines.publish.lists import publish_lists
from pipelines.publish.notices import notify
from pipelines.publish.pages import publish_pages
from pipelines.publish.receipt_page import as_html as receipt_html
from pipelines.publish.receipt_text import as_text as receipt_text
from pipelines.publish.safe_cells import safe_frame

__all__ = ["notify", "publish_drops", "publish_lists", "publish_pages", "receipt_html", "receipt_text", "safe_frame"]
