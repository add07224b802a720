"""What the executor remembers: executions, the state of stages, and runs of actions."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dpra_constructs.rehearsal.emulator.codepipeline.declaration import Action, Pipeline

IN_PROGRESS = "InProgress"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
STOPPED = "Stopped"
STOPPING = "Stopping"
SKIPPED = "Skipped"
SUPERSEDED = "Superseded"
CANCELLED = "Cancelled"
ABANDONED = "Abandoned"

STANDARD = "STANDARD"
ROLLBACK = "ROLLBACK"


def new_id() -> str:
    """Return a new id of an execution, a token or a job."""
    return str(uuid.uuid4())


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """Where an artifact is: the bucket in each region that it was copied to, under one key."""

    name: str
    key: str
    buckets: Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class ActionRun:
    """One run of an action."""

    execution_id: str
    version: int
    action: Action
    started: float
    updated: float
    id: str = field(default_factory=new_id)
    status: str = IN_PROGRESS
    configuration: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    output_variables: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    error_code: str = ""
    error_message: str = ""
    external_id: str = ""
    external_url: str = ""
    log_stream_arn: str = ""
    token: str = ""
    updated_by: str = ""
    #: An answer to an approval: (status, summary, by whom).
    answer: tuple[str, str, str] | None = None
    #: Set when it has an answer, for an action that waits for one.
    answered: threading.Event = field(default_factory=threading.Event)
    #: Set when nobody waits for its end any more.
    abandoned: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value
            for name in self.__slots__
            if not isinstance(value := getattr(self, name), threading.Event)
        }

    def __setstate__(self, values: dict[str, Any]) -> None:
        # Only runs that are over are saved, and nobody waits for these.
        self.answered, self.abandoned = threading.Event(), threading.Event()
        self.done = threading.Event()
        self.done.set()
        for name, value in values.items():
            setattr(self, name, value)


@dataclass(kw_only=True, slots=True)
class Revision:
    """What a source action took."""

    action: str
    id: str
    summary: str
    url: str = ""
    artifact: str = ""


@dataclass(kw_only=True, slots=True)
class Execution:
    """An execution of a pipeline."""

    pipeline: Pipeline
    trigger: str
    trigger_detail: str
    started: float
    updated: float
    variables: Mapping[str, str]
    number: int = 0
    id: str = field(default_factory=new_id)
    type: str = STANDARD
    rollback_target: str = ""
    status: str = IN_PROGRESS
    summary: str = ""
    stop_reason: str = ""
    attempt: int = 1
    #: Revisions that the start asked for, by source action.
    wanted: Mapping[str, str] = field(default_factory=dict)
    revisions: dict[str, Revision] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    runs: list[ActionRun] = field(default_factory=list)
    #: Runs of the rules of conditions.
    rule_runs: list[ActionRun] = field(default_factory=list)
    #: The pipeline was updated while one of its stages ran.
    is_outdated: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs or waits."""
        return self.status not in (IN_PROGRESS, STOPPING)


@dataclass(kw_only=True, slots=True)
class StageState:
    """The state of a pipeline stage."""

    name: str
    inbound: list[Execution] = field(default_factory=list)
    running: Execution | None = None
    latest: Execution | None = None
    status: str = ""
    enabled: bool = True
    disabled_reason: str = ""
    changed_by: str = ""
    changed_at: float = 0.0
    succeeded: list[Execution] = field(default_factory=list)
    actions: dict[str, ActionRun] = field(default_factory=dict)
    automatic_retries: int = 0
    manual_retries: int = 0
    last_retry: str = ""
    #: The last check of each kind of condition: `beforeEntry`, `onSuccess`, `onFailure`.
    conditions: dict[str, Any] = field(default_factory=dict)

    @property
    def latest_id(self) -> str:
        """The id of the latest execution in it; empty when there was none."""
        return self.latest.id if self.latest else ""


def shown_artifacts(artifacts: tuple[Artifact, ...], region: str) -> list[dict[str, Any]]:
    """Return artifacts as ListActionExecutions shows them."""
    return [
        {
            "name": artifact.name,
            "s3location": {
                "bucket": artifact.buckets.get(region) or next(iter(artifact.buckets.values())),
                "key": artifact.key,
            },
        }
        for artifact in artifacts
    ]
