"""Runs unit tests of Go packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.build_options import only_with_coverage, runtime_version
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import TypedAction, option
from dpra_constructs.requirements import Requirement

# https://github.com/gotestyourself/gotestsum, https://github.com/boumenot/gocover-cobertura
_GOTESTSUM = "gotest.tools/gotestsum@v1.13.0"
_GOCOVER = "github.com/boumenot/gocover-cobertura@v1.4.0"
_RESULTS = "reports/go-test.xml"
_PROFILE = "reports/coverage.out"
_COVERAGE = "reports/coverage.xml"


def go_install(*modules: str) -> str:
    """Return the command that installs Go programs, each checked by Go's checksum database.

    Settings that would skip the check are emptied. Source:
    https://go.dev/ref/mod#checksum-database
    """
    settings = "GOFLAGS= GOPRIVATE= GONOSUMDB= GOINSECURE= GOSUMDB=sum.golang.org"
    return "\n".join(
        [
            'GOBIN="${DPRA_TOOLS:-$HOME/.dpra}/go/bin"',
            'export GOBIN PATH="$GOBIN:$PATH"',
            " && ".join(command(f"{settings} go install", [module]) for module in modules),
        ]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class GoTest(TypedAction):
    """Unit tests by `go test`, published as a report (DPRA-BUILD-UNIT-TESTS).

    gotestsum writes the results, and gocover-cobertura the coverage as Cobertura's XML. Checked
    against their documentation, not run. Source: https://pkg.go.dev/cmd/go#hdr-Testing_flags and
    https://github.com/gotestyourself/gotestsum

    Args:
        packages: packages whose tests run, at least one.
        race: also find data races; needs a C compiler, which the build image has.
        coverage: measure and publish the coverage.
        minimum_coverage_percent: less coverage of statements fails the build; 1 to 100, needs
            `coverage`.
        go: the image's Go, like `1.25`; without it the image's own default.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> for command in GoTest(coverage=False).to_build_action().commands:
    ...     print(command)
    mkdir -p reports
    gotestsum --junitfile reports/go-test.xml -- ./...
    """

    DEFAULT_NAME: ClassVar[str] = "UnitTests"

    packages: Sequence[str] = option(("./...",), arguments.some_relative_paths)
    race: bool = option(False, arguments.flag)
    coverage: bool = option(True, arguments.flag)
    minimum_coverage_percent: int | None = option(None, arguments.optional(arguments.count(1, 100)))
    go: str | None = option(None, runtime_version)

    def check(self) -> None:
        """Refuse a minimum of what is not measured."""
        only_with_coverage(self.where, self.minimum_coverage_percent, self.coverage)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        flags = [
            *(["-race"] if self.race else []),
            *([f"-coverprofile={_PROFILE}"] if self.coverage else []),
        ]
        commands = [
            "mkdir -p reports",
            command(
                f"gotestsum --junitfile {_RESULTS} --", flags, self.extra_arguments, self.packages
            ),
        ]
        reports = [Report("unit-tests", [_RESULTS])]
        if self.coverage:
            commands.append(f"gocover-cobertura <{_PROFILE} >{_COVERAGE}")
            reports.append(Report("coverage", [_COVERAGE], format="COBERTURAXML"))
        if self.minimum_coverage_percent is not None:
            # The last line of the tool says the total: "total: (statements) 81.3%".
            commands.append(
                f"go tool cover -func={_PROFILE} | awk -v minimum={self.minimum_coverage_percent} "
                '\'/^total:/ { print; covered = $NF; sub(/%/, "", covered) } '
                "END { exit covered + 0 < minimum }'"
            )
        return self.action(
            install=[go_install(_GOTESTSUM, *([_GOCOVER] if self.coverage else []))],
            commands=commands,
            reports=reports,
            runtime_versions={"golang": self.go} if self.go else {},
            meets=[Requirement.BUILD_UNIT_TESTS],
        )
