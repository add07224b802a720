"""Reads which container image a build pushed, so that it is deployed by its digest."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from dpra_constructs.errors import InvalidArgumentError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PushedImage:
    """A container image that `EcrPush` built, scanned and pushed once.

    Args:
        repository: the repository's name, like `acme/fruit`.
        digest: `sha256:` and 64 digits, which name these very bytes.
        uri: the repository's address and the digest, as a container runtime takes it.
    """

    repository: str
    digest: str
    uri: str


def pushed_image(text: str) -> PushedImage:
    """Return what the file `image.json` in the output of `EcrPush` says (DPRA-BUILD-PACKAGE).

    The application reads the file when it is synthesized, and gives the digest to its containers.
    Outside the pipeline there is no such file, and the application decides what stands for it.

    Args:
        text: the file's content.

    Raises:
        InvalidArgumentError: the text is not what `EcrPush` writes.

    >>> pushed_image('{"repository": "fruit", "digest": "sha256:' + "0" * 64 + '", '
    ...     '"uri": "111111111111.dkr.ecr.us-west-2.amazonaws.com/fruit@sha256:' + "0" * 64 + '"}'
    ... ).repository
    'fruit'
    """
    fix = "give the content of image.json, which EcrPush writes into its output"
    try:
        read = json.loads(text)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError("pushed_image", f"text is not JSON: {error}", fix) from None
    if not isinstance(read, dict) or read.keys() != {"repository", "digest", "uri"}:
        raise InvalidArgumentError(
            "pushed_image", "text has not exactly repository, digest and uri", fix
        )
    repository, digest, uri = str(read["repository"]), str(read["digest"]), str(read["uri"])
    if not _DIGEST.fullmatch(digest):
        raise InvalidArgumentError(
            "pushed_image", f"digest={digest!r} is not sha256: and 64 digits of 0-9 a-f", fix
        )
    if not uri.endswith(f"/{repository}@{digest}"):
        raise InvalidArgumentError(
            "pushed_image", f"uri={uri!r} does not end with /{repository}@{digest}", fix
        )
    return PushedImage(repository=repository, digest=digest, uri=uri)
