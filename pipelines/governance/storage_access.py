"""Who may touch which objects on an S3 server: three identities a borough, and the platform's own.

A borough's `drops` identity is for the machine that sends extracts: it writes and lists the borough's drops and can
neither read nor delete them. Its `lists` identity is for people and case systems: it reads receipts, what was
quarantined, and the borough's lists. Its `keeper` identity is for the person who takes extracts back, since what lies
in the borough's folder is the borough's to delete. None reaches anything of another borough. Policies are in AWS's own
form (IAM policy language, version 2012-10-17), which AWS, MinIO, Ceph and SeaweedFS take.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from pipelines.core.errors import ConfigurationError
from pipelines.core.settings import settings

Policy: TypeAlias = dict[str, Any]
PLATFORM = "loda-platform"
PARTS_OF_A_FILE = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
"""Large files are sent in parts; one who may write must be able to give up and to see where he was."""


@dataclass(frozen=True)
class Place:
    """A folder on an S3 server; `prefix` is empty or ends with a slash."""

    bucket: str
    prefix: str

    def below(self, folder: str) -> Place:
        """A folder in this one."""
        return Place(self.bucket, f"{self.prefix}{folder}/")

    @property
    def objects(self) -> str:
        """Everything in it, as policies name it."""
        return f"arn:aws:s3:::{self.bucket}/{self.prefix}*"


def place(url: str, setting: str) -> Place:
    """Where a setting's URL leads.

    Raises:
        ConfigurationError: it does not lead to an S3 server.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"s3", "s3a"} or not parts.netloc:
        raise ConfigurationError(f"{setting} does not lead to an S3 server; identities are made for s3:// only.")
    path = parts.path.strip("/")
    return Place(parts.netloc, f"{path}/" if path else "")


def policies(boroughs: Iterable[str]) -> dict[str, Policy]:
    """The policy of each identity, by its name.

    Raises:
        ConfigurationError: bucket, lake, lists or models do not lie on an S3 server.
    """
    drops = place(settings().bucket_url, "LODA_BUCKET_URL").below("drops")
    lists = place(settings().published_url, "LODA_PUBLISHED_URL")
    made = {PLATFORM: _platform()}
    for borough in boroughs:
        own = drops.below(borough)
        made[f"loda-{borough}-drops"] = _policy(_allow(("s3:PutObject", *PARTS_OF_A_FILE), own), *_allow_to_list(own))
        made[f"loda-{borough}-lists"] = _policy(
            _allow(("s3:GetObject",), own, lists.below(borough)), *_allow_to_list(own, lists.below(borough))
        )
        made[f"loda-{borough}-keeper"] = _policy(
            _allow(("s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"), own), *_allow_to_list(own)
        )
    return made


def _platform() -> Policy:
    """All objects of the four places, and nothing of the buckets themselves: no policy, no versioning, no deletion."""
    of = settings()
    urls = {
        "LODA_BUCKET_URL": of.bucket_url,
        "LODA_LAKE_URL": of.lake_url,
        "LODA_PUBLISHED_URL": of.published_url,
        "LODA_MODELS_URL": of.models_url,
    }
    places = [place(url, setting) for setting, url in urls.items()]
    acts = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", *PARTS_OF_A_FILE)
    # Without a condition on the prefix: with one, asking for an object that is not there is answered with 403.
    names = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": _buckets(places)}
    # A client that asks whether there is such a folder asks for an object of its name first.
    folders = {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": sorted({f"arn:aws:s3:::{it.bucket}/{it.prefix.rstrip('/')}" for it in places if it.prefix}),
    }
    return _policy(_allow(acts, *places), names, *([folders] if folders["Resource"] else []))


def _policy(*statements: dict[str, Any]) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(acts: Sequence[str], *places: Place) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(acts), "Resource": sorted({place.objects for place in places})}


def _allow_to_list(*places: Place) -> list[dict[str, Any]]:
    """Names below each place: the slash at the end of a prefix keeps `camden` from seeing `camden_town`."""
    return [
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": _buckets([there]),
            "Condition": {"StringLike": {"s3:prefix": [f"{there.prefix}*"]}},
        }
        for there in places
    ]


def _buckets(places: Iterable[Place]) -> list[str]:
    return sorted({f"arn:aws:s3:::{there.bucket}" for there in places})


def seaweedfs_identities(boroughs: Iterable[str], known: Policy | None = None) -> Policy:
    """SeaweedFS's configuration (`weed s3 -config`): each identity with its policy and a key of its own.

    What `known`, an earlier configuration, holds of other identities is kept, and so are the keys that were handed
    out; an identity of ours that is not asked for any more is left out, and its key ends with it.
    """
    earlier = known or {}
    keys = {it["name"]: it["credentials"] for it in earlier.get("identities", []) if it.get("credentials")}
    made = policies(boroughs)
    ours = [{"name": name, "credentials": keys.get(name) or _new_key(name), "policyNames": [name]} for name in made]
    others = [it for it in earlier.get("identities", []) if not it["name"].startswith("loda-")]
    other_policies = [it for it in earlier.get("policies", []) if not it["name"].startswith("loda-")]
    contents = [{"name": name, "content": json.dumps(policy)} for name, policy in made.items()]
    return {**earlier, "identities": [*others, *ours], "policies": [*other_policies, *contents]}


def _new_key(name: str) -> list[dict[str, str]]:
    return [{"accessKey": name, "secretKey": secrets.token_urlsafe(30)}]


def read_identities(path: Path) -> Policy | None:
    """An earlier configuration; None where there is none.

    Raises:
        ConfigurationError: the file is something else.
    """
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{path} is no JSON; name another file, or mend it.") from error
    listed = [found.get(kind, []) for kind in ("identities", "policies")] if isinstance(found, dict) else [None]
    if not all(isinstance(some, list) and all(isinstance(it, dict) and "name" in it for it in some) for some in listed):
        raise ConfigurationError(f"{path} holds no identities; name another file.")
    return dict(found)
