"""Writes a software bill of materials with Syft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import choices, output_name
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement

_FORMATS = {
    "cyclonedx": ("cyclonedx-json", "bom.cdx.json"),
    "spdx": ("spdx-json", "bom.spdx.json"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Syft(DownloadedTool):
    """A software bill of materials by Syft, kept as an output (DPRA-BUILD-SBOM).

    Checked against Syft's documentation, not run. Source: https://oss.anchore.com/docs/reference/syft/cli/

    Args:
        path: the folder to list; name what was built as `inputs`, and its folder here, so that
            the list is of what is deployed, and not of the source.
        formats: cyclonedx, spdx or both; the files are `bom.cdx.json` and `bom.spdx.json`.
        output: the name of the output, and its folder.
        configuration: Syft's configuration file; without it `.syft.yaml`, if there is one.
        subject: what the list calls that which it lists; without it the folder's name.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(Syft(path="dist", inputs=["dist"], formats=["spdx"]).to_build_action().commands[1])
    syft scan --output spdx-json=sbom/bom.spdx.json dir:dist
    """

    DEFAULT_NAME: ClassVar[str] = "Sbom"
    TOOL: ClassVar[str] = "syft"
    VERSION: ClassVar[str] = "1.54.0"
    # syft_1.54.0_checksums.txt of the release, as independent public installers repeat it (each
    # with the name of its file); for Intel Macs none was found.
    SHA256: ClassVar[Mapping[str, str]] = {
        "Linux-x86_64": "54a87372498168b2d033e876fd41fa4e8035b872699e525a57046e1f2f09c860",
        "Linux-aarch64": "ee6d4566373a05b344bc6b5f1706f14419bf9338ba39ff686e247deefe9b8818",
        "Darwin-arm64": "7e0bdad94c569fc6d5785c9a657bbae3d4c4e140ccb5eace3d0b5b6bc2b6dbcf",
    }
    ADDRESSES: ClassVar[Mapping[str, str]] = {
        platform: "https://github.com/anchore/syft/releases/download/v{version}/"
        f"syft_{{version}}_{name}.tar.gz"
        for platform, name in {
            "Linux-x86_64": "linux_amd64",
            "Linux-aarch64": "linux_arm64",
            "Darwin-x86_64": "darwin_amd64",
            "Darwin-arm64": "darwin_arm64",
        }.items()
    }

    path: str = option(".", arguments.relative_path)
    formats: Sequence[str] = option(("cyclonedx", "spdx"), choices(*_FORMATS))
    output: str = option("sbom", output_name)
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))
    subject: str | None = option(None, arguments.optional(arguments.text))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        options = [
            *(["--config", self.configuration] if self.configuration else []),
            *(["--source-name", self.subject] if self.subject else []),
            *(
                word
                for name, file in (_FORMATS[each] for each in self.formats)
                for word in ("--output", f"{name}={self.output}/{file}")
            ),
            *self.extra_arguments,
        ]
        return self.action(
            install=[self.tool],
            commands=[
                f"mkdir -p {self.output}",
                command("syft scan", options, [f"dir:{self.path}"]),
            ],
            environment={"SYFT_CHECK_FOR_APP_UPDATE": "false"},
            outputs={self.output: self.output},
            meets=[Requirement.BUILD_SBOM],
        )
