"""Model files: written by skops, checked against the ledger's hash, opened without running code."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from models.hmo.estimator import Detector
from pipelines.core import lake_use
from pipelines.core.bucket import Folder
from pipelines.core.errors import LodaError, NotFound
from pipelines.core.ledger.models import ModelVersion
from pipelines.core.settings import settings

TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""The only type in a model file beyond those that skops trusts of itself. Anything else is refused."""


class UntrustedModel(LodaError):
    """A model file that is not the one that was trained, or that holds more than a model."""

    exit_code = 65


def kept() -> Folder:
    """Where model files and what stands beside them lie, the same for every host that trains, scores or shows."""
    return Folder(settings().models_url)


def name_of(model_id: str) -> str:
    """The name of a model's file."""
    return f"{model_id}.skops"


def save(detector: Detector, model_id: str) -> tuple[str, str]:
    """Write the model; returns its path, `models/` and its name, and the SHA-256 of its bytes."""
    import skops.io

    content = {
        "models": list(detector.models),
        "features": list(detector.features),
        "slope": detector.slope,
        "intercept": detector.intercept,
    }
    data = skops.io.dumps(content)
    kept().write_bytes(name_of(model_id), data)
    sha256 = hashlib.sha256(data).hexdigest()
    lake_use.kept_was_written(_as_kept(name_of(model_id), sha256, len(data)))
    return f"models/{name_of(model_id)}", sha256


def load(version: ModelVersion) -> Detector:
    """Open a model of the ledger.

    Raises:
        NotFound: its file is gone.
        UntrustedModel: the file is not the one that was trained, or holds a type that is not trusted.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    # The ledger's path is older than the setting: only its name counts.
    name = PurePosixPath(version.path).name
    data = kept().read_bytes(name)
    if data is None:
        raise NotFound(
            f"The file of model {version.id} is gone from {settings().models_url}: train again or restore it."
        )
    if hashlib.sha256(data).hexdigest() != version.sha256:
        raise UntrustedModel(
            f"The file of model {version.id} is not the one that was trained (its SHA-256 differs from the ledger's): "
            "restore it from a backup or train again, and find out who changed it."
        )
    try:
        content = skops.io.loads(data, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise UntrustedModel(
            f"The file of model {version.id} holds types that are not trusted, so it was not opened: train again."
        ) from error
    if "models" not in content:
        raise UntrustedModel(f"The file of model {version.id} was written by an earlier version: train again.")
    lake_use.kept_was_read(_as_kept(name, version.sha256, len(data)))
    return Detector(tuple(content["models"]), tuple(content["features"]), content["slope"], content["intercept"])


def _as_kept(name: str, sha256: str, size: int) -> lake_use.Kept:
    about = f"Model {name.removesuffix('.skops')}"
    return lake_use.Kept(settings().models_url, name, sha256, about, size=size, files=1)
