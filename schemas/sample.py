"""Samples: a few invented rows of each dataset, as a borough would fill in its template."""

from __future__ import annotations

from functools import lru_cache

from pipelines.core.errors import ConfigurationError
from schemas.contract import Contract
from schemas.registry import FOLDER
from schemas.strict_yaml import read_yaml
from schemas.template import csv_rows


@lru_cache(maxsize=1)
def _samples() -> dict[str, list[dict[str, str]]]:
    read = read_yaml(FOLDER / "samples.yaml")
    return {
        dataset: [{name: str(cell) for name, cell in row.items()} for row in rows] for dataset, rows in read.items()
    }


def sample_rows(contract: Contract) -> list[dict[str, str]]:
    """The sample's rows, cells as text by field name; a field that a row does not name is blank.

    Raises:
        ConfigurationError: there is no sample of this dataset, or a row of it names a field that the contract lacks.
    """
    rows = _samples().get(contract.dataset, [])
    unknown = sorted({name for row in rows for name in row} - set(contract.by_name))
    if not rows or unknown:
        fault = f"names fields that its contract lacks: {', '.join(unknown)}" if unknown else "has no rows"
        raise ConfigurationError(f"The sample of {contract.dataset} in schemas/samples.yaml {fault}.")
    return rows


def csv_sample(contract: Contract) -> str:
    """The sample as a file that the night accepts: the template with the sample's rows."""
    return csv_rows(contract, sample_rows(contract))
