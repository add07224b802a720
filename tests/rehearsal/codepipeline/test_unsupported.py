"""What is not supported is an error that names it, before anything runs."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.codepipeline.small import (
    Pipeline,
    Template,
    action,
    approval,
    publish,
    source,
    stage,
    template,
)

Deploy = Callable[[Template], Pipeline]
CONDITION: dict[str, Any] = {"Conditions": [{"Rules": []}]}


def checked(name: str, provider: str, **more: Any) -> dict[str, Any]:
    kind = {"Category": "Rule", "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Result": "SKIP", "Rules": [{"Name": name, "RuleTypeId": kind, **more}]}


COMMANDS = checked("Ready", "Commands", Commands=["true\ntrue"])
OTHER = checked("Ready", "ThirdParty")
WINDOW = checked("Window", "DeploymentWindow", Configuration={"Cron": "* *"})


@pytest.mark.parametrize(
    ("stages", "properties", "message"),
    [
        ([], {"ExecutionMode": "PARALLEL"}, "the execution mode PARALLEL"),
        (
            [stage("Prod", action("Go", "AWS/Deploy/ECS"))],
            {},
            "action Prod/Go: the action type AWS/Deploy/ECS, version 1",
        ),
        (
            [stage("Prod", action("Go", "Custom/Build/Jenkins"))],
            {},
            "the action type Custom/Build/Jenkins",
        ),
        (
            [stage("Prod", approval(configuration={"Colour": "red"}))],
            {},
            "action Prod/Approve: its configuration key Colour",
        ),
        ([stage("Prod", publish(TimeoutInMinutes=5))], {}, "TimeoutInMinutes of a S3 action"),
        ([stage("Prod", approval(TimeoutInMinutes=2))], {}, "a timeout of 2 minutes"),
        ([stage("Prod", publish(Commands=["ls"]))], {}, "its property commands"),
        ([stage("Prod", publish(Region="eu-west-1"))], {}, "the region eu-west-1, for which"),
        (
            [stage("Prod", approval(), BeforeEntry=CONDITION)],
            {},
            "stage Prod: beforeEntry with the result that is left out; stage Prod: beforeEntry "
            "with 0 rules",
        ),
        (
            [stage("Prod", approval(), OnSuccess={"Conditions": [COMMANDS] * 2})],
            {},
            "stage Prod: 2 conditions in onSuccess",
        ),
        (
            [stage("Prod", approval(), OnFailure={"Conditions": [OTHER]})],
            {},
            "onFailure with the result SKIP; stage Prod: onFailure with the result SKIP and a "
            "ThirdParty rule; rule Prod/Ready: the rule type ThirdParty, version 1",
        ),
        (
            [stage("Prod", approval(), BeforeEntry={"Conditions": [COMMANDS]})],
            {},
            "stage Prod: beforeEntry with the result SKIP and a Commands rule; rule Prod/Ready: "
            "the command 'true\\ntrue', which has several lines",
        ),
        (
            [stage("Prod", approval(), BeforeEntry={"Conditions": [checked("No", "Commands")]})],
            {},
            "rule Prod/No: that it has no commands",
        ),
        (
            [
                stage(
                    "Prod",
                    approval(),
                    BeforeEntry={"Conditions": [checked("No", "VariableCheck", Commands=["ls"])]},
                )
            ],
            {},
            "rule Prod/No: its property commands",
        ),
        (
            [stage("Prod", approval(), BeforeEntry={"Conditions": [WINDOW]})],
            {},
            "rule Prod/Window: the cron expression '* *', which has not 6 or 7 fields",
        ),
        (
            [stage("Prod", approval(), OnFailure={"Result": "SKIP"})],
            {},
            "onFailure with the result SKIP",
        ),
        (
            [stage("Prod", action("Go", "AWS/Build/CodeBuild", inputs=["Code"]))],
            {},
            "that its configuration has no ProjectName",
        ),
        (
            [
                stage(
                    "Prod",
                    action(
                        "Go",
                        "AWS/Build/CodeBuild",
                        {"ProjectName": "p", "BatchEnabled": "true"},
                        inputs=["Code", "More"],
                    ),
                )
            ],
            {},
            "BatchEnabled; action Prod/Go: several input artifacts without PrimarySource",
        ),
        (
            [stage("Prod", action("Go", "AWS/Build/CodeBuild", {"ProjectName": "p"}))],
            {},
            "that it has no input artifact",
        ),
        (
            [
                stage(
                    "Prod",
                    action(
                        "Go",
                        "AWS/Deploy/CloudFormation",
                        {"ActionMode": "REPLACE_ON_FAILURE", "StackName": "s"},
                    ),
                )
            ],
            {},
            "the ActionMode REPLACE_ON_FAILURE",
        ),
        (
            [
                stage(
                    "Prod",
                    action(
                        "Go",
                        "AWS/Deploy/CloudFormation",
                        {"ActionMode": "DELETE_ONLY", "StackName": "s"},
                    ),
                )
            ],
            {},
            "that its configuration has no RoleArn",
        ),
    ],
)
def test_it_is_named(
    deploy: Deploy, stages: list[Template], properties: dict[str, Any], message: str
) -> None:
    pipeline = deploy(template(source(), *stages, **properties))
    with pytest.raises(ClientError) as caught:
        pipeline.start()
    text = caught.value.response["Error"]["Message"]
    assert text.startswith("this rehearsal does not support ")
    assert message in text
    assert pipeline.executions() == []
