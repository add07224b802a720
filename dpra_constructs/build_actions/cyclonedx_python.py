"""Lists what a built Python application is made of, with CycloneDX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.application_environment import in_application_environment
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.build_options import choices, output_name
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class CycloneDxPython(PythonTool):
    """A CycloneDX SBOM of the wheels that were built, and all they depend on (DPRA-BUILD-SBOM).

    The wheels are installed into an environment of their own, and the SBOM lists what is there, so
    it says what is deployed and not what the source wishes for. It is kept as an output, with
    the files `python.json` and `python.xml`; for SPDX take `Syft` or `TrivySbom`. Source: https://cyclonedx-bom-tool.readthedocs.io/

    Args:
        inputs: the outputs with the wheels, `dist` of `PythonBuild` by default.
        wheels: folders with wheels.
        requirement_files: what the wheels depend on, with hashes; `pip check` fails the build when
            something lacks.
        formats: JSON, XML or both.
        output: the name of the output, and its folder.
        spec_version: of CycloneDX, 1.4 to 1.7.
        pyproject: the pyproject.toml that names and describes the application in the SBOM.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(CycloneDxPython(formats=["JSON"]).to_build_action().commands[1].splitlines()[-2])
    ... # doctest: +NORMALIZE_WHITESPACE
    cyclonedx-py environment --output-reproducible --spec-version 1.6
      --output-format JSON --output-file sbom/python.json "$environment"
    """

    DEFAULT_NAME: ClassVar[str] = "Sbom"
    LOCK: ClassVar[str] = "cyclonedx-bom"

    inputs: Sequence[str] = option(("dist",), arguments.names)
    wheels: Sequence[str] = option(("dist",), arguments.relative_paths)
    requirement_files: Sequence[str] = option((), arguments.relative_paths)
    formats: Sequence[str] = option(("JSON", "XML"), choices("JSON", "XML"))
    output: str = option("sbom", output_name)
    spec_version: str = option("1.6", arguments.choice("1.4", "1.5", "1.6", "1.7"))
    pyproject: str | None = option(None, arguments.optional(arguments.relative_path))

    def check(self) -> None:
        """Refuse an SBOM of nothing."""
        if not self.wheels and not self.requirement_files:
            raise InvalidArgumentError(
                self.where,
                "wheels and requirement_files are empty, so that the SBOM would list nothing",
                'name what was built, like wheels=["dist"]',
            )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        options = [
            *("--spec-version", self.spec_version),
            *(("--pyproject", self.pyproject) if self.pyproject else ()),
        ]
        documents = [
            command(
                "cyclonedx-py environment --output-reproducible",
                options,
                ["--output-format", each, "--output-file", f"{self.output}/python.{each.lower()}"],
                self.extra_arguments,
            )
            + ' "$environment"'
            for each in self.formats
        ]
        return self.action(
            install=[self.tool],
            commands=[
                f"mkdir -p {self.output}",
                in_application_environment(
                    " &&\n".join(documents),
                    wheels=self.wheels,
                    requirement_files=self.requirement_files,
                ),
            ],
            outputs={self.output: self.output},
            meets=[Requirement.BUILD_SBOM],
        )
