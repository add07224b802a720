"""The events that CodePipeline sends to EventBridge, in the order in which things happened.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Pipeline
from dpra_constructs.rehearsal.emulator.codepipeline.state import ActionRun, Execution

_STATES = {
    "InProgress": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Stopping": "STOPPING",
    "Stopped": "STOPPED",
    "Superseded": "SUPERSEDED",
    "Cancelled": "CANCELED",
    "Abandoned": "ABANDONED",
    "Resumed": "RESUMED",
    "Skipped": "SKIPPED",
}
_QUEUE: queue.SimpleQueue[tuple[Pipeline, str, dict[str, Any]]] = queue.SimpleQueue()


def start() -> None:
    """Start the thread that sends; targets may take long, and nothing waits for them."""
    threading.Thread(target=_send_all, daemon=True, name="codepipeline-events").start()


def pipeline_changed(execution: Execution, state: str) -> None:
    """An execution started, ended or was resumed."""
    detail = {
        **_common(execution),
        "state": _STATES[state],
        "pipeline-execution-attempt": float(execution.attempt),
        "execution-trigger": {
            "trigger-type": execution.trigger,
            "trigger-detail": execution.trigger_detail,
        },
    }
    _put(execution.pipeline, "Pipeline", detail)


def stage_changed(execution: Execution, stage: str, state: str) -> None:
    """A stage started, ended or was resumed."""
    detail = {
        **_common(execution),
        "stage": stage,
        "state": _STATES[state],
        "pipeline-execution-attempt": float(execution.attempt),
    }
    _put(execution.pipeline, "Stage", detail)


def action_changed(execution: Execution, run: ActionRun) -> None:
    """An action started or ended."""
    action = run.action
    result = {
        "external-execution-id": run.external_id,
        "external-execution-summary": run.summary or run.error_message,
        "external-execution-url": run.external_url,
        "error-code": run.error_code,
    }
    detail: dict[str, Any] = {
        **_common(execution),
        "stage": action.stage,
        "action": action.name,
        "action-execution-id": run.id,
        "state": _STATES[run.status],
        "region": action.region,
        "type": action.type,
        "input-artifacts": _artifacts(run, action.region, of=run.inputs),
        "output-artifacts": _artifacts(run, action.region, of=run.outputs),
        "pipeline-execution-attempt": float(execution.attempt),
    }
    if shown := {name: value for name, value in result.items() if value}:
        detail["execution-result"] = shown
    _put(execution.pipeline, "Action", detail)


def _artifacts(run: ActionRun, region: str, *, of: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": artifact.name,
            "s3location": {"bucket": artifact.buckets.get(region, ""), "key": artifact.key},
        }
        for artifact in of
    ]


def _common(execution: Execution) -> dict[str, Any]:
    started = datetime.fromtimestamp(execution.started, UTC)
    return {
        "pipeline": execution.pipeline.name,
        "execution-id": execution.id,
        "start-time": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "version": float(execution.pipeline.version),
    }


def _put(pipeline: Pipeline, what: str, detail: dict[str, Any]) -> None:
    _QUEUE.put((pipeline, f"CodePipeline {what} Execution State Change", detail))


def _send_all() -> None:
    while True:
        pipeline, detail_type, detail = _QUEUE.get()
        entry = {
            "Source": "aws.codepipeline",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": [pipeline.arn],
        }
        try:
            with request_scope(pipeline.account, pipeline.region):
                eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        except Exception:
            # A target's failure is that target's; the pipeline goes on, as in the service.
            logging.getLogger("codepipeline").exception("an event was not delivered")
