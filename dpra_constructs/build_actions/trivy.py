"""Checks dependencies with Trivy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.trivy_tool import TrivyScan
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement

_RESULTS = "reports/trivy.xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trivy(TrivyScan):
    """Vulnerabilities and licences of dependencies, by Trivy (DPRA-BUILD-SCA).

    Checked against Trivy's documentation, not run. Source:
    https://trivy.dev/docs/latest/references/configuration/cli/trivy_filesystem/

    Args:
        path: the file or folder to scan; with `inputs` it holds what other actions built.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> action = Trivy(fail_on="critical", licences=False).to_build_action()
    >>> print(action.commands[0].splitlines()[3])
    ... # doctest: +NORMALIZE_WHITESPACE
    trivy filesystem --quiet --format json --output reports/trivy.json --scanners vuln
      --severity CRITICAL . || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "Sca"

    path: str = option(".", arguments.relative_path)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        what = command("", [*self.extra_arguments, self.path]).strip()
        return self.action(
            install=[self.tool],
            commands=[self.scan("filesystem", what, _RESULTS)],
            reports=[Report("dependencies", [_RESULTS])],
            meets=[Requirement.BUILD_SCA],
        )
