"""Seals a cloud assembly: run by the action `Seal`, and by nothing else.

It is the only place that may sign. What it reads: the assembly that the synth action made, and
the outputs that hold SBOMs and pushed images. It runs no code of the repository.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .assets import zip_assets
from .evidence import keep
from .files import Digest, Folder, digests_of
from .manifest import ENVELOPE, FOLDER, MANIFEST, SBOMS, manifest_of, sha256_of
from .object_keys import name_by_content
from .signed_functions import FunctionSigner, profile_version_of, sign_functions
from .statement import PAYLOAD_TYPE, Provenance, statement_of


def seal(
    root: Path,
    provenance: Provenance,
    *,
    signer: Any,
    sboms: Mapping[str, Path] | None = None,
    images: Mapping[str, str] | None = None,
    functions: Mapping[str, FunctionSigner] | None = None,
) -> None:
    """Seal an assembly in its folder.

    Args:
        root: the assembly's folder.
        provenance: where it comes from.
        signer: of `securesystemslib`, which signs the envelope.
        sboms: folders of SBOMs, by the name of the output.
        images: the digest of each image that was pushed, by its repository's address.
        functions: what signs the code of Lambda functions, by its region.

    Raises:
        ValueError: it is sealed already, is no assembly, has an asset that is built later, or has
            a function whose code cannot be signed.
    """
    from securesystemslib.dsse import Envelope

    if not (root / "manifest.json").is_file():
        raise ValueError(f"{root} is no cloud assembly: it has no manifest.json")
    if (root / FOLDER).exists():
        raise ValueError(f"{root} has a folder {FOLDER} already; an assembly is sealed once")
    for name, folder in sorted((sboms or {}).items()):
        # An output of another action is linked into the build; what it leads to is sealed.
        shutil.copytree(folder, root / SBOMS / name, symlinks=False)
    zip_assets(root)
    for path in sign_functions(root, functions or {}):
        print(f"signed code of functions: {path}")
    name_by_content(root)
    digests = digests_of(Folder(root))
    manifest = manifest_of(digests)
    statement = statement_of(
        sha256_of(manifest), provenance, sboms=_of_sboms(digests), images=images or {}
    )
    envelope = Envelope(
        json.dumps(statement, sort_keys=True, separators=(",", ":")).encode(), PAYLOAD_TYPE, {}
    )
    envelope.sign(signer)
    (root / FOLDER).mkdir(exist_ok=True)
    (root / MANIFEST).write_bytes(manifest)
    (root / ENVELOPE).write_text(json.dumps(envelope.to_dict(), sort_keys=True), "utf-8")


def _of_sboms(digests: Mapping[str, Digest]) -> dict[str, str]:
    return {path: digest.sha256 for path, digest in digests.items() if path.startswith(f"{SBOMS}/")}


def pushed_images(folders: Sequence[Path]) -> dict[str, str]:
    """Return the digests of the images that `EcrPush` wrote into outputs, by their repository."""
    images = {}
    for folder in folders:
        # What another action publishes is no image.
        if not (folder / "image.json").is_file():
            continue
        read = json.loads((folder / "image.json").read_text("utf-8"))
        images[read["uri"].partition("@")[0]] = read["digest"]
    return images


def _function_signers(profiles: Sequence[str], pipeline: str) -> dict[str, FunctionSigner]:
    import boto3

    signers = {}
    for profile in map(profile_version_of, profiles):
        s3, signer = (boto3.client(each, region_name=profile.region) for each in ("s3", "signer"))
        signers[profile.region] = FunctionSigner(profile, pipeline=pipeline, s3=s3, signer=signer)
    return signers


def main(arguments: Sequence[str] | None = None) -> None:
    """Seal the assembly in the working directory, with the key that is named."""
    from securesystemslib.signer import AWSSigner  # type: ignore[attr-defined]

    parser = argparse.ArgumentParser(description=__doc__)
    for name in (
        *("key", "repository", "revision", "pipeline", "execution", "builder"),
        *("builder-version", "started", "evidence"),
    ):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--branch", default="")
    parser.add_argument("--sbom", action="append", default=[], metavar="OUTPUT=FOLDER")
    parser.add_argument("--image", action="append", default=[], metavar="FOLDER", type=Path)
    parser.add_argument("--function-profiles", type=str.split, default=[], metavar="ARNS")
    given = parser.parse_args(arguments)
    # Of a build it is the ARN of the project, and the number of the build.
    builder = given.builder.replace(":build/", ":project/").rpartition(":")[0]
    _, partition, _, region, account, *_ = builder.split(":")
    uri, public_key = AWSSigner.import_(given.key)
    # CodeBuild gives milliseconds since the epoch.
    started = datetime.fromtimestamp(int(given.started) / 1000, UTC)
    provenance = Provenance(
        repository=given.repository,
        revision=given.revision,
        branch=given.branch,
        pipeline=f"arn:{partition}:codepipeline:{region}:{account}:{given.pipeline}",
        execution=given.execution,
        builder=builder,
        builder_version=given.builder_version,
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        seal(
            Path(),
            provenance,
            signer=AWSSigner.from_priv_key_uri(uri, public_key),
            sboms={
                name: Path(folder)
                for name, _, folder in (each.partition("=") for each in given.sbom)
            },
            images=pushed_images(given.image),
            functions=_function_signers(given.function_profiles, given.pipeline),
        )
    except ValueError as error:
        sys.exit(f"Seal: {error}")
    print(f"sealed {given.revision} with {given.key}")
    keep(Path(), given.evidence)
    print(f"kept as evidence in s3://{given.evidence}")
