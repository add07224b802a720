"""When a release may enter production: conditions on the stages before the waves."""

from __future__ import annotations

import json

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import pipelines
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.invoke_step import InvokeStep, invoking_role
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.notifications import Notifications
from dpra_constructs.pipeline.permissions import statements
from dpra_constructs.pipeline.plan import PipelinePlan, PlannedStage, Purpose
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.release.stage_conditions import EntryCondition, LambdaInvoke, OpenWindow

_CALENDAR = "ChangeCalendar"
_ANNOUNCE = "Announce"
_RESULTS = Permission(
    actions=["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
    resources=["*"],
    reason="Results of CodePipeline's jobs know no resources",
)


def entry_condition(plan: PipelinePlan, stage: PlannedStage) -> EntryCondition | None:
    """Return what has to hold before a stage begins, if anything has to."""
    rules = [
        *([OpenWindow(f"Window-{stage.name}", window=stage.window)] if stage.window else ()),
        *(
            [
                LambdaInvoke(
                    # A rule's name stands only once in a pipeline.
                    f"{stage.calendar.name}-{stage.name}",
                    function=f"{plan.pipeline.name}-{_CALENDAR}",
                    user_parameters=stage.calendar.user_parameters,
                )
            ]
            if stage.calendar
            else ()
        ),
    ]
    return EntryCondition(rules) if rules else None


class EntryConditions:
    """Makes the functions that the conditions need, and attaches the conditions."""

    def __init__(
        self,
        scope: Construct,
        plan: PipelinePlan,
        pipeline: codepipeline.Pipeline,
        *,
        notifications: Notifications,
        logs: EncryptedLogs,
    ) -> None:
        self._scope = scope
        self._plan = plan
        self._pipeline = pipeline
        if any(stage.purpose is Purpose.OPEN for stage in plan.stages):
            self._announce = release_function(
                scope,
                _ANNOUNCE,
                pipeline=plan.pipeline.name,
                module="announce",
                description=f"Tells people that a wave of {plan.pipeline.name} begins",
                permissions=[
                    _RESULTS,
                    Permission(
                        actions=[
                            "codepipeline:GetPipelineExecution",
                            "codepipeline:ListActionExecutions",
                        ],
                        resources=[
                            "arn:{partition}:codepipeline:{region}:{account}:" + plan.pipeline.name
                        ],
                    ),
                ],
                statements_besides=notifications.statements,
                logs=logs,
                environment=notifications.environment,
            )
            self._role = invoking_role(scope, _ANNOUNCE, self._announce, pipeline)
        calendar = next((stage.calendar for stage in plan.stages if stage.calendar), None)
        if calendar:
            release_function(
                scope,
                _CALENDAR,
                pipeline=plan.pipeline.name,
                module="change_calendar",
                description=f"Asks whether a release of {plan.pipeline.name} may go on",
                permissions=[_RESULTS, *calendar.function_permissions],
                logs=logs,
            )

    def step(self, stage: PlannedStage) -> pipelines.Step:
        """Return the action of a stage that stands before a wave."""
        told = {
            "pipeline": self._plan.pipeline.name,
            "wave": stage.opens,
            "execution": "#{codepipeline.PipelineExecutionId}",
        }
        return InvokeStep(_ANNOUNCE, self._announce, self._role, json.dumps(told))

    def attach(self, stage_names: list[str]) -> None:
        """Put the conditions on the stages of the pipeline, which is built.

        Args:
            stage_names: those of all pipeline stages, in their order.
        """
        definition = self._pipeline.node.default_child
        assert isinstance(definition, codepipeline.CfnPipeline)
        needed: dict[Permission, None] = {}
        for stage in self._plan.stages:
            if condition := entry_condition(self._plan, stage):
                # aws_cdk gives the pipeline's role nothing for a rule, and takes six of them.
                path = f"Stages.{stage_names.index(stage.name)}.BeforeEntry"
                definition.add_property_override(path, condition.properties)
                needed.update(dict.fromkeys(condition.permissions(self._plan.pipeline.name)))
        for statement in statements(self._scope, tuple(needed)):
            self._pipeline.add_to_role_policy(statement)
