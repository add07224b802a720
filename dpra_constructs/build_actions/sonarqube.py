"""Analyses code with SonarQube."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

_SECRET_ARGUMENT = re.compile(r"(-t|--token|--sonar-token|-Dsonar\.(token|login|password))\b.*")


@dataclass(frozen=True, kw_only=True, slots=True)
class SonarQube(PythonTool):
    """Static analysis by SonarQube Server or Cloud; its quality gate fails (DPRA-BUILD-QUALITY).

    The scanner is SonarSource's pysonar, which analyses every language of the server; it fetches
    its engine, and Java, from that server. The results stand there and not in a CodeBuild report.
    As it needs a server, this was not run against one: its options were checked against pysonar
    itself. Source: https://docs.sonarsource.com/sonarqube-server/analyzing-source-code/scanners/

    Args:
        host_url: the server's address, like `https://sonar.acme.example`.
        project_key: of the project on the server.
        token: where the token for analyses is kept.
        organization: for SonarQube Cloud, which needs it.
        sources: files or folders with code; without it as the project's configuration says.
        tests: files or folders with tests; without it as the project's configuration says.
        coverage: Cobertura reports of Python code, usually with `inputs`.
        quality_gate_timeout_seconds: how long to wait for the quality gate; 1 to 3600.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> sonar = SonarQube(host_url="https://sonar.acme.example", project_key="fruit",
    ...     token=SecretsManagerSecret("acme/sonar", json_key="token"))
    >>> print(sonar.to_build_action().commands[0]) # doctest: +NORMALIZE_WHITESPACE
    pysonar --sonar-host-url https://sonar.acme.example --sonar-project-key fruit
      --sonar-qualitygate-wait --sonar-qualitygate-timeout 300
    """

    DEFAULT_NAME: ClassVar[str] = "CodeQuality"
    LOCK: ClassVar[str] = "pysonar"

    host_url: str = needed(
        arguments.matching(r"https://\S+", "an https address", "https://sonar.acme.example")
    )
    project_key: str = needed(
        # https://docs.sonarsource.com/sonarqube-server/analyzing-source-code/analysis-parameters/
        arguments.matching(
            r"(?=.*\D)[\w.:-]{1,400}",
            "a project key: letters, digits and - _ . : with at least one that is no digit",
            "acme_fruit",
        )
    )
    token: SecretsManagerSecret | SecureParameter = needed(secret)
    organization: str | None = option(None, arguments.optional(arguments.text))
    sources: Sequence[str] = option((), arguments.relative_paths)
    tests: Sequence[str] = option((), arguments.relative_paths)
    coverage: Sequence[str] = option((), arguments.relative_paths)
    quality_gate_timeout_seconds: int = option(300, arguments.count(1, 3600))

    def check(self) -> None:
        """Refuse a token as an argument."""
        for each in self.extra_arguments:
            if _SECRET_ARGUMENT.fullmatch(each):
                raise InvalidArgumentError(
                    self.where,
                    f"extra_arguments has {each.partition('=')[0]}, and what stands there is seen "
                    "in the template and the log",
                    'refer to it: token=SecureParameter("/acme/sonar-token")',
                )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        options = {
            "--sonar-host-url": self.host_url,
            "--sonar-project-key": self.project_key,
            "--sonar-organization": self.organization,
            "--sonar-sources": ",".join(self.sources),
            "--sonar-tests": ",".join(self.tests),
            "--sonar-python-coverage-report-paths": ",".join(self.coverage),
        }
        gate = [
            *("--sonar-qualitygate-wait", "--sonar-qualitygate-timeout"),
            str(self.quality_gate_timeout_seconds),
        ]
        given = [word for name, value in options.items() if value for word in (name, value)]
        return self.action(
            install=[self.tool],
            secrets={"SONAR_TOKEN": self.token},
            commands=[command("pysonar", given, gate, self.extra_arguments)],
            meets=[Requirement.BUILD_QUALITY],
        )
