"""A small assembly, and a key that seals it."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

from dpra_constructs.artifact_integrity.runtime.seal import seal
from dpra_constructs.artifact_integrity.runtime.statement import Provenance

REPOSITORY = "https://github.com/acme/fruit-api"
REVISION = "0123456789abcdef0123456789abcdef01234567"
IMAGE = "111111111111.dkr.ecr.us-west-2.amazonaws.com/fruit"
IMAGE_DIGEST = f"sha256:{'d' * 64}"
REGIONS = ("us-west-2", "eu-central-1")
ACCOUNT = "333333333333"
PROVENANCE = Provenance(
    repository=REPOSITORY,
    revision=REVISION,
    branch="main",
    pipeline="arn:aws:codepipeline:us-west-2:111111111111:fruit-api",
    execution="8c5f1a52-0000-4000-8000-000000000000",
    builder="arn:aws:codebuild:us-west-2:111111111111:project/fruit-api-Build-Seal",
    builder_version="1.0.0",
    started="2026-03-01T12:00:00+00:00",
    finished="2026-03-01T12:05:00+00:00",
)


def signer() -> CryptoSigner:
    return CryptoSigner.generate_ecdsa()


def public_key(signer: CryptoSigner, folder: Path) -> Path:
    """Write the public key as `aws kms get-public-key` and openssl give it."""
    path = folder / "key.pem"
    path.write_text(signer.public_key.keyval["public"])
    return path


def other_public_key(folder: Path) -> Path:
    path = folder / "other.pem"
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def assembly(folder: Path) -> Path:
    """Write an assembly of two regions, with templates, a folder and a file as assets."""
    root = folder / "cdk.out"
    code = root / "asset.code"
    (code / "package").mkdir(parents=True)
    (code / "handler.py").write_text("def handler(*_): ...\n")
    (code / "package" / "data.json").write_text("{}")
    (code / "run.sh").write_text("#!/bin/sh\n")
    (code / "run.sh").chmod(0o755)
    (root / "asset.file.txt").write_text("a file\n")
    (root / "manifest.json").write_text(json.dumps({"version": "43.0.0"}))
    for region in REGIONS:
        stage = root / f"assembly-fruit-api-gamma-{region}"
        stage.mkdir()
        name = f"Api{region.replace('-', '')}"
        template = {"Resources": {"Task": {"Image": f"{IMAGE}@{IMAGE_DIGEST}", "Region": region}}}
        (stage / f"{name}.template.json").write_text(json.dumps(template))
        (stage / "manifest.json").write_text(json.dumps({"version": "43.0.0"}))
        (stage / f"{name}.assets.json").write_text(
            json.dumps(
                {
                    "version": "43.0.0",
                    "files": {
                        id: _asset(region, path, packaging, key)
                        for id, path, packaging, key in (
                            (
                                "template",
                                f"{name}.template.json",
                                "file",
                                f"{region}-template.json",
                            ),
                            ("code", "../asset.code", "zip", "code.zip"),
                            ("file", "../asset.file.txt", "file", "file.txt"),
                        )
                    },
                    "dockerImages": {},
                }
            )
        )
    return root


def _asset(region: str, path: str, packaging: str, key: str) -> dict[str, object]:
    place = f"{ACCOUNT}-{region}"
    return {
        "source": {"path": path, "packaging": packaging},
        "destinations": {
            place: {
                "bucketName": f"cdk-hnb659fds-assets-{place}",
                "objectKey": key,
                "region": region,
                "assumeRoleArn": f"arn:${{AWS::Partition}}:iam::{ACCOUNT}:role/"
                f"cdk-hnb659fds-file-publishing-role-{place}",
            }
        },
    }


def sealed(folder: Path, key: CryptoSigner, provenance: Provenance = PROVENANCE) -> Path:
    """Seal such an assembly, with an SBOM and an image."""
    root = assembly(folder)
    sbom = folder / "sbom"
    sbom.mkdir()
    (sbom / "bom.json").write_text('{"bomFormat": "CycloneDX"}')
    seal(root, provenance, signer=key, sboms={"sbom": sbom}, images={IMAGE: IMAGE_DIGEST})
    return root
