"""Measures the capacity of a deployed stack with Locust."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.python_tool import PythonTool
from dpra_constructs.build_actions.shell import command
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.requirements import Requirement
from dpra_constructs.test_actions.on_deployed_stack import OnDeployedStack
from dpra_constructs.test_actions.thresholds import Thresholds

if TYPE_CHECKING:
    from aws_cdk import Duration

_PREFIX = "reports/locust"


@dataclass(frozen=True, slots=True)
class Locust(OnDeployedStack, PythonTool):
    """A load test by Locust (DPRA-GAMMA-PERFORMANCE).

    The stack's address comes as `outputs={"LOCUST_HOST": "ApiUrl"}`.
    Source: https://docs.locust.io/en/stable/configuration.html

    Args:
        file: the locustfile.
        users: how many users at once, 1 to 100,000.
        run_time: how long, in whole seconds, 10 seconds to 8 hours.
        spawn_rate: how many users begin in a second.
        thresholds: what fails the test; without it more than 1 % of failed requests.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import Duration
    >>> load = Locust("tests/load.py", users=300, run_time=Duration.minutes(5),
    ...     outputs={"LOCUST_HOST": "ApiUrl"})
    >>> load.to_deployed_test().command[1].split(" --csv")[0]
    'locust --headless --locustfile tests/load.py --users 300 --spawn-rate 10 --run-time 300s'
    """

    DEFAULT_NAME: ClassVar[str] = "LoadTest"
    LOCK: ClassVar[str] = "locust"

    file: str = needed(arguments.relative_path)
    _: KW_ONLY
    users: int = needed(arguments.count(1, 100_000))
    run_time: Duration = field(compare=False, repr=False)
    spawn_rate: int = option(10, arguments.count(1, 10_000))
    thresholds: Thresholds = option(Thresholds(error_percent=1), arguments.optional(Thresholds))
    run_seconds: int = field(init=False)

    def check(self) -> None:
        """Read the duration."""
        seconds = arguments.whole(
            self.where, "run_time", self.run_time, at_least=10, at_most=8 * 3600, unit="seconds"
        )
        object.__setattr__(self, "run_seconds", seconds)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        what = ["--locustfile", self.file, "--users", str(self.users)]
        how = ["--spawn-rate", str(self.spawn_rate), "--run-time", f"{self.run_seconds}s"]
        # Failed requests fail the test by the threshold, and not each by itself.
        results = ["--csv", _PREFIX, "--only-summary", "--exit-code-on-error", "0"]
        return self.action(
            install=[self.tool],
            commands=[
                "mkdir -p reports",
                command("locust --headless", what, how, results, self.extra_arguments),
                self.thresholds.command("locust", f"{_PREFIX}_stats.csv"),
            ],
            reports=[self.thresholds.report],
            meets=[Requirement.GAMMA_PERFORMANCE],
        )
