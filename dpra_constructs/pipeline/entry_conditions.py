"""Makes the functions that let a release into production: they ask, and tell people."""

from __future__ import annotations

import json

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import pipelines
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.invoke_step import InvokeStep, invoked_function
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.notifications import Notifications
from dpra_constructs.pipeline.plan import PipelinePlan, PlannedStage, Purpose
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.pipeline.stage_conditions import CALENDAR_FUNCTION
from dpra_constructs.release.pipeline_permissions import JOB_RESULTS

_ANNOUNCE = "Announce"


class EntryConditions:
    """Makes the functions that entry conditions need, and the action of a stage before a wave."""

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
            function = release_function(
                scope,
                _ANNOUNCE,
                pipeline=plan.pipeline.name,
                module="announce",
                description=f"Tells people that a wave of {plan.pipeline.name} begins",
                permissions=[
                    JOB_RESULTS,
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
            self._announce = invoked_function(scope, _ANNOUNCE, function, pipeline)
        calendar = next((stage.calendar for stage in plan.stages if stage.calendar), None)
        if calendar:
            release_function(
                scope,
                CALENDAR_FUNCTION,
                pipeline=plan.pipeline.name,
                module="change_calendar",
                description=f"Asks whether a release of {plan.pipeline.name} may go on",
                permissions=[JOB_RESULTS, *calendar.function_permissions],
                logs=logs,
            )

    def step(self, stage: PlannedStage) -> pipelines.Step:
        """Return the action of a stage that stands before a wave."""
        told = {
            "pipeline": self._plan.pipeline.name,
            "wave": stage.opens,
            "execution": "#{codepipeline.PipelineExecutionId}",
        }
        return InvokeStep(_ANNOUNCE, self._announce, json.dumps(told))
