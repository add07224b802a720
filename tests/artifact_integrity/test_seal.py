"""Sealing: what is signed, in formats that others read, and always the same."""

import json
import os
import shutil
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from in_toto_attestation.v1.statement import Statement as PublishedStatement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError

from dpra_constructs.artifact_integrity.runtime.files import Folder, digests_of
from dpra_constructs.artifact_integrity.runtime.manifest import (
    ENVELOPE,
    MANIFEST,
    read_manifest,
    sha256_of,
)
from dpra_constructs.artifact_integrity.runtime.seal import pushed_images, seal
from tests.artifact_integrity.sealing import (
    IMAGE,
    IMAGE_DIGEST,
    PROVENANCE,
    REGIONS,
    REPOSITORY,
    REVISION,
    assembly,
    sealed,
    signer,
)


@pytest.fixture(scope="module")
def key() -> Any:
    return signer()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, key: Any) -> Path:
    return sealed(tmp_path_factory.mktemp("sealed"), key)


def payload(root: Path) -> dict[str, Any]:
    envelope = Envelope.from_dict(json.loads((root / ENVELOPE).read_text()))
    content: dict[str, Any] = json.loads(envelope.payload)
    return content


def test_a_folder_that_is_published_is_zipped_and_its_manifests_name_the_archive(
    root: Path,
) -> None:
    for region in REGIONS:
        [manifest] = root.glob(f"*{region}/*.assets.json")
        code = json.loads(manifest.read_text())["files"]["code"]
        assert code["source"] == {"path": "../asset.code.zip", "packaging": "file"}
        assert next(iter(code["destinations"].values()))["objectKey"] == "code.zip"
    assert not (root / "asset.code").exists()
    with zipfile.ZipFile(root / "asset.code.zip") as archive:
        modes = {each.filename: each.external_attr >> 16 for each in archive.infolist()}
    assert modes == {"handler.py": 0o100644, "package/data.json": 0o100644, "run.sh": 0o100755}


def test_the_manifest_has_every_file_but_itself_and_the_envelope(root: Path) -> None:
    stated = read_manifest((root / MANIFEST).read_bytes())
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert set(stated) == found - {MANIFEST, ENVELOPE}
    assert "integrity/sbom/sbom/bom.json" in stated
    assert stated == {
        path: digest for path, digest in digests_of(Folder(root)).items() if path in stated
    }


def test_the_statement_is_one_of_in_toto_with_slsa_provenance(root: Path) -> None:
    content = payload(root)
    # The published implementation parses it, and finds what its schema requires.
    statement = PublishedStatement.copy_from_pb(published("v1", content, "Statement"))
    statement.validate()
    assert content["predicateType"] == "https://slsa.dev/provenance/v1"
    manifest, image = content["subject"]
    assert manifest == {
        "name": MANIFEST,
        "digest": {"sha256": sha256_of((root / MANIFEST).read_bytes())},
    }
    assert image == {"name": IMAGE, "digest": {"sha256": "d" * 64}}
    build = content["predicate"]["buildDefinition"]
    assert build["resolvedDependencies"] == [
        {"uri": f"git+{REPOSITORY}@refs/heads/main", "digest": {"gitCommit": REVISION}}
    ]
    assert build["externalParameters"] == {"repository": REPOSITORY, "revision": REVISION}


def test_the_provenance_is_one_of_the_published_schema(root: Path) -> None:
    """Every field is one of the schema's, whose reader refuses others."""
    published("predicates.provenance.v1", payload(root)["predicate"], "Provenance")


def published(module: str, content: dict[str, Any], message: str) -> Any:
    """Read content by the schema that in-toto publishes."""
    pb: Any = import_module(f"in_toto_attestation.{module}.{message.lower()}_pb2")
    json_format: Any = import_module("google.protobuf.json_format")
    return json_format.ParseDict(content, getattr(pb, message)())


def test_another_verifier_accepts_the_signature_and_no_other(root: Path, key: Any) -> None:
    envelope = Envelope.from_dict(json.loads((root / ENVELOPE).read_text()))
    envelope.verify([key.public_key], 1)
    with pytest.raises(VerificationError):
        envelope.verify([signer().public_key], 1)


def test_two_builds_of_a_commit_have_the_same_manifest(tmp_path: Path, key: Any) -> None:
    first = assembly(tmp_path / "first")
    second = assembly(tmp_path / "some" / "other" / "place")
    for path in second.rglob("*"):
        # Later, and by others.
        os.utime(path, (2_000_000_000, 2_000_000_000))
    umask = (second / "asset.code" / "handler.py").stat().st_mode
    (second / "asset.code" / "handler.py").chmod(umask ^ 0o022)
    for root in (first, second):
        seal(root, PROVENANCE, signer=key)
    assert (first / MANIFEST).read_bytes() == (second / MANIFEST).read_bytes()


def test_an_assembly_without_assets_can_be_sealed(tmp_path: Path, key: Any) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    seal(tmp_path, PROVENANCE, signer=key)
    assert list(read_manifest((tmp_path / MANIFEST).read_bytes())) == ["manifest.json"]


def test_a_linked_sbom_is_sealed_as_what_it_leads_to(tmp_path: Path, key: Any) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "bom.json").write_text("{}")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    root = assembly(tmp_path)
    seal(root, PROVENANCE, signer=key, sboms={"sbom": tmp_path / "linked"})
    assert not (root / "integrity" / "sbom" / "sbom").is_symlink()
    assert (root / "integrity" / "sbom" / "sbom" / "bom.json").read_text() == "{}"


def test_the_images_are_those_that_the_build_pushed(tmp_path: Path) -> None:
    (tmp_path / "image.json").write_text(
        json.dumps(
            {"repository": "fruit", "digest": IMAGE_DIGEST, "uri": f"{IMAGE}@{IMAGE_DIGEST}"}
        )
    )
    assert pushed_images([tmp_path]) == {IMAGE: IMAGE_DIGEST}


def _with_asset(root: Path, section: str, asset: dict[str, Any]) -> None:
    manifest = next(root.rglob("*.assets.json"))
    content = json.loads(manifest.read_text())
    content[section]["late"] = asset
    manifest.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda root: _with_asset(root, "dockerImages", {"source": {"directory": "x"}}),
            "has the image asset late, which would be built after the seal; build and push it by "
            "EcrPush",
        ),
        (
            lambda root: _with_asset(root, "files", {"source": {"executable": ["make"]}}),
            "has the file asset late, which a command would make after the seal; make it in a",
        ),
        (
            lambda root: _with_asset(
                root, "files", {"source": {"path": "../../secret", "packaging": "zip"}}
            ),
            r"publishes \.\./\.\./secret, which is outside",
        ),
        (lambda root: (root / "manifest.json").unlink(), "is no cloud assembly: it has no"),
        (
            lambda root: shutil.copytree(root / "asset.code", root / "integrity"),
            "has a folder integrity already; an assembly is sealed once",
        ),
    ],
)
def test_what_cannot_be_sealed_is_refused(
    tmp_path: Path, key: Any, change: Any, message: str
) -> None:
    root = assembly(tmp_path)
    change(root)
    with pytest.raises(ValueError, match=message):
        seal(root, PROVENANCE, signer=key)
    assert not (root / ENVELOPE).exists()
