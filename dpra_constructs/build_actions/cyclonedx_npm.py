"""Lists what a Node project is made of, with CycloneDX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import choices, output_name
from dpra_constructs.build_actions.locked_tools import npm_install
from dpra_constructs.build_actions.node_tool import NodeTool
from dpra_constructs.build_actions.npm_audit import kinds
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class CycloneDxNpm(NodeTool):
    """A CycloneDX SBOM of a Node project's installed packages (DPRA-BUILD-SBOM).

    It lists what `npm ci` installed, which is what a bundle is made of. It is kept as an
    output, with the files `npm.json` and `npm.xml`; for SPDX take `Syft` or `TrivySbom`. Source: https://github.com/CycloneDX/cyclonedx-node-npm

    Args:
        omit: kinds of dependencies that are not listed: dev, optional, peer; dev by default.
        formats: JSON, XML or both.
        output: the name of the output, and its folder.
        spec_version: of CycloneDX, 1.4 to 1.7.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(CycloneDxNpm(formats=["JSON"]).to_build_action().commands[1])
    ... # doctest: +NORMALIZE_WHITESPACE
    cyclonedx-npm --output-reproducible --spec-version 1.6 --omit dev --output-format JSON
      --output-file sbom/npm.json -- package.json
    """

    DEFAULT_NAME: ClassVar[str] = "Sbom"

    omit: Sequence[str] = option(("dev",), kinds)
    formats: Sequence[str] = option(("JSON", "XML"), choices("JSON", "XML"))
    output: str = option("sbom", output_name)
    spec_version: str = option("1.6", arguments.choice("1.4", "1.5", "1.6", "1.7"))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        omit = [word for each in self.omit for word in ("--omit", each)]
        return self.action(
            install=[
                # The tool's one native package only checks its XML, and takes long to compile.
                npm_install("cyclonedx-npm", scripts=False),
                self.npm_ci,
            ],
            commands=[
                f"mkdir -p {self.output}",
                *(
                    command(
                        "cyclonedx-npm --output-reproducible --spec-version",
                        [self.spec_version],
                        omit,
                        [
                            "--output-format",
                            each,
                            "--output-file",
                            f"{self.output}/npm.{each.lower()}",
                        ],
                        self.extra_arguments,
                        ["--", self.path("package.json")],
                    )
                    for each in self.formats
                ),
            ],
            outputs={self.output: self.output},
            meets=[Requirement.BUILD_SBOM],
        )
