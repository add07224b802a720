"""Manual approval: notifies, then waits for PutApprovalResult.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from dpra_constructs.rehearsal.emulator.codepipeline.actions.action_type import (
    ActionContext,
    ActionType,
    Result,
)
from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.emulator.codepipeline.state import new_id

_DEFAULT_MINUTES = 7 * 24 * 60
_MINUTES = range(5, 86_400 + 1)


def _approve(context: ActionContext) -> Result:
    minutes = context.action.timeout_minutes or _DEFAULT_MINUTES
    context.run.external_url = context.configuration.get("ExternalEntityLink", "")
    for line in context.configuration.get("CustomData", "").splitlines():
        context.note(line)
    token = new_id()
    if "NotificationArn" in context.configuration:
        _notify(context, token, minutes)
    # Only now may it be answered.
    context.run.token = token
    if not context.clock.wait(context.run.answered, minutes * 60):
        raise ActionFailedError("TimeoutError", f"no one answered within {minutes} minutes")
    if context.run.answer is None:
        raise ActionFailedError("JobFailed", "the approval was abandoned")
    status, summary, who = context.run.answer
    context.note(f"{status} by {who}: {summary}")
    if status != "Approved":
        context.run.summary = summary
        raise ActionFailedError("JobFailed", f"rejected by {who}: {summary}")
    return Result(summary=summary)


def _notify(context: ActionContext, token: str, minutes: int) -> None:
    configuration, pipeline = context.configuration, context.pipeline
    expires = datetime.fromtimestamp(context.clock.now() + minutes * 60, UTC)
    link = (
        f"https://console.aws.amazon.com/codepipeline/home?region={pipeline.region}"
        f"#/view/{pipeline.name}"
    )
    approval = {
        "pipelineName": pipeline.name,
        "stageName": context.action.stage,
        "actionName": context.action.name,
        "token": token,
        "expires": expires.strftime("%Y-%m-%dT%H:%MZ"),
        "externalEntityLink": configuration.get("ExternalEntityLink"),
        "approvalReviewLink": f"{link}/{context.action.stage}/{context.action.name}",
        "customData": configuration.get("CustomData"),
    }
    topic = configuration["NotificationArn"]
    subject = f"APPROVAL NEEDED: AWS CodePipeline {pipeline.name} for action {context.action.name}"
    context.actor.client("sns", topic.split(":")[3]).publish(
        TopicArn=topic,
        Subject=subject[:100],
        Message=json.dumps({"region": pipeline.region, "consoleLink": link, "approval": approval}),
    )


def _check(action: Action) -> Iterable[str]:
    if action.timeout_minutes is not None and action.timeout_minutes not in _MINUTES:
        yield f"a timeout of {action.timeout_minutes} minutes"


MANUAL = ActionType(
    run=_approve,
    keys=frozenset({"NotificationArn", "CustomData", "ExternalEntityLink"}),
    check=_check,
    own_timeout=True,
)
