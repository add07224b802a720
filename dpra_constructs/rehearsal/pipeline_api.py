"""A pipeline on the emulator, watched and steered by CodePipeline's API alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client

RUNNING = ("InProgress", "Stopping")
ALL_ACTIONS = "ALL_ACTIONS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """An approval action that waits for an answer."""

    stage: str
    action: str
    token: str
    execution_id: str
    message: str = ""
    url: str = ""


@lru_cache(maxsize=50)
def _client(service: str, endpoint: str, place: Place) -> Any:
    """Make a client once: a watcher asks several times a second, and each keeps a connection."""
    return client(service, endpoint, place)


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineApi:
    """One pipeline, with the permissions of a person who may do everything in its account."""

    name: str
    place: Place
    endpoint: str

    def client(self, service: str = "codepipeline") -> Any:
        """Return a client in the pipeline's account and region."""
        return _client(service, self.endpoint, self.place)

    def declaration(self) -> dict[str, Any]:
        """Return the pipeline as GetPipeline shows it."""
        declared: dict[str, Any] = self.client().get_pipeline(name=self.name)["pipeline"]
        return declared

    def start(self) -> str:
        """Start an execution, as a push to the trunk does; return its id."""
        started = self.client().start_pipeline_execution(name=self.name)
        return str(started["pipelineExecutionId"])

    def execution(self, execution_id: str) -> dict[str, Any]:
        """Return an execution."""
        shown: dict[str, Any] = self.client().get_pipeline_execution(
            pipelineName=self.name, pipelineExecutionId=execution_id
        )["pipelineExecution"]
        return shown

    def executions(self) -> list[dict[str, Any]]:
        """Return the summaries of all executions, the latest first."""
        shown: list[dict[str, Any]] = self._pages(
            "list_pipeline_executions", "pipelineExecutionSummaries", pipelineName=self.name
        )
        return shown

    def stages(self) -> dict[str, dict[str, Any]]:
        """Return the states of the pipeline's stages, by name, in their order."""
        state = self.client().get_pipeline_state(name=self.name)
        return {stage["stageName"]: stage for stage in state["stageStates"]}

    def actions(self, execution_id: str) -> list[dict[str, Any]]:
        """Return the runs of an execution's actions, the first one first."""
        shown = self._pages(
            "list_action_executions",
            "actionExecutionDetails",
            pipelineName=self.name,
            filter={"pipelineExecutionId": execution_id},
        )
        return sorted(shown, key=lambda run: run["startTime"])

    def approvals(self) -> list[Approval]:
        """Return the approvals that wait for an answer."""
        return [
            Approval(
                stage=name,
                action=action["actionName"],
                token=action["latestExecution"]["token"],
                execution_id=stage["latestExecution"]["pipelineExecutionId"],
            )
            for name, stage in self.stages().items()
            for action in stage.get("actionStates", [])
            if action.get("latestExecution", {}).get("token")
        ]

    def described(self, approval: Approval) -> Approval:
        """Return an approval with what its reviewer reads: the message, and the link."""
        for run in reversed(self.actions(approval.execution_id)):
            if (run["stageName"], run["actionName"]) == (approval.stage, approval.action):
                read = run["input"].get("resolvedConfiguration", {})
                return replace(
                    approval,
                    message=read.get("CustomData", ""),
                    url=read.get("ExternalEntityLink", ""),
                )
        return approval

    def answer(self, approval: Approval, *, approved: bool, summary: str) -> None:
        """Answer an approval."""
        self.client().put_approval_result(
            pipelineName=self.name,
            stageName=approval.stage,
            actionName=approval.action,
            token=approval.token,
            result={"status": "Approved" if approved else "Rejected", "summary": summary},
        )

    def hold(self, stage: str, reason: str) -> None:
        """Keep executions from entering a stage."""
        self.client().disable_stage_transition(
            pipelineName=self.name, stageName=stage, transitionType="Inbound", reason=reason
        )

    def let_in(self, stage: str) -> None:
        """Let executions enter a stage again."""
        self.client().enable_stage_transition(
            pipelineName=self.name, stageName=stage, transitionType="Inbound"
        )

    def retry(self, stage: str, execution_id: str, mode: str = ALL_ACTIONS) -> None:
        """Run a failed stage again."""
        self.client().retry_stage_execution(
            pipelineName=self.name,
            stageName=stage,
            pipelineExecutionId=execution_id,
            retryMode=mode,
        )

    def roll_back(self, stage: str, target: str) -> str:
        """Roll a stage back to an earlier execution; return the id of the new one."""
        started = self.client().rollback_stage(
            pipelineName=self.name, stageName=stage, targetPipelineExecutionId=target
        )
        return str(started["pipelineExecutionId"])

    def stop(self, execution_id: str, reason: str) -> None:
        """Stop an execution at once."""
        self.client().stop_pipeline_execution(
            pipelineName=self.name, pipelineExecutionId=execution_id, abandon=True, reason=reason
        )

    def _pages(self, operation: str, key: str, **request: Any) -> list[Any]:
        call: Callable[..., Mapping[str, Any]] = getattr(self.client(), operation)
        items: list[Any] = []
        token: dict[str, Any] = {}
        while True:
            answer = call(**request, **token)
            items.extend(answer[key])
            if not answer.get("nextToken"):
                return items
            token = {"nextToken": answer["nextToken"]}
