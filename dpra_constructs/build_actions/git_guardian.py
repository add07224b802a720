"""Finds secrets in the source with GitGuardian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.findings_report import report_of, with_report
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


@dataclass(frozen=True, kw_only=True, slots=True)
class GitGuardian(PythonTool):
    """Secrets in the source or in all of its history, found by ggshield (DPRA-BUILD-SECRETS).

    Any secret fails the build. Log and report say place and kind, never the secret. ggshield sends
    the files to GitGuardian's service; as that needs an account, this was not run against it: its
    options were checked against ggshield itself. Source: https://docs.gitguardian.com/ggshield-docs

    Args:
        token: where the API key with the scope `scan` is kept.
        paths: files or folders to scan, at least one.
        history: scan every commit instead of the files of this one.
        exclude: glob patterns of paths not to scan.
        configuration: a file like .gitguardian.yaml; without it ggshield looks for one.
        instance: the address of a GitGuardian of your own; without it the public one.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> token = SecureParameter("/acme/gitguardian")
    >>> print(GitGuardian(token=token).to_build_action().commands[0].splitlines()[3])
    ... # doctest: +NORMALIZE_WHITESPACE
    ggshield --no-check-for-updates secret scan path --recursive --yes --use-gitignore
      --format sarif --output reports/ggshield.sarif . || status=$?
    """

    DEFAULT_NAME: ClassVar[str] = "Secrets"
    LOCK: ClassVar[str] = "ggshield"

    token: SecretsManagerSecret | SecureParameter = needed(secret)
    paths: Sequence[str] = option((".",), arguments.some_relative_paths)
    history: bool = option(False, arguments.flag)
    exclude: Sequence[str] = option((), arguments.texts)
    configuration: str | None = option(None, arguments.optional(arguments.relative_path))
    instance: str | None = option(
        None,
        arguments.optional(
            arguments.matching(
                r"https://\S+", "an https address", "https://gitguardian.acme.example"
            )
        ),
    )

    def check(self) -> None:
        """Refuse what would show secrets, and paths that a scan of the history has not."""
        if "--show-secrets" in self.extra_arguments:
            raise InvalidArgumentError(
                self.where,
                "extra_arguments has --show-secrets, which writes secrets into the log",
                "remove it",
            )
        if self.history and self.paths != (".",):
            raise InvalidArgumentError(
                self.where,
                "paths is given, and history=True scans every commit as a whole",
                "leave one of them out",
            )

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        results = "reports/ggshield.sarif"
        configuration = ["--config-path", self.configuration] if self.configuration else []
        instance = ["--instance", self.instance] if self.instance else []
        kind = "repo" if self.history else "path --recursive --yes --use-gitignore"
        options = [word for each in self.exclude for word in ("--exclude", each)]
        ggshield = command("ggshield --no-check-for-updates", configuration, instance)
        scan = f"{ggshield} secret scan {kind} --format sarif --output {results}"
        return self.action(
            install=[self.tool],
            secrets={"GITGUARDIAN_API_KEY": self.token},
            commands=[
                with_report(
                    command(scan, options, self.extra_arguments, self.paths),
                    tool="ggshield",
                    reader="sarif",
                    source=results,
                    options=["hidden"],
                )
            ],
            reports=[Report("secrets", [report_of("ggshield")])],
            meets=[Requirement.BUILD_SECRETS],
        )
