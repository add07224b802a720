"""The events that a rule of EventBridge gets."""

import json
from collections.abc import Callable
from typing import Any

from tests.rehearsal.codepipeline.small import (
    TOOLS,
    Pipeline,
    Template,
    approval,
    source,
    stage,
    template,
    wait_for,
)

Deploy = Callable[[Template], Pipeline]


def listen(pipeline: Pipeline) -> Callable[[int], list[dict[str, Any]]]:
    """Send the pipeline's events to a queue; return what reads them."""
    sqs, events = pipeline.client("sqs"), pipeline.client("events")
    url = sqs.create_queue(QueueName=pipeline.name)["QueueUrl"]
    pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [pipeline.name]}}
    events.put_rule(Name=pipeline.name, EventPattern=json.dumps(pattern))
    arn = f"arn:aws:sqs:{TOOLS.region}:{TOOLS.account}:{pipeline.name}"
    allowed = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(allowed)})
    events.put_targets(Rule=pipeline.name, Targets=[{"Id": "Queue", "Arn": arn}])
    received: list[dict[str, Any]] = []

    def read(count: int) -> list[dict[str, Any]]:
        def look() -> bool:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                received.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return len(received) >= count

        wait_for(look)
        return received

    return read


def test_every_change_of_state_is_an_event(deploy: Deploy) -> None:
    pipeline = deploy(template(source(), stage("Prod", approval())))
    read = listen(pipeline)
    execution_id = pipeline.start()
    pipeline.answer("Prod", status="Rejected")
    assert pipeline.status(execution_id) == "Failed"
    events = read(10)
    seen = [
        (
            event["detail-type"].removesuffix(" Execution State Change"),
            event["detail"].get("action") or event["detail"].get("stage") or "",
            event["detail"]["state"],
        )
        for event in events
    ]
    assert sorted(seen) == sorted(
        [
            ("CodePipeline Pipeline", "", "STARTED"),
            ("CodePipeline Stage", "Source", "STARTED"),
            ("CodePipeline Action", "Take", "STARTED"),
            ("CodePipeline Action", "Take", "SUCCEEDED"),
            ("CodePipeline Stage", "Source", "SUCCEEDED"),
            ("CodePipeline Stage", "Prod", "STARTED"),
            ("CodePipeline Action", "Approve", "STARTED"),
            ("CodePipeline Action", "Approve", "FAILED"),
            ("CodePipeline Stage", "Prod", "FAILED"),
            ("CodePipeline Pipeline", "", "FAILED"),
        ]
    )
    for event in events:
        assert event["source"] == "aws.codepipeline"
        assert event["account"] == TOOLS.account
        assert event["resources"] == [
            f"arn:aws:codepipeline:{TOOLS.region}:{TOOLS.account}:{pipeline.name}"
        ]
        detail = event["detail"]
        assert detail["execution-id"] == execution_id
        assert detail["version"] == 1.0
    [taken] = [
        event["detail"]
        for event in events
        if event["detail"].get("action") == "Take" and event["detail"]["state"] == "SUCCEEDED"
    ]
    assert taken["type"]["provider"] == "CodeStarSourceConnection"
    assert taken["output-artifacts"][0]["name"] == "Code"
    [end] = [
        event["detail"]
        for event in events
        if event["detail-type"].startswith("CodePipeline Pipeline")
        and event["detail"]["state"] == "FAILED"
    ]
    assert end["execution-trigger"]["trigger-type"] == "StartPipelineExecution"
    assert end["pipeline-execution-attempt"] == 1.0
