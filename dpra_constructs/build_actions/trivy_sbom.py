"""Writes a software bill of materials with Trivy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import choices, output_name
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.trivy_tool import TrivyTool
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement

_FORMATS = {"cyclonedx": ("cyclonedx", "bom.cdx.json"), "spdx": ("spdx-json", "bom.spdx.json")}


@dataclass(frozen=True, kw_only=True, slots=True)
class TrivySbom(TrivyTool):
    """A software bill of materials by Trivy, kept as an output (DPRA-BUILD-SBOM).

    Checked against Trivy's documentation, not run. Source:
    https://trivy.dev/docs/latest/supply-chain/sbom/

    Args:
        path: the file or folder to list; name what was built as `inputs`, and its folder here, so
            that the list is of what is deployed, and not of the source.
        formats: cyclonedx, spdx or both; the files are `bom.cdx.json` and `bom.spdx.json`.
        output: the name of the output, and its folder.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in TrivySbom(path="dist", inputs=["dist"]).to_build_action().commands:
    ...     print(command)
    mkdir -p sbom
    trivy filesystem --quiet --format cyclonedx --output sbom/bom.cdx.json dist
    trivy filesystem --quiet --format spdx-json --output sbom/bom.spdx.json dist
    """

    DEFAULT_NAME: ClassVar[str] = "Sbom"

    path: str = option(".", arguments.relative_path)
    formats: Sequence[str] = option(("cyclonedx", "spdx"), choices(*_FORMATS))
    output: str = option("sbom", output_name)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        return self.action(
            install=[self.tool],
            commands=[
                f"mkdir -p {self.output}",
                *(
                    command(
                        f"trivy filesystem --quiet --format {name} --output",
                        [f"{self.output}/{file}"],
                        self.extra_arguments,
                        [self.path],
                    )
                    for name, file in (_FORMATS[each] for each in self.formats)
                ),
            ],
            outputs={self.output: self.output},
            meets=[Requirement.BUILD_SBOM],
        )
