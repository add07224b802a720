"""CodePipeline inside the emulator's process: its API, and executions that really run."""

from __future__ import annotations

import ministack.app as app
from ministack.core import iam_actions, router
from ministack.services.cloudformation import provisioners

from dpra_constructs.rehearsal.emulator.codepipeline import api, events, pipelines
from dpra_constructs.rehearsal.emulator.state import STATE

_SERVICE = "codepipeline"


def register() -> None:
    """Add the service to MiniStack; calls are checked by its IAM like any other."""
    router.SERVICE_PATTERNS[_SERVICE] = {
        "target_prefixes": ["CodePipeline_20150709"],
        "host_patterns": [r"codepipeline\."],
        "credential_scope": _SERVICE,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[_SERVICE] = _SERVICE
    app.SERVICE_HANDLERS[_SERVICE] = api.answer
    provisioners._RESOURCE_HANDLERS["AWS::CodePipeline::Pipeline"] = {
        "create": pipelines.create,
        "update": pipelines.update,
        "delete": pipelines.delete,
    }
    STATE["pipelines"] = (pipelines.take, pipelines.restore)
    events.start()
