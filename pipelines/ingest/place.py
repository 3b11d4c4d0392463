"""Where a file may lie: drops/<borough>/<dataset>/<file>, for a borough and dataset that are agreed."""

from __future__ import annotations

from pipelines.core.errors import NotFound, RefusedDrop
from pipelines.governance import access
from schemas import registry


def check_place(path: str) -> None:
    """Raise unless the path names a borough, a dataset and an agreement that covers them."""
    parts = path.split("/")
    if len(parts) != 4:
        raise RefusedDrop("wrong_place", "The file does not lie in drops/<borough>/<dataset>/.")
    _, borough, dataset, _ = parts
    try:
        registry.borough(borough)
    except NotFound as error:
        raise RefusedDrop("unknown_borough", f"There is no borough '{borough[:60]}'.") from error
    try:
        registry.contract(dataset)
    except NotFound as error:
        raise RefusedDrop("unknown_dataset", str(error)) from error
    if not access.allowed(borough, dataset, "hmo_detection"):
        raise RefusedDrop("no_agreement", f"No agreement in force lets {borough} share {dataset}.")
