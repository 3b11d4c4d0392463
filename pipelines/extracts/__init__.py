"""The extract as a file: its bytes, its headings, its rows, and the rows that are set aside.

Stages share this reading, so that the row a receipt names is the row that was harmonised.
"""

from pipelines.extracts.decode import Chunk, RaggedRows, chunks, headings
from pipelines.extracts.intake import Extract, IntakeFiles, raw_extract, raw_folder
from pipelines.extracts.layout import choose_layout
from pipelines.extracts.recognise import Recognised, recognise

__all__ = [
    "Chunk",
    "Extract",
    "IntakeFiles",
    "RaggedRows",
    "Recognised",
    "choose_layout",
    "chunks",
    "headings",
    "raw_extract",
    "raw_folder",
    "recognise",
]
