"""A fault that the environment has to survive, as a value."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement
from dpra_constructs.test_actions.deployed_test import checked_outputs

if TYPE_CHECKING:
    from aws_cdk import Duration

_TEMPLATE = arguments.matching(
    r"EXT[A-Za-z0-9]{1,61}", "the id of an experiment template of AWS FIS", "EXT1a2b3c4d5e6f7"
)


@dataclass(frozen=True, slots=True)
class FaultInjection:
    """An experiment of AWS Fault Injection Service under load (DPRA-GAMMA-RESILIENCE).

    Runs from the pipeline in the environment's account and region. The template has to have the
    region's health alarm as a stop condition, as `stop_condition` gives it.
    Source: https://docs.aws.amazon.com/fis/latest/userguide/experiments.html

    Args:
        template: the experiment template's id, the same in each region, or the id of the
            `CfnOutput` that gives it, as `output=`.
        output: the `CfnOutput` with the template's id, where it is made by the application.
        name: the action's name in the pipeline.
        timeout: how long the experiment may take, 1 minute to 8 hours, in whole minutes.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import Duration
    >>> FaultInjection("EXT1a2b3c4d5e6f7", timeout=Duration.minutes(20)).timeout_minutes
    20
    """

    MEETS: ClassVar[tuple[Requirement, ...]] = (Requirement.GAMMA_RESILIENCE,)

    template: str | None = None
    _: KW_ONLY
    output: str | None = None
    name: str = "FaultInjection"
    timeout: Duration = field(compare=False, repr=False)
    timeout_minutes: int = field(init=False)

    def __post_init__(self) -> None:
        """Check the values."""
        where = f'FaultInjection "{self.name}"'
        arguments.name(where, self.name)
        if (self.template is None) == (self.output is None):
            raise InvalidArgumentError(
                where,
                "exactly one of template and output is needed",
                'write it like FaultInjection("EXT1a2b3c4d5e6f7", ...) or output="TemplateId"',
            )
        arguments.optional(_TEMPLATE)(where, "template", self.template)
        if self.output is not None:
            checked_outputs(where, "output", {"TEMPLATE": self.output})
        minutes = arguments.whole(where, "timeout", self.timeout, at_least=1, at_most=8 * 60)
        object.__setattr__(self, "timeout_minutes", minutes)

    @staticmethod
    def stop_condition(alarm_arn: str) -> dict[str, str]:
        """Return the stop condition of an experiment template, in CloudFormation's names.

        >>> FaultInjection.stop_condition("arn:aws:cloudwatch:us-west-2:3:alarm:a")["Source"]
        'aws:cloudwatch:alarm'
        """
        return {"Source": "aws:cloudwatch:alarm", "Value": alarm_arn}

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What the role that runs it needs in the environment's account."""
        own = "arn:{partition}:fis:{region}:{account}"
        template = self.template or "*"
        return (
            Permission(
                actions=["fis:StartExperiment"],
                resources=[f"{own}:experiment-template/{template}", f"{own}:experiment/*"],
                reason="AWS FIS makes the id of an experiment when it starts, and of a template "
                "when it is deployed",
            ),
            Permission(
                actions=["fis:GetExperiment", "fis:StopExperiment"],
                resources=[f"{own}:experiment/*"],
                reason="AWS FIS makes the id of an experiment when it starts",
            ),
        )
