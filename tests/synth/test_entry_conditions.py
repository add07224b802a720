"""When a release may enter production: on the stages before the waves, and never on a wave."""

import json
from typing import Any

import pytest

from dpra_constructs import ChangeCalendar, DeploymentWindow, Requirement
from dpra_constructs.release.stage_condition_problems import problems
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import pipeline, prod_waves, template_of, tools_stack
from tests.synth.test_build_actions import flat
from tests.synth.test_validity import declared_in, problems_of

WINDOW = DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin")
CALENDAR = ChangeCalendar(["year-end-freeze"])


def of_prod(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    return template_of(pipeline(stack, last_stage=prod_waves(stack, **arguments)))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return of_prod(window=WINDOW, calendar=CALENDAR)


def stages(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    return {stage["Name"]: stage for stage in made["Stages"]}


def test_they_stand_before_the_waves_and_on_no_stage_that_rolls_back(
    template: dict[str, Any],
) -> None:
    found = stages(template)
    assert list(found)[-4:] == ["Approve-Prod", "Prod-one-box", "Open-rest", "Prod-rest"]
    assert [name for name, stage in found.items() if "BeforeEntry" in stage] == [
        "Approve-Prod",
        "Open-rest",
    ]
    assert not [name for name, s in found.items() if "BeforeEntry" in s and "OnFailure" in s]


def test_a_condition_has_the_window_and_the_calendar(template: dict[str, Any]) -> None:
    [condition] = stages(template)["Open-rest"]["BeforeEntry"]["Conditions"]
    assert condition["Result"] == "FAIL"
    window, calendar = condition["Rules"]
    assert window["Name"] == "Window-Open-rest"
    assert window["Configuration"] == {
        "Cron": "* * 9-15 ? * MON-THU",
        "TimeZone": "Europe/Berlin",
    }
    assert calendar["Name"] == "ChangeCalendar-Open-rest"
    assert calendar["Configuration"] == {
        "FunctionName": "fruit-ChangeCalendar",
        "UserParameters": '{"calendars": ["year-end-freeze"]}',
    }


def test_codepipeline_takes_it(template: dict[str, Any]) -> None:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    assert problems(made) == ()
    assert problems_of(declared_in(template)) == ""


def test_the_pipelines_role_may_ask_the_calendar_and_nothing_for_the_window(
    template: dict[str, Any],
) -> None:
    [role] = [
        each
        for each in resources(template, "AWS::IAM::Policy")
        if each["PolicyName"].startswith("PipelineRole")
    ]
    calls = [
        flat(each["Resource"])
        for each in role["PolicyDocument"]["Statement"]
        if each["Action"] == "lambda:InvokeFunction"
    ]
    assert calls == [
        "arn:<AWS::Partition>:lambda:us-west-2:111111111111:function:fruit-ChangeCalendar"
    ]


def role_of(template: dict[str, Any], module: str) -> list[tuple[Any, str]]:
    [name] = [
        each["Role"]["Fn::GetAtt"][0]
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == f"runtime.{module}.handler"
    ]
    [policy] = template["Resources"][name]["Properties"]["Policies"]
    return [(s["Action"], flat(s["Resource"])) for s in policy["PolicyDocument"]["Statement"]]


def test_the_calendars_function_reads_that_calendar_alone(template: dict[str, Any]) -> None:
    assert role_of(template, "change_calendar")[1:] == [
        (["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"], "*"),
        (
            "ssm:GetCalendarState",
            "arn:<AWS::Partition>:ssm:us-west-2:111111111111:document/year-end-freeze",
        ),
    ]


def test_a_further_wave_is_announced(template: dict[str, Any]) -> None:
    [action] = stages(template)["Open-rest"]["Actions"]
    assert (action["Name"], action["ActionTypeId"]["Provider"]) == ("Announce", "Lambda")
    assert json.loads(action["Configuration"]["UserParameters"]) == {
        "pipeline": "fruit",
        "wave": "Prod-rest",
        "execution": "#{codepipeline.PipelineExecutionId}",
    }
    assert [actions for actions, _ in role_of(template, "announce")[1:]] == [
        ["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
        ["codepipeline:GetPipelineExecution", "codepipeline:ListActionExecutions"],
        "sns:Publish",
        ["kms:Decrypt", "kms:GenerateDataKey"],
    ]


def test_the_self_mutation_waits_for_a_release_between_two_waves(
    template: dict[str, Any],
) -> None:
    builds = json.dumps([each["Source"] for each in resources(template, "AWS::CodeBuild::Project")])
    assert "--wave=Open-rest" in builds
    assert "--wave=Open-one-box" not in builds


def test_cdk_nag_finds_nothing() -> None:
    stack = tools_stack()
    last = prod_waves(stack, window=WINDOW, calendar=CALENDAR)
    assert unacknowledged_findings(pipeline(stack, last_stage=last)) == []


def test_without_an_approval_the_first_wave_has_a_stage_before_it_too() -> None:
    template = of_prod(
        window=WINDOW,
        approval=None,
        waivers={Requirement.PROD_APPROVAL: "customers are inside the company"},
    )
    found = stages(template)
    assert list(found)[-4:] == ["Open-one-box", "Prod-one-box", "Open-rest", "Prod-rest"]
    assert "BeforeEntry" in found["Open-one-box"]
    handlers = {each["Handler"] for each in resources(template, "AWS::Lambda::Function")}
    assert "runtime.change_calendar.handler" not in handlers
    [stopping] = [
        each["Environment"]["Variables"]["ENTRANCE"]
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == "runtime.stop_the_line.handler"
    ]
    assert stopping == "Open-one-box"


def test_without_a_window_or_a_calendar_there_is_no_stage_before_a_wave() -> None:
    found = stages(of_prod())
    assert not [name for name in found if name.startswith("Open-")]
    assert not [stage for stage in found.values() if "BeforeEntry" in stage]
