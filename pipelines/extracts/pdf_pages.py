"""A PDF document's pages as words and ruled tables: run as a program of its own, since documents can be hostile.

Reads the document from standard input and writes one JSON line a page; the last line is `{"end": true}` or says the
fault. It limits its own memory and time, so that a document which unpacks to gigabytes or never ends takes down
nothing but this process. It imports nothing of the project, to start quickly.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any

MEMORY_BYTES = 3 * 512 * 1024**2
CHARACTERS_A_PAGE = 100_000
EDGES_A_PAGE = 20_000
FURTHEST = 20_000
"""A page is at most 14,400 points wide; a word beyond that stands on no page."""

OUTPUT_BYTES = 512 * 1024**2
LONG_RULE = 0.3
"""A horizontal line over this share of the page's width parts rows."""


def main() -> None:
    """Arguments: pages at most, seconds at most."""
    pages, seconds = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import logging

    logging.disable(logging.CRITICAL)  # it would name the document's content
    try:
        _write_pages(sys.stdin.buffer.read(), pages)
    except MemoryError:
        _say({"fault": "memory"})
    except Exception as error:  # noqa: BLE001 - whatever a damaged document makes of its reader
        _say({"fault": "locked" if "Password" in repr(error) else "damaged"})


def _say(line: dict[str, Any]) -> int:
    return sys.stdout.write(json.dumps(line) + "\n")


def _write_pages(content: bytes, most: int) -> None:
    import pdfplumber

    with pdfplumber.open(io.BytesIO(content)) as document:
        count = len(document.pages)
        if count > most:
            _say({"fault": "pages"})
            return
        written = 0
        for page in document.pages:
            written += _say(_page(page))
            page.close()
            if written > OUTPUT_BYTES:
                _say({"fault": "memory"})
                return
    _say({"end": True})


def _page(page: Any) -> dict[str, Any]:
    if len(page.chars) > CHARACTERS_A_PAGE or len(page.edges) > EDGES_A_PAGE:
        raise MemoryError
    words = [w for w in page.extract_words(x_tolerance_ratio=0.15) if -FURTHEST < w["x0"] <= w["x1"] < FURTHEST]
    tables = [table for table in page.find_tables() if len(table.rows) and max(len(r.cells) for r in table.rows) > 1]
    edges = page.horizontal_edges
    rules = {round(edge["top"], 1) for edge in edges if edge["x1"] - edge["x0"] > LONG_RULE * float(page.width)}
    return {
        "height": float(page.height),
        "words": [[w["text"], _short(w["x0"]), _short(w["x1"]), _short(w["top"]), _short(w["bottom"])] for w in words],
        "tables": [
            {
                "box": [_short(side) for side in table.bbox],
                "rows": table.extract(x_tolerance_ratio=0.15),
                "tops": [_short(row.bbox[1]) for row in table.rows],
            }
            for table in tables
        ],
        "rules": sorted(rules),
        "pictures": len(page.images),
    }


def _short(number: float) -> float:
    return round(float(number), 1)


if __name__ == "__main__":
    main()
