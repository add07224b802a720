"""What is signed: an in-toto statement about the manifest, with SLSA provenance.

Sources: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md,
https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .manifest import MANIFEST

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
#: What the parameters below mean; the library's documentation describes it.
BUILD_TYPE = "https://pypi.org/project/dpra-constructs/#codepipeline-build-v1"


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a sealed assembly comes from.

    Args:
        repository: the source's address.
        revision: the commit, or the version of an S3 object.
        branch: of the repository; empty for S3.
        pipeline: the pipeline's ARN.
        execution: the id of its execution.
        builder: the ARN of the project that sealed.
        builder_version: of this library.
        started: when the build began, as ISO 8601 with a time zone.
        finished: when it was sealed.
    """

    repository: str
    revision: str
    branch: str
    pipeline: str
    execution: str
    builder: str
    builder_version: str
    started: str
    finished: str


def statement_of(
    manifest_sha256: str,
    provenance: Provenance,
    *,
    sboms: Mapping[str, str],
    images: Mapping[str, str],
) -> dict[str, Any]:
    """Return the statement.

    Args:
        manifest_sha256: the digest of the manifest.
        provenance: where it comes from.
        sboms: the SHA-256 of each SBOM, by its path.
        images: the digest of each container image that the build pushed, by its repository.
    """
    source: dict[str, Any] = {"uri": provenance.repository}
    if provenance.branch:
        source = {
            "uri": f"git+{provenance.repository}@refs/heads/{provenance.branch}",
            "digest": {"gitCommit": provenance.revision},
        }
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": MANIFEST, "digest": {"sha256": manifest_sha256}},
            *(
                {"name": repository, "digest": {"sha256": digest.removeprefix("sha256:")}}
                for repository, digest in sorted(images.items())
            ),
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "repository": provenance.repository,
                    "revision": provenance.revision,
                },
                "internalParameters": {"pipeline": provenance.pipeline},
                "resolvedDependencies": [source],
            },
            "runDetails": {
                "builder": {
                    "id": provenance.builder,
                    "version": {"dpra-constructs": provenance.builder_version},
                },
                "metadata": {
                    "invocationId": f"{provenance.pipeline}/{provenance.execution}",
                    "startedOn": provenance.started,
                    "finishedOn": provenance.finished,
                },
                "byproducts": [
                    {"name": path, "digest": {"sha256": digest}}
                    for path, digest in sorted(sboms.items())
                ],
            },
        },
    }


@dataclass(frozen=True)
class Statement:
    """A statement that was read, and of which a signature was accepted."""

    content: Mapping[str, Any]

    @staticmethod
    def read(payload: bytes) -> Statement:
        """Return the statement in a payload.

        Raises:
            ValueError: it is none that this library makes.
        """
        try:
            content = json.loads(payload)
            statement = Statement(content)
            types = (content["_type"], content["predicateType"], statement._build["buildType"])
            _ = statement.manifest_sha256, statement.source, statement.finished, statement.images
        except (KeyError, TypeError, AttributeError, StopIteration, UnicodeDecodeError) as error:
            raise ValueError(f"the provenance lacks {error}") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"the provenance is no JSON: {error}") from None
        if types != (STATEMENT_TYPE, PREDICATE_TYPE, BUILD_TYPE):
            raise ValueError(f"the provenance has the types {types}")
        return statement

    @property
    def _build(self) -> Mapping[str, Any]:
        build: Mapping[str, Any] = self.content["predicate"]["buildDefinition"]
        return build

    @property
    def manifest_sha256(self) -> str:
        """The digest of the manifest."""
        return next(
            str(each["digest"]["sha256"])
            for each in self.content["subject"]
            if each["name"] == MANIFEST
        )

    @property
    def source(self) -> tuple[str, str]:
        """The repository's address and the revision."""
        parameters = self._build["externalParameters"]
        return str(parameters["repository"]), str(parameters["revision"])

    @property
    def finished(self) -> datetime:
        """When it was sealed."""
        text = self.content["predicate"]["runDetails"]["metadata"]["finishedOn"]
        return datetime.fromisoformat(text)

    @property
    def images(self) -> dict[str, str]:
        """The digest of each container image, by its repository's address."""
        return {
            str(each["name"]): f"sha256:{each['digest']['sha256']}"
            for each in self.content["subject"]
            if each["name"] != MANIFEST
        }

    @property
    def sboms(self) -> dict[str, str]:
        """The SHA-256 of each SBOM, by its path."""
        return {
            str(each["name"]): str(each["digest"]["sha256"])
            for each in self.content["predicate"]["runDetails"].get("byproducts", ())
        }

    def source_differences(self, repository: str, revision: str) -> Iterator[str]:
        """Yield a line for what is not the source that is released."""
        for what, sealed, released in zip(
            ("repository", "revision"), self.source, (repository, revision), strict=True
        ):
            if sealed != released:
                yield f"the provenance states {what} {sealed}, and {released} is released"


def image_differences(images: Mapping[str, str], templates: Mapping[str, str]) -> Sequence[str]:
    """Return a line for each image of the build that a template names in another way.

    Args:
        images: the digest of each, by its repository's address.
        templates: the text of each template, by its path.
    """
    lines = []
    for path, text in sorted(templates.items()):
        for repository, digest in sorted(images.items()):
            rest = text.split(repository)[1:]
            if any(not each.startswith(f"@{digest}") for each in rest if each[:1] in (":", "@")):
                lines.append(f"{path} deploys {repository} by something else than {digest}")
    return lines
