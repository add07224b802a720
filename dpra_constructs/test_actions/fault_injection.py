"""A fault that the environment has to survive, as a value."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import Report
from dpra_constructs.build_actions.inlined_python import ISOLATED, here_document, runtime_source
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.shell import command
from dpra_constructs.requirements import Requirement
from dpra_constructs.test_actions.deployed_test import DeployedTest

if TYPE_CHECKING:
    from aws_cdk import Duration

_RUNTIME = Path(__file__).parent / "runtime"
_REPORT = "reports/fault-injection.xml"


@dataclass(frozen=True, slots=True)
class FaultInjection:
    """An experiment of AWS Fault Injection Service under load (DPRA-GAMMA-RESILIENCE).

    Runs beside the load tests, in each region of the environment, and fails when the experiment
    does not complete or the region's `DeploymentHealth` turns red. Never runs in a rollback. The
    application makes the experiment: a `FaultInjectionExperiment` of `dpra_constructs.resilience`.
    Source: https://docs.aws.amazon.com/fis/latest/userguide/experiments.html

    Args:
        experiment: the id of the application's `FaultInjectionExperiment`.
        name: the action's name in the pipeline.
        timeout: how long the experiment may take, 1 minute to 7 hours, in whole minutes; one that
            takes longer is stopped, and fails.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import Duration
    >>> FaultInjection("SlowTable", timeout=Duration.minutes(20)).timeout_minutes
    20
    """

    MEETS: ClassVar[tuple[Requirement, ...]] = (Requirement.GAMMA_RESILIENCE,)

    experiment: str
    _: KW_ONLY
    name: str = "FaultInjection"
    timeout: Duration = field(compare=False, repr=False)
    timeout_minutes: int = field(init=False)

    def __post_init__(self) -> None:
        """Check the values."""
        where = f'FaultInjection "{self.name}"'
        arguments.name(where, self.name)
        arguments.name(where, self.experiment, "experiment")
        minutes = arguments.whole(where, "timeout", self.timeout, at_least=1, at_most=7 * 60)
        object.__setattr__(self, "timeout_minutes", minutes)

    def in_region(self, region: str, *, role_arn: str, alarm: str, output: str) -> DeployedTest:
        """Return the test that runs it in one region.

        Args:
            region: the region.
            role_arn: of the environment's role that may start it; `{partition}` is filled in.
            alarm: the name of the region's health alarm.
            output: the id of the `CfnOutput` with the template's id.
        """
        partition, _, rest = role_arn.removeprefix("arn:").partition(":")
        assert partition == "{partition}"
        given = command(
            ISOLATED,
            [self.name, _REPORT, f"--region={region}", f"--alarm={alarm}"],
            [f"--minutes={self.timeout_minutes}"],
        )
        source = "".join(
            runtime_source(program, _RUNTIME) for program in ("environment_cli", "fault_injection")
        )
        # The build knows its partition by its own ARN.
        role = f'--role="arn:$(echo "$CODEBUILD_BUILD_ARN" | cut -d: -f2):{rest}"'
        return DeployedTest(
            here_document(f"{given} {role}", source),
            name=self.name,
            outputs={"FIS_TEMPLATE": output},
            reports=[Report("resilience", [_REPORT])],
            permissions=[Permission(actions=["sts:AssumeRole"], resources=[role_arn])],
            meets=self.MEETS,
        )
