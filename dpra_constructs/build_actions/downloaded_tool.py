"""What the typed actions share whose tool is downloaded from its publisher."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.locked_tools import Download, download
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.errors import InvalidArgumentError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = arguments.matching(r"\d+(\.\d+)+[\w.+-]*", "a version", "1.54.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadedTool(TypedAction):
    """A typed action whose tool is downloaded in one version and checked by its SHA-256.

    Args:
        version: another version of the tool than this library pins; needs `sha256`.
        sha256: of that version's files, as the publisher states them, by `uname -s`-`uname -m`
            like `Linux-x86_64`, `Linux-aarch64` or `Darwin-arm64`, or `*` where one file is for
            all of them.
    """

    TOOL: ClassVar[str]
    #: The pinned version; "" where no hash by its publisher was found, so both have to be given.
    VERSION: ClassVar[str]
    SHA256: ClassVar[Mapping[str, str]]
    #: Where each platform's file is, with `{version}`.
    ADDRESSES: ClassVar[Mapping[str, str]]

    version: str | None = option(None, arguments.optional(_VERSION))
    sha256: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse a version without hashes, and hashes of no platform."""
        checked = _hashes(self.where, self.sha256, self.ADDRESSES)
        object.__setattr__(self, "sha256", checked)
        if self.version is None and not self.VERSION:
            raise InvalidArgumentError(
                self.where,
                f"version and sha256 are missing, and this library pins no {self.TOOL}, as no "
                "hash by its publisher was found",
                f'give both, like version="1.2.3", sha256={{"{next(iter(self.ADDRESSES))}": '
                '"..."}',
            )
        if (self.version is None) != (not checked):
            missing, given = ("sha256", "version") if self.version else ("version", "sha256")
            raise InvalidArgumentError(
                self.where,
                f"{given} is given, and {missing} is not",
                "give both: the version, and the SHA-256 that its publisher states",
            )

    @property
    def tool(self) -> str:
        """The command that downloads the tool."""
        version, hashes = self.version or self.VERSION, self.sha256 or self.SHA256
        return download(
            self.TOOL,
            {
                platform: Download(self.ADDRESSES[platform].format(version=version), value)
                for platform, value in hashes.items()
            },
        )


def _hashes(where: str, given: object, addresses: Mapping[str, Any]) -> Mapping[str, str]:
    platform = next(iter(addresses))
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(
            where,
            f"sha256={arguments.shown(given)} is not a mapping of platforms to hashes",
            f'write it like sha256={{"{platform}": "..."}}',
        )
    for key, value in given.items():
        if key not in addresses:
            raise InvalidArgumentError(
                where,
                f"sha256 has {arguments.shown(key)}, and the tool is not known for that platform",
                f"choose of {', '.join(addresses)}",
            )
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            raise InvalidArgumentError(
                where,
                f"sha256[{key!r}]={arguments.shown(value)} is not a SHA-256: 64 digits of 0-9 a-f",
                "copy it from the checksums that the publisher states",
            )
    return MappingProxyType(dict(given))
