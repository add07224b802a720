"""Verification: each kind of tampering is one clear line."""

import base64
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from dpra_constructs.artifact_integrity.offline import check_by, verify_offline
from dpra_constructs.artifact_integrity.runtime.files import Folder
from dpra_constructs.artifact_integrity.runtime.manifest import ENVELOPE, MANIFEST
from dpra_constructs.artifact_integrity.runtime.verification import AcceptedKey, verify
from dpra_constructs.cli.commands import dpra
from tests.artifact_integrity.sealing import (
    IMAGE,
    PROVENANCE,
    other_public_key,
    public_key,
    sealed,
    signer,
)


@pytest.fixture(scope="module")
def key() -> Any:
    return signer()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, key: Any) -> Path:
    return sealed(tmp_path_factory.mktemp("sealed"), key)


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "cdk.out")


def flip(path: Path, offset: int = -2) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def envelope(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((root / ENVELOPE).read_text())
    change(content)
    (root / ENVELOPE).write_text(json.dumps(content))


def payload(root: Path, old: str, new: str) -> None:
    def change(content: dict[str, Any]) -> None:
        text = base64.b64decode(content["payload"]).decode()
        assert old in text
        content["payload"] = base64.b64encode(text.replace(old, new).encode()).decode()

    envelope(root, change)


def swap(root: Path) -> None:
    first, second = sorted(root.rglob("*.template.json"))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def resealed_manifest(root: Path) -> None:
    """What somebody would do who changes a file and the manifest with it."""
    flip(root / "asset.file.txt")
    from dpra_constructs.artifact_integrity.runtime.files import digests_of
    from dpra_constructs.artifact_integrity.runtime.manifest import manifest_of

    (root / MANIFEST).write_bytes(manifest_of(digests_of(Folder(root))))


NO_SIGNATURE = f"{ENVELOPE} has no signature by one of the accepted keys: "
TAMPERINGS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a template": (
        lambda root: flip(next(root.rglob("*.template.json"))),
        ".template.json was changed: sealed with SHA-256",
    ),
    "an asset's archive": (lambda root: flip(root / "asset.code.zip"), "asset.code.zip was"),
    "a plain asset": (lambda root: flip(root / "asset.file.txt"), "asset.file.txt was changed"),
    "where assets are published": (
        lambda root: flip(next(root.rglob("*.assets.json"))),
        ".assets.json was changed",
    ),
    "the assembly's manifest": (lambda root: flip(root / "manifest.json"), "manifest.json was"),
    "the sealed manifest": (
        lambda root: flip(root / MANIFEST),
        f"{MANIFEST} is not the one that was signed",
    ),
    "a file and the sealed manifest": (
        resealed_manifest,
        f"{MANIFEST} is not the one that was signed",
    ),
    "an SBOM": (
        lambda root: flip(root / "integrity" / "sbom" / "sbom" / "bom.json"),
        "integrity/sbom/sbom/bom.json was changed",
    ),
    "the signature": (
        lambda root: envelope(
            root,
            lambda content: content["signatures"][0].update(
                sig=base64.b64encode(b"x" * 70).decode()
            ),
        ),
        NO_SIGNATURE,
    ),
    "no signature": (
        lambda root: envelope(root, lambda content: content.update(signatures=[])),
        NO_SIGNATURE,
    ),
    "the provenance's commit": (
        lambda root: payload(root, PROVENANCE.revision, "f" * 40),
        NO_SIGNATURE,
    ),
    "the provenance's time": (
        lambda root: payload(root, PROVENANCE.finished, "2026-03-01T12:06:00+00:00"),
        NO_SIGNATURE,
    ),
    "an image's digest": (lambda root: payload(root, "d" * 64, "e" * 64), NO_SIGNATURE),
    "the payload's type": (
        lambda root: envelope(root, lambda content: content.update(payloadType="text/plain")),
        f"{ENVELOPE} has the payload type text/plain, not application/vnd.in-toto+json",
    ),
    "an envelope that is none": (
        lambda root: (root / ENVELOPE).write_text("{"),
        f"{ENVELOPE} is no DSSE envelope: JSONDecodeError",
    ),
    "an added file": (
        lambda root: (root / "more.txt").write_text("more"),
        "more.txt was added after the assembly was sealed",
    ),
    "an added file beside the seal": (
        lambda root: (root / "integrity" / "more.txt").write_text("more"),
        "integrity/more.txt was added after the assembly was sealed",
    ),
    "a removed file": (
        lambda root: (root / "asset.file.txt").unlink(),
        "asset.file.txt is missing",
    ),
    "a removed manifest": (
        lambda root: (root / MANIFEST).unlink(),
        f"{MANIFEST} is missing: the assembly was not sealed",
    ),
    "a removed envelope": (
        lambda root: (root / ENVELOPE).unlink(),
        f"{ENVELOPE} is missing: the assembly was not sealed",
    ),
    "templates of two regions exchanged": (swap, ".template.json was changed"),
}


def test_what_was_sealed_passes(root: Path, key: Any, tmp_path: Path) -> None:
    assert verify_offline(root, public_key(key, tmp_path)) == []


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampering_is_named(name: str, root: Path, key: Any, tmp_path: Path) -> None:
    change, expected = TAMPERINGS[name]
    change(root)
    lines = verify_offline(root, public_key(key, tmp_path))
    assert lines
    assert any(expected in line for line in lines), lines


def test_an_added_link_to_a_folder_elsewhere_is_named(root: Path, key: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "more.txt").write_text("more")
    (root / "assembly-more").symlink_to(elsewhere, target_is_directory=True)
    assert verify_offline(root, public_key(key, tmp_path)) == [
        "assembly-more/more.txt leads out of the assembly"
    ]


def test_a_link_within_the_folder_is_an_added_file(root: Path, key: Any, tmp_path: Path) -> None:
    (root / "more").symlink_to("integrity", target_is_directory=True)
    assert "more/manifest.json was added after the assembly was sealed" in verify_offline(
        root, public_key(key, tmp_path)
    )


def test_a_sealed_file_that_became_a_link_elsewhere_is_named(
    root: Path, key: Any, tmp_path: Path
) -> None:
    # The bytes are those that were sealed, and stand where somebody else may change them.
    (root / "asset.file.txt").rename(tmp_path / "elsewhere.txt")
    (root / "asset.file.txt").symlink_to(tmp_path / "elsewhere.txt")
    assert verify_offline(root, public_key(key, tmp_path)) == [
        "asset.file.txt leads out of the assembly"
    ]


def test_links_in_a_circle_are_named(root: Path, key: Any, tmp_path: Path) -> None:
    (root / "again").symlink_to(root, target_is_directory=True)
    [line] = verify_offline(root, public_key(key, tmp_path))
    assert line.endswith("again is a link that leads to itself")


def test_another_public_key_accepts_nothing(root: Path, tmp_path: Path) -> None:
    assert verify_offline(root, other_public_key(tmp_path)) == [f"{NO_SIGNATURE}other.pem"]


def test_a_public_key_beside_the_artifact_is_not_read(root: Path, tmp_path: Path) -> None:
    """Somebody seals again with a key of their own and adds its public part."""
    attacker = signer()
    shutil.rmtree(root / "integrity")
    from dpra_constructs.artifact_integrity.runtime.seal import seal

    seal(root, PROVENANCE, signer=attacker)
    (root / "key.pem").write_text(attacker.public_key.keyval["public"])
    assert verify_offline(root, other_public_key(tmp_path)) == [f"{NO_SIGNATURE}other.pem"]


def test_each_difference_is_a_line(root: Path, key: Any, tmp_path: Path) -> None:
    flip(root / "asset.file.txt")
    (root / "more.txt").write_text("more")
    (root / "asset.code.zip").unlink()
    assert len(verify_offline(root, public_key(key, tmp_path))) == 3


def test_a_template_that_deploys_an_image_by_its_tag_is_named(tmp_path: Path, key: Any) -> None:
    from tests.artifact_integrity.sealing import assembly

    root = assembly(tmp_path)
    template = next(root.rglob("*.template.json"))
    template.write_text(json.dumps({"Image": f"{IMAGE}:latest"}))
    from dpra_constructs.artifact_integrity.runtime.seal import seal

    seal(root, PROVENANCE, signer=key, images={IMAGE: f"sha256:{'d' * 64}"})
    [line] = verify_offline(root, public_key(key, tmp_path))
    assert line.endswith(f"deploys {IMAGE} by something else than sha256:{'d' * 64}")


SEALED_AT = datetime.fromisoformat(PROVENANCE.finished)


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "accepted"),
    [
        (None, None, True),
        (SEALED_AT, None, True),
        (SEALED_AT + timedelta(seconds=1), None, False),
        (None, SEALED_AT, False),
        (None, SEALED_AT + timedelta(seconds=1), True),
    ],
)
def test_a_key_is_accepted_for_what_it_sealed_in_its_time(
    root: Path,
    key: Any,
    tmp_path: Path,
    valid_from: datetime | None,
    valid_until: datetime | None,
    accepted: bool,
) -> None:
    check = check_by(public_key(key, tmp_path))
    keys = [AcceptedKey("old", valid_from, valid_until)]
    verified = verify(Folder(root), keys, check)
    assert (not verified.differences) == accepted
    if not accepted:
        assert "when its key old was not accepted" in verified.differences[0]


def test_the_source_that_is_released_is_compared_and_not_the_execution(
    root: Path, key: Any, tmp_path: Path
) -> None:
    statement = verify(
        Folder(root), [AcceptedKey("key")], check_by(public_key(key, tmp_path))
    ).statement
    assert statement
    assert not list(statement.source_differences(PROVENANCE.repository, PROVENANCE.revision))
    assert list(statement.source_differences(PROVENANCE.repository, "f" * 40)) == [
        f"the provenance states revision {PROVENANCE.revision}, and {'f' * 40} is released"
    ]


def test_the_command_verifies_a_folder_and_an_archive(root: Path, key: Any, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "artifact"), "zip", root)
    for given in (str(root), archive):
        result = CliRunner().invoke(
            dpra, ["verify", given, "--public-key", str(public_key(key, tmp_path))]
        )
        assert (result.exit_code, result.output) == (
            0,
            f"{given} is what was sealed at {PROVENANCE.finished} from {PROVENANCE.repository}, "
            f"revision {PROVENANCE.revision}\n",
        )


def test_the_command_takes_the_key_as_kms_gives_it(root: Path, key: Any, tmp_path: Path) -> None:
    pem = public_key(key, tmp_path).read_bytes()
    der = load_pem_public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.der").write_bytes(der)
    options = ["verify", str(root), "--public-key", str(tmp_path / "key.der")]
    assert CliRunner().invoke(dpra, options).exit_code == 0


def test_the_command_ends_with_1_and_a_line_for_each_difference(
    root: Path, key: Any, tmp_path: Path
) -> None:
    flip(root / "asset.file.txt")
    (root / "more.txt").write_text("more")
    result = CliRunner().invoke(
        dpra, ["verify", str(root), "--public-key", str(public_key(key, tmp_path))]
    )
    assert result.exit_code == 1
    assert len(result.output.splitlines()) == 2


def test_a_file_that_stands_twice_in_the_archive_is_refused(
    root: Path, key: Any, tmp_path: Path
) -> None:
    archive = shutil.make_archive(str(tmp_path / "artifact"), "zip", root)
    with zipfile.ZipFile(archive, "a") as more, pytest.warns(UserWarning, match="Duplicate"):
        more.writestr("asset.file.txt", "another")
    assert verify_offline(Path(archive), public_key(key, tmp_path)) == [
        "asset.file.txt stands twice in the archive"
    ]


@pytest.mark.parametrize(
    ("assembly", "pem", "message"),
    [
        ("cdk.out", "not a key", "is no public key in PEM or DER format"),
        ("cdk.out", "-----BEGIN PUBLIC KEY-----", "is no public key in PEM or DER format"),
        ("text.txt", None, "is no folder, and no archive"),
    ],
)
def test_what_cannot_be_read_ends_with_2(
    root: Path, key: Any, tmp_path: Path, assembly: str, pem: str | None, message: str
) -> None:
    (tmp_path / "text.txt").write_text("text")
    path = public_key(key, tmp_path)
    if pem:
        path.write_text(pem)
    result = CliRunner().invoke(
        dpra, ["verify", str(tmp_path / assembly), "--public-key", str(path)]
    )
    assert result.exit_code == 2
    assert message in result.output


def test_a_key_of_another_curve_is_refused(root: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    path = tmp_path / "key.pem"
    path.write_bytes(
        ec.generate_private_key(ec.SECP384R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    result = CliRunner().invoke(dpra, ["verify", str(root), "--public-key", str(path)])
    assert result.exit_code == 2
    assert "of the curve P-256" in result.output


def test_provenance_of_another_kind_is_refused(tmp_path: Path, key: Any) -> None:
    root = sealed(tmp_path, key, replace(PROVENANCE, finished="yesterday"))
    [line] = verify_offline(root, public_key(key, tmp_path))
    assert "Invalid isoformat string" in line


def test_time_is_compared_with_its_zone() -> None:
    assert AcceptedKey("k", SEALED_AT).covers(SEALED_AT.astimezone(UTC))
