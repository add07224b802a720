"""What the API shows of the executor's state, in the shapes of the service's model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dpra_constructs.rehearsal.emulator.codepipeline.conditions import ConditionRun
from dpra_constructs.rehearsal.emulator.codepipeline.executor import PipelineExecutor
from dpra_constructs.rehearsal.emulator.codepipeline.state import (
    IN_PROGRESS,
    STOPPED,
    ActionRun,
    Execution,
    StageState,
    shown_artifacts,
)

Shape = dict[str, Any]


def _known(values: Mapping[str, Any]) -> Shape:
    """Leave out what has no value, as the service does."""
    return {name: value for name, value in values.items() if value not in ("", None, {}, [])}


def pipeline_summary(executor: PipelineExecutor) -> Shape:
    """Return a `PipelineSummary`."""
    pipeline = executor.pipeline
    return {
        "name": pipeline.name,
        "version": pipeline.version,
        "pipelineType": pipeline.type,
        "executionMode": pipeline.mode,
        "created": executor.created,
        "updated": executor.updated,
    }


def pipeline_state(executor: PipelineExecutor) -> Shape:
    """Return the answer of GetPipelineState."""
    with executor.lock:
        return {
            "pipelineName": executor.pipeline.name,
            "pipelineVersion": executor.pipeline.version,
            "stageStates": [
                _stage(executor.stages[stage.name], [action.name for action in stage.actions])
                for stage in executor.pipeline.stages
            ],
            "created": executor.created,
            "updated": executor.updated,
        }


def _stage(state: StageState, actions: list[str]) -> Shape:
    inbound = [_of_stage(execution, IN_PROGRESS) for execution in state.inbound]
    retries = {
        "autoStageRetryAttempt": state.automatic_retries or None,
        "manualStageRetryAttempt": state.manual_retries or None,
        "latestRetryTrigger": state.last_retry,
    }
    return _known(
        {
            "stageName": state.name,
            "inboundExecution": inbound[0] if inbound else None,
            "inboundExecutions": inbound,
            "inboundTransitionState": _known(
                {
                    "enabled": state.enabled,
                    "lastChangedBy": state.changed_by,
                    "lastChangedAt": state.changed_at or None,
                    "disabledReason": state.disabled_reason if not state.enabled else "",
                }
            ),
            "actionStates": [_action(name, state.actions.get(name)) for name in actions],
            "latestExecution": _of_stage(state.latest, state.status) if state.latest else None,
            "retryStageMetadata": _known(retries),
            **{
                f"{kind}ConditionState": _condition(checked)
                for kind, checked in state.conditions.items()
            },
        }
    )


def _condition(checked: ConditionRun) -> Shape:
    execution = _known({"status": checked.status, "summary": checked.summary})
    return {
        "latestExecution": execution,
        "conditionStates": [
            {
                "latestExecution": {**execution, "lastStatusChange": checked.updated},
                "ruleStates": [_rule(run) for run in checked.rules],
            }
        ],
    }


def _rule(run: ActionRun) -> Shape:
    latest = {
        "ruleExecutionId": run.id,
        "status": run.status,
        "summary": run.summary,
        "lastStatusChange": run.updated,
        "externalExecutionId": run.external_id,
        "externalExecutionUrl": run.external_url,
        "errorDetails": _error(run),
    }
    return {"ruleName": run.action.name, "latestExecution": _known(latest)}


def _of_stage(execution: Execution, status: str) -> Shape:
    return {
        "pipelineExecutionId": execution.id,
        "status": status,
        "type": execution.type,
    }


def _action(name: str, run: ActionRun | None) -> Shape:
    if run is None:
        return {"actionName": name}
    latest = {
        "actionExecutionId": run.id,
        "status": run.status,
        "summary": run.summary,
        "lastStatusChange": run.updated,
        "token": run.token if run.status == IN_PROGRESS else "",
        "lastUpdatedBy": run.updated_by,
        "externalExecutionId": run.external_id,
        "externalExecutionUrl": run.external_url,
        "errorDetails": _error(run),
        "logStreamARN": run.log_stream_arn,
    }
    return {"actionName": name, "latestExecution": _known(latest)}


def _error(run: ActionRun) -> Shape:
    return _known({"code": run.error_code, "message": run.error_message})


def execution_summary(execution: Execution) -> Shape:
    """Return a `PipelineExecutionSummary`."""
    return _known(
        {
            "pipelineExecutionId": execution.id,
            "startTime": execution.started,
            "lastUpdateTime": execution.updated,
            "sourceRevisions": [
                _known(
                    {
                        "actionName": revision.action,
                        "revisionId": revision.id,
                        "revisionSummary": revision.summary,
                        "revisionUrl": revision.url,
                    }
                )
                for revision in execution.revisions.values()
            ],
            "stopTrigger": (
                {"reason": execution.stop_reason} if execution.status == STOPPED else None
            ),
            **_of_execution(execution),
        }
    )


def execution(execution: Execution) -> Shape:
    """Return a `PipelineExecution`."""
    return _known(
        {
            "pipelineName": execution.pipeline.name,
            "pipelineVersion": execution.pipeline.version,
            "pipelineExecutionId": execution.id,
            "artifactRevisions": [
                _known(
                    {
                        "name": revision.artifact,
                        "revisionId": revision.id,
                        "revisionSummary": revision.summary,
                        "revisionUrl": revision.url,
                    }
                )
                for revision in execution.revisions.values()
            ],
            "variables": [
                {"name": name, "resolvedValue": value}
                for name, value in execution.variables.items()
            ],
            **_of_execution(execution),
        }
    )


def _of_execution(execution: Execution) -> Shape:
    return {
        "status": execution.status,
        "statusSummary": execution.summary,
        "trigger": {
            "triggerType": execution.trigger,
            "triggerDetail": execution.trigger_detail,
        },
        "executionMode": execution.pipeline.mode,
        "executionType": execution.type,
        "rollbackMetadata": (
            {"rollbackTargetPipelineExecutionId": execution.rollback_target}
            if execution.rollback_target
            else None
        ),
    }


def action_execution(run: ActionRun, region: str) -> Shape:
    """Return an `ActionExecutionDetail`."""
    action = run.action
    return _known(
        {
            "pipelineExecutionId": run.execution_id,
            "actionExecutionId": run.id,
            "pipelineVersion": run.version,
            "stageName": action.stage,
            "actionName": action.name,
            "startTime": run.started,
            "lastUpdateTime": run.updated,
            "updatedBy": run.updated_by,
            "status": run.status,
            "input": _known(
                {
                    "actionTypeId": action.type,
                    "configuration": dict(action.configuration),
                    "resolvedConfiguration": dict(run.configuration),
                    "roleArn": action.role_arn,
                    "region": action.region,
                    "inputArtifacts": shown_artifacts(run.inputs, region),
                    "namespace": action.namespace,
                }
            ),
            "output": _known(
                {
                    "outputArtifacts": shown_artifacts(run.outputs, region),
                    "executionResult": _known(
                        {
                            "externalExecutionId": run.external_id,
                            "externalExecutionSummary": run.summary,
                            "externalExecutionUrl": run.external_url,
                            "errorDetails": _error(run),
                            "logStreamARN": run.log_stream_arn,
                        }
                    ),
                    "outputVariables": dict(run.output_variables),
                }
            ),
        }
    )


def rule_execution(run: ActionRun, region: str) -> Shape:
    """Return a `RuleExecutionDetail`."""
    rule = run.action
    return _known(
        {
            "pipelineExecutionId": run.execution_id,
            "ruleExecutionId": run.id,
            "pipelineVersion": run.version,
            "stageName": rule.stage,
            "ruleName": rule.name,
            "startTime": run.started,
            "lastUpdateTime": run.updated,
            "status": run.status,
            "input": _known(
                {
                    "ruleTypeId": rule.type,
                    "configuration": dict(rule.configuration),
                    "resolvedConfiguration": dict(run.configuration),
                    "roleArn": rule.role_arn,
                    "region": rule.region,
                    "inputArtifacts": shown_artifacts(run.inputs, region),
                }
            ),
            "output": _known(
                {
                    "executionResult": _known(
                        {
                            "externalExecutionId": run.external_id,
                            "externalExecutionSummary": run.summary,
                            "externalExecutionUrl": run.external_url,
                            "errorDetails": _error(run),
                        }
                    )
                }
            ),
        }
    )
