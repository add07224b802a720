"""Finds known vulnerabilities and licence violations with Snyk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.locked_tools import npm_install
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, needed, option
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement


@dataclass(frozen=True, kw_only=True, slots=True)
class Snyk(TypedAction):
    """Vulnerabilities and licences of dependencies, checked by Snyk Open Source (DPRA-BUILD-SCA).

    npm installs Snyk's locked package, which fetches its program from Snyk and checks it by the
    SHA-256 in that package. Licences are judged by the policy of the Snyk organization. As it needs
    an account, this was not run against the service: its options were checked against Snyk's own
    help. Most package managers need the dependencies installed before: use `install`.
    Source: https://docs.snyk.io/developer-tools/snyk-cli/commands/test

    Args:
        token: where the API token is kept.
        severity_threshold: the lowest severity that fails: low, medium, high or critical.
        fail_on: all (fails when something can be fixed at all), upgradable or patchable; without it
            whatever is found.
        manifest: the manifest file, like `requirements.txt`; without it Snyk finds one.
        all_projects: test every project that Snyk finds in the repository.
        organization: of Snyk; without it the token's own.
        policy: the folder of a `.snyk` file with what is ignored, and why.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> token = SecureParameter("/acme/snyk")
    >>> print(Snyk(token=token).to_build_action().commands[0].splitlines()[3])
    ... # doctest: +NORMALIZE_WHITESPACE
    snyk test --severity-threshold=high --sarif-file-output=reports/snyk.sarif || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "Sca"

    token: SecretsManagerSecret | SecureParameter = needed(secret)
    severity_threshold: str = option("high", arguments.choice("low", "medium", "high", "critical"))
    fail_on: str | None = option(
        None, arguments.optional(arguments.choice("all", "upgradable", "patchable"))
    )
    manifest: str | None = option(None, arguments.optional(arguments.relative_path))
    all_projects: bool = option(False, arguments.flag)
    organization: str | None = option(None, arguments.optional(arguments.text))
    policy: str | None = option(None, arguments.optional(arguments.relative_path))

    def check(self) -> None:
        """Refuse one manifest among all."""
        if self.manifest and self.all_projects:
            raise InvalidArgumentError(
                self.where,
                f"manifest={self.manifest!r} is given, and all_projects=True tests every one",
                "leave one of them out",
            )
        for each in self.extra_arguments:
            if re.match(r"--token\b", each):
                raise InvalidArgumentError(
                    self.where,
                    "extra_arguments has --token, and what stands there is seen in the template "
                    "and the log",
                    'refer to it: token=SecureParameter("/acme/snyk-token")',
                )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        results = "reports/snyk.sarif"
        options = {
            "--severity-threshold": self.severity_threshold,
            "--fail-on": self.fail_on,
            "--file": self.manifest,
            "--org": self.organization,
            "--policy-path": self.policy,
            "--sarif-file-output": results,
        }
        given = [f"{name}={value}" for name, value in options.items() if value]
        everything = ["--all-projects"] if self.all_projects else []
        return self.action(
            install=[npm_install("snyk")],
            secrets={"SNYK_TOKEN": self.token},
            commands=[
                with_report(
                    command("snyk test", given, everything, self.extra_arguments),
                    tool="snyk",
                    reader="sarif",
                    source=results,
                )
            ],
            reports=[Report("sca", [report_of("snyk")])],
            meets=[Requirement.BUILD_SCA],
        )
