"""What people are told when a wave begins, against botocore's models."""

import json
from typing import Any

import pytest

from dpra_constructs.release.runtime.announce import announce
from tests.runtime.service_models import Modelled, client_error

TOPIC = "arn:aws:sns:us-west-2:111111111111:notifications"
EXECUTION = "11111111-2222-4333-8444-555555555555"
JOB = "99999999-2222-4333-8444-555555555555"
TOLD = {"pipeline": "fruit", "wave": "Prod-rest", "execution": EXECUTION}
EVENT = {
    "CodePipeline.job": {
        "id": JOB,
        "accountId": "111111111111",
        "data": {"actionConfiguration": {"configuration": {"UserParameters": json.dumps(TOLD)}}},
    }
}


class World:
    def __init__(self, error: Exception | None = None, *, unknown: bool = False) -> None:
        self.error = error
        self.unknown = unknown
        self.sent: list[dict[str, Any]] = []
        self.results: list[tuple[str, dict[str, Any]]] = []

    def get_pipeline_execution(self, **given: Any) -> dict[str, Any]:
        if self.unknown:
            raise client_error("ThrottlingException")
        return {"pipelineExecution": {"artifactRevisions": [{"revisionId": "0123abc"}]}}

    def list_action_executions(self, **given: Any) -> dict[str, Any]:
        return {}

    def publish(self, **given: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        self.sent.append(given)
        return {}

    def put_job_success_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(("success", given))
        return {}

    def put_job_failure_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(("failure", given))
        return {}


def call(world: World) -> None:
    announce(
        EVENT,
        codepipeline=Modelled("codepipeline", world),
        sns=Modelled("sns", world),
        topic_arn=TOPIC,
        region="us-west-2",
    )


def test_it_names_the_wave_the_execution_and_a_link() -> None:
    world = World()
    call(world)
    [sent] = world.sent
    assert sent["Subject"] == "fruit: Prod-rest begins"
    assert f"Execution: {EXECUTION}" in sent["Message"]
    assert "Commit: 0123abc" in sent["Message"]
    assert "https://us-west-2.console.aws.amazon.com/codesuite/codepipeline/" in sent["Message"]
    assert world.results == [("success", {"jobId": JOB})]


def test_it_tells_without_a_commit_what_codepipeline_does_not_say() -> None:
    world = World(unknown=True)
    call(world)
    assert "Commit" not in world.sent[0]["Message"]
    assert world.results == [("success", {"jobId": JOB})]


def test_when_nobody_can_be_told_the_action_fails_at_once() -> None:
    world = World(client_error("AuthorizationError"))
    with pytest.raises(Exception, match="AuthorizationError"):
        call(world)
    [(kind, result)] = world.results
    assert kind == "failure"
    assert result["failureDetails"]["message"].startswith("Nobody was told: ")
