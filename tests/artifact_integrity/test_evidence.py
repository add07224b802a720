"""What `Seal` keeps as evidence."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import boto3
import pytest

from dpra_constructs.artifact_integrity.runtime.evidence import keep
from tests.artifact_integrity.sealing import sealed, signer
from tests.runtime.service_models import Modelled, client_error

PLACE = "executions/fruit/8c5f1a52-0000-4000-8000-000000000000/fruit-Build-Seal"


class Bucket:
    """Stores what is put."""

    def __init__(self, denied: bool = False) -> None:
        self.objects: dict[str, bytes] = {}
        self.denied = denied

    def put_object(self, **given: Any) -> dict[str, Any]:
        if self.denied:
            raise client_error("AccessDenied", "PutObject")
        assert (given["Bucket"], given["ChecksumAlgorithm"]) == ("bucket", "SHA256")
        body = given["Body"].read()
        self.objects[given["Key"]] = body
        return {"ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode()}


def use(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    monkeypatch.setattr(boto3, "client", lambda service: Modelled(service, bucket))


def test_manifest_envelope_and_sboms_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket()
    use(monkeypatch, bucket)
    root = sealed(tmp_path, signer())
    keep(root, f"bucket/{PLACE}")
    assert bucket.objects == {
        f"{PLACE}/{path}": (root / path).read_bytes()
        for path in (
            "integrity/manifest.json",
            "integrity/provenance.dsse.json",
            "integrity/sbom/sbom/bom.json",
        )
    }


def test_a_seal_whose_evidence_cannot_be_kept_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Bucket(denied=True))
    with pytest.raises(Exception, match="AccessDenied happened"):
        keep(sealed(tmp_path, signer()), f"bucket/{PLACE}")
