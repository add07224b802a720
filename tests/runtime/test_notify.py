"""What people are told of the pipeline's events, and that no event can break it."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.release.runtime.message import Message, tell
from dpra_constructs.release.runtime.notify import notify
from tests.runtime.service_models import Modelled, client_error

RUN = "aaaaaaaa-2222-4333-8444-555555555555"
TOPIC = "arn:aws:sns:us-west-2:111111111111:notifications"
MARKER = {"stage": "Prod-rest", "what": "the bake", "execution": RUN, "reason": "known noise"}
JANE = "arn:aws:sts::111111111111:assumed-role/release/jane"


@dataclass
class World:
    rolls_back: bool = False
    failing: bool = False
    marker: str = json.dumps(MARKER)
    published: list[dict[str, Any]] = field(default_factory=list)

    def get_pipeline_execution(self, **given: Any) -> dict[str, Any]:
        if self.failing:
            raise client_error("ThrottlingException")
        return {
            "pipelineExecution": {
                "executionType": "ROLLBACK" if self.rolls_back else "STANDARD",
                "artifactRevisions": [{"revisionId": "0123abc", "revisionSummary": "Peel"}],
            }
        }

    def list_action_executions(self, **given: Any) -> dict[str, Any]:
        return {
            "actionExecutionDetails": [
                {
                    "stageName": "Beta",
                    "actionName": "AcceptanceTest",
                    "status": "Failed",
                    "output": {"executionResult": {"externalExecutionSummary": "2 failed"}},
                },
                {
                    "stageName": "Source",
                    "actionName": "Source",
                    "output": {"outputVariables": {"AuthorEmail": "ada@acme.example"}},
                },
            ]
        }

    def get_pipeline_state(self, **given: Any) -> dict[str, Any]:
        if self.failing:
            raise client_error("ThrottlingException")
        latest = {"pipelineExecutionId": RUN, "status": "InProgress"}
        return {"stageStates": [{"stageName": "Gamma", "latestExecution": latest}]}

    def get_parameter_history(self, **given: Any) -> dict[str, Any]:
        if self.failing:
            raise client_error("ThrottlingException")
        if "NextToken" not in given:
            return {"Parameters": [{"Version": 1, "Value": "none"}], "NextToken": "1"}
        latest = {"Version": 2, "Value": self.marker, "LastModifiedUser": JANE}
        return {"Parameters": [latest]}

    def publish(self, **given: Any) -> dict[str, Any]:
        self.published.append(given)
        return {}


def told(world: World, event: dict[str, Any], *, to_chat: bool = False) -> str:
    return notify(
        event,
        codepipeline=Modelled("codepipeline", world),
        ssm=Modelled("ssm", world),
        sns=Modelled("sns", world),
        pipeline="fruit",
        rolling_back=["Gamma"],
        topic_arn=TOPIC,
        to_chat=to_chat,
    )


def event(kind: str, **detail: Any) -> dict[str, Any]:
    return {
        "detail-type": kind,
        "account": "111111111111",
        "region": "us-west-2",
        "detail": {"execution-id": RUN, **detail},
    }


STAGE = "CodePipeline Stage Execution State Change"
FAILED = event(STAGE, stage="Beta", state="FAILED")
APPROVAL = event(
    "CodePipeline Action Execution State Change",
    stage="Approve-Prod",
    action="Approve",
    state="STARTED",
    type={"category": "Approval", "owner": "AWS", "provider": "Manual"},
)
BUDGET = event(
    "CloudWatch Alarm State Change",
    alarmName="fruit-TimeBudget-Gamma",
    state={"value": "ALARM", "reason": "Threshold Crossed: 2000 > 1800"},
)
OVERRIDE = event("Parameter Store Change", name="/dpra/fruit/override", operation="Update")

SIGNED = event(
    "AWS API Call via CloudTrail",
    eventName="Sign",
    eventTime="2026-06-05T15:30:00Z",
    sourceIPAddress="192.0.2.7",
    userIdentity={"type": "AssumedRole", "arn": JANE},
    resources=[{"type": "AWS::KMS::Key", "ARN": "arn:aws:kms:us-west-2:111111111111:key/0a1b"}],
)


def test_another_who_signs_is_told_with_key_time_and_address() -> None:
    world = World()
    assert told(world, SIGNED) == "fruit: Seal's key is used by another"
    assert (
        f"Reason: {JANE} called kms:Sign with arn:aws:kms:us-west-2:111111111111:key/0a1b "
        "at 2026-06-05T15:30:00Z from 192.0.2.7\n"
    ) in world.published[0]["Message"]


def test_another_who_may_not_sign_is_told_as_refused() -> None:
    world = World()
    refused = {**SIGNED, "detail": {**SIGNED["detail"], "errorCode": "AccessDenied"}}
    assert told(world, refused) == "fruit: Seal's key is used by another, who was refused"
    assert "192.0.2.7: AccessDenied" in world.published[0]["Message"]


def test_a_failed_stage_is_told_with_commit_author_reason_and_link() -> None:
    world = World()
    assert told(world, FAILED) == "fruit: Beta failed"
    [sent] = world.published
    assert sent["Message"] == (
        "Pipeline: fruit in 111111111111/us-west-2\n"
        "Stage: Beta failed\n"
        f"Execution: {RUN}\n"
        "Commit: 0123abc Peel\n"
        "Author: ada@acme.example\n"
        "Reason: AcceptanceTest: 2 failed\n"
        "https://us-west-2.console.aws.amazon.com/codesuite/codepipeline/pipelines/fruit"
        f"/executions/{RUN}/timeline?region=us-west-2"
    )


def test_an_approval_that_is_needed_is_told_without_a_reason() -> None:
    world = World()
    assert told(world, APPROVAL) == "fruit: Approve-Prod waits for an approval"
    assert "Reason" not in world.published[0]["Message"]
    assert "Author: ada@acme.example" in world.published[0]["Message"]


def test_a_budget_that_is_exceeded_is_told_with_the_alarms_reason() -> None:
    world = World()
    assert told(world, BUDGET) == "fruit: Gamma took longer than its time budget"
    assert "Reason: Threshold Crossed: 2000 > 1800" in world.published[0]["Message"]
    assert f"Execution: {RUN}" in world.published[0]["Message"]


def test_an_override_is_told_with_who_did_it_as_the_service_recorded() -> None:
    world = World()
    assert told(world, OVERRIDE) == "fruit: the bake of Prod-rest is overridden"
    assert f"Stage: Prod-rest is overridden by {JANE}" in world.published[0]["Message"]
    assert "Reason: known noise" in world.published[0]["Message"]


def test_a_marker_that_nobody_understands_is_told_as_it_is() -> None:
    world = World(marker="[1")
    told(world, OVERRIDE)
    assert "Reason: [1" in world.published[0]["Message"]


def test_a_rollback_of_a_stage_is_told_and_a_release_that_begins_is_not() -> None:
    began = event(STAGE, stage="Gamma", state="STARTED")
    assert told(World(), began) == "nothing to tell"
    assert told(World(rolls_back=True), began) == "fruit: Gamma is rolled back"


@pytest.mark.parametrize(
    "other",
    [
        event(STAGE, stage="Beta", state="SUCCEEDED"),
        event(STAGE, stage="Beta", state="STARTED"),
        {**APPROVAL, "detail": {**APPROVAL["detail"], "state": "SUCCEEDED"}},
        {**APPROVAL, "detail": {**APPROVAL["detail"], "type": {"category": "Build"}}},
        {**BUDGET, "detail": {**BUDGET["detail"], "state": {"value": "OK"}}},
        {**OVERRIDE, "detail": {**OVERRIDE["detail"], "operation": "Create"}},
        event("Something else"),
        {},
    ],
)
def test_other_events_are_not_told(other: dict[str, Any]) -> None:
    world = World()
    assert told(world, other) == "nothing to tell"
    assert world.published == []


@pytest.mark.parametrize("given_event", [FAILED, APPROVAL, BUDGET, OVERRIDE])
def test_what_cannot_be_looked_up_is_told_all_the_same(given_event: dict[str, Any]) -> None:
    world = World(failing=True)
    told(world, given_event)
    assert len(world.published) == 1


def test_a_message_that_cannot_be_sent_is_an_error_that_lambda_retries() -> None:
    class Denied(World):
        def publish(self, **given: Any) -> dict[str, Any]:
            raise client_error("AuthorizationErrorException")

    with pytest.raises(Exception, match="AuthorizationErrorException"):
        told(Denied(), FAILED)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
KEYS = ["execution-id", "stage", "state", "type", "alarmName", "name", "operation"]
KINDS = [each["detail-type"] for each in (FAILED, APPROVAL, BUDGET, OVERRIDE, SIGNED)]


@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING | st.sampled_from(["FAILED", "Update"])),
    st.dictionaries(st.sampled_from(["account", "region"]), ANYTHING),
    st.booleans(),
    ANYTHING,
)
def test_no_field_that_is_missing_or_odd_breaks_it(
    kind: str, detail: dict[str, Any], rest: dict[str, Any], to_chat: bool, marker: Any
) -> None:
    world = World(marker=json.dumps(marker) or "x")
    told(world, {"detail-type": kind, "detail": detail, **rest}, to_chat=to_chat)
    assert len(world.published) <= 1


@given(ANYTHING)
def test_no_detail_breaks_it(detail: Any) -> None:
    for kind in KINDS:
        told(World(), {"detail-type": kind, "detail": detail})


LINES = st.text(max_size=3_000)


@given(LINES, LINES, st.lists(LINES, max_size=2).map(tuple), LINES, LINES)
def test_sns_takes_every_message(
    title: str, reason: str, commits: tuple[str, ...], author: str, pipeline: str
) -> None:
    message = Message(
        pipeline=f"p{pipeline}",
        account="1",
        region="us-west-2",
        title=title,
        commits=commits,
        author=author,
        reason=reason,
    )
    subject = message.subject
    assert 1 <= len(subject) <= 100
    assert all(" " <= letter <= "~" for letter in subject)
    world = World()
    tell(Modelled("sns", world), TOPIC, message, to_chat=True)
    [sent] = world.published
    assert len(sent["Message"].encode()) < 256 * 1024
    forms = json.loads(sent["Message"])
    assert forms["default"] == message.text
    assert json.loads(forms["https"])["source"] == "custom"


def test_a_chat_channel_gets_a_custom_notification_of_the_service() -> None:
    world = World()
    told(world, APPROVAL, to_chat=True)
    [sent] = world.published
    assert sent["MessageStructure"] == "json"
    notification = json.loads(json.loads(sent["Message"])["https"])
    assert notification["version"] == "1.0"
    assert notification["content"]["title"] == "fruit: Approve-Prod waits for an approval"
    assert "Commit: 0123abc Peel" in notification["content"]["description"]
    assert notification["content"]["nextSteps"] == ["Approve or reject the release in the console:"]
    assert notification["metadata"] == {"threadId": f"fruit-{RUN}"}
