"""The `Bake` action of a pipeline stage, as a value: what its function is told, and needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.environments.wave import LONGEST_BAKE_MINUTES
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.pipeline_permissions import JOB_RESULTS, resource_of
from dpra_constructs.release.runtime import names

# The value of an action's configuration, and with it UserParameters, has at most so many
# characters: names and ARNs of 25 regions would not fit, so both sides make them by `names`.
LONGEST_USER_PARAMETERS = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class BakeAction:
    """Watches the health of the regions of one pipeline stage (DPRA-PROD-WAVES).

    Args:
        pipeline: the pipeline's name.
        stage: the pipeline stage, whose last action it is.
        environment: the environment's name.
        account: the environment's account.
        regions: those of the stage, at least one.
        bake_minutes: how long it watches, up to 23 hours.
        settle_minutes: the longest `DeploymentHealth.settle_minutes` of the regions, inside
            the bake.

    Raises:
        InvalidArgumentError: a value is not one of those, the bake is shorter than it takes to
            settle, or there are more regions than CodePipeline can be told.

    >>> BakeAction(pipeline="fruit-api", stage="Prod-one-box", environment="prod",
    ...     account="444444444444", regions=["us-west-2"], bake_minutes=60,
    ...     settle_minutes=7).gate_role_arns("aws")
    ('arn:aws:iam::444444444444:role/fruit-api-prod-us-west-2-gate',)
    """

    pipeline: str
    stage: str
    environment: str
    account: str
    regions: Sequence[str]
    bake_minutes: int
    settle_minutes: int

    def __post_init__(self) -> None:
        """Check the values and freeze the regions."""
        where = f'Bake of "{self.stage}"'
        arguments.pipeline_stage_name(where, self.pipeline)
        arguments.pipeline_stage_name(where, self.stage)
        arguments.name(where, self.environment, "environment")
        arguments.account_id(where, self.account)
        object.__setattr__(self, "regions", arguments.regions(where, self.regions))
        if not self.regions:
            raise InvalidArgumentError(where, "regions is empty", 'name one, like ["us-west-2"]')
        minutes = arguments.count(1, LONGEST_BAKE_MINUTES)
        minutes(where, "bake_minutes", self.bake_minutes)
        minutes(where, "settle_minutes", self.settle_minutes)
        if self.bake_minutes < self.settle_minutes:
            raise InvalidArgumentError(
                where,
                f"it takes {self.bake_minutes} minutes, and its alarms need {self.settle_minutes} "
                "to show a new version",
                f"bake for {self.settle_minutes} minutes at least, or watch alarms with shorter "
                "periods",
            )
        if (length := len(self.user_parameters)) > LONGEST_USER_PARAMETERS:
            raise InvalidArgumentError(
                where,
                f"its parameters have {length} characters with {len(self.regions)} regions, and "
                f"CodePipeline takes {LONGEST_USER_PARAMETERS}",
                "split the wave, or shorten the names of pipeline, environment and wave",
            )

    @property
    def user_parameters(self) -> str:
        """What the function is told, as `runtime.bake` reads it."""
        return json.dumps(
            {
                "pipeline": self.pipeline,
                "stage": self.stage,
                "environment": self.environment,
                "account": self.account,
                "regions": list(self.regions),
                "bake_minutes": self.bake_minutes,
                "settle_minutes": self.settle_minutes,
                "execution": "#{codepipeline.PipelineExecutionId}",
            },
            separators=(",", ":"),
        )

    def gate_role_arns(self, partition: str) -> tuple[str, ...]:
        """Return the roles that it assumes."""
        return tuple(
            names.role_arn(
                partition,
                self.account,
                names.gate_role_name(self.pipeline, self.environment, region),
            )
            for region in self.regions
        )

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What the function's role needs for this stage, and no more."""
        pipeline = resource_of(self.pipeline)
        return (
            Permission(
                actions=["sts:AssumeRole"], resources=list(self.gate_role_arns("{partition}"))
            ),
            Permission(
                actions=["codepipeline:GetPipelineExecution", "codepipeline:ListActionExecutions"],
                resources=[pipeline],
            ),
            Permission(
                actions=["ssm:GetParameter"],
                resources=[
                    "arn:{partition}:ssm:{region}:{account}:parameter"
                    + names.override_parameter_name(self.pipeline)
                ],
            ),
            JOB_RESULTS,
        )
