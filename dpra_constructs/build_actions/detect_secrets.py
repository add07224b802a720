"""Finds secrets in the source with detect-secrets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.findings_report import report_of, with_report
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import option
from dpra_constructs.requirements import Requirement

# Without git, detect-secrets would scan no file, warn and succeed.
_FILES = (
    "$(git rev-parse --is-inside-work-tree >/dev/null 2>&1 "
    "|| echo --all-files --exclude-files ^reports/)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectSecrets(PythonTool):
    """Secrets in the source, found by Yelp's detect-secrets (DPRA-BUILD-SECRETS).

    Any secret fails the build. Log and report say place and kind, never the secret; and as no
    candidate is sent anywhere to try whether it works, none is known to be harmless: a false one
    gets the comment `pragma: allowlist secret`, or stands in a baseline.
    Source: https://github.com/Yelp/detect-secrets

    Args:
        paths: files or folders to scan, at least one; of a git repository what is tracked.
        exclude: regular expressions of files not to scan.
        baseline: a file that `detect-secrets scan` wrote; its secrets are no findings, unless
            `detect-secrets audit` marked one as real. It also says which plugins run.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> print(DetectSecrets(exclude=["^tests/data/"]).to_build_action().commands[0])
    ... # doctest: +ELLIPSIS, +NORMALIZE_WHITESPACE
    mkdir -p reports
    ...
    detect-secrets scan --no-verify --exclude-files '^tests/data/' $(git rev-parse ...) .
      >reports/detect-secrets.json || status=$?
    ...
    """

    DEFAULT_NAME: ClassVar[str] = "Secrets"
    LOCK: ClassVar[str] = "detect-secrets"

    paths: Sequence[str] = option((".",), arguments.some_relative_paths)
    exclude: Sequence[str] = option((), arguments.texts)
    baseline: str | None = option(None, arguments.optional(arguments.relative_path))

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        results = "reports/detect-secrets.json"
        # The hashes in the baseline would be taken for secrets.
        own = [f"^{re.escape(self.baseline.removeprefix('./'))}$"] if self.baseline else []
        options = [word for each in [*own, *self.exclude] for word in ("--exclude-files", each)]
        scan = command("detect-secrets scan --no-verify", options, self.extra_arguments)
        paths = command("", self.paths)
        if self.baseline:
            # A scan writes into the baseline that it is given.
            copy = f"cp {shlex.quote(self.baseline)} {results}"
            run = f"{copy} && {scan} --baseline {results} {_FILES}{paths}"
        else:
            run = f"{scan} {_FILES}{paths} >{results}"
        return self.action(
            install=[self.tool],
            commands=[
                with_report(
                    run,
                    tool="detect-secrets",
                    reader="detect_secrets",
                    source=results,
                    options=[self.baseline] if self.baseline else [],
                )
            ],
            reports=[Report("secrets", [report_of("detect-secrets")])],
            meets=[Requirement.BUILD_SECRETS],
        )
