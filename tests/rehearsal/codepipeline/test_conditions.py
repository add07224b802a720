"""Conditions of stages: what lets an execution in, and what follows when it is not let."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.clients import client
from dpra_constructs.release.runtime import change_calendar
from dpra_constructs.release.stage_conditions import Commands
from tests.rehearsal.codepipeline.small import (
    TOOLS,
    Pipeline,
    Template,
    allow,
    approval,
    arn,
    commit,
    publish,
    role,
    settings,
    source,
    stage,
    template,
    wait_for,
)

Deploy = Callable[[Template], Pipeline]
#: A Tuesday; the window is open on Tuesdays.
CLOSED, OPEN = "2026-11-23T12:00:00+00:00", "2026-11-24T12:00:00+00:00"
TUESDAYS = {"Cron": "* * * ? * TUE", "TimeZone": "Europe/Berlin"}


def rule(name: str, provider: str, configuration: Mapping[str, Any], **more: Any) -> Template:
    return {
        "Name": name,
        "RuleTypeId": {"Category": "Rule", "Owner": "AWS", "Provider": provider, "Version": "1"},
        "Configuration": dict(configuration),
        **more,
    }


def condition(result: str, *rules: Template) -> Template:
    return {"Conditions": [{"Result": result, "Rules": list(rules)}]}


def variable(value: str, operator: str = "EQ") -> Template:
    given = {"Variable": "#{variables.COLOUR}", "Value": value, "Operator": operator}
    return rule("Colour", "VariableCheck", given)


def with_variable(*stages: Template, **more: Any) -> Template:
    variables = [{"Name": "COLOUR", "DefaultValue": "red-ish"}]
    return template(source(), *stages, Variables=variables, **more)


def state(pipeline: Pipeline, stage_name: str, kind: str = "beforeEntry") -> dict[str, Any]:
    found = pipeline.stage(stage_name).get(f"{kind}ConditionState", {})
    assert isinstance(found, dict)
    return found


def status(pipeline: Pipeline, stage_name: str, kind: str = "beforeEntry") -> str:
    return str(state(pipeline, stage_name, kind).get("latestExecution", {}).get("status", ""))


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        ("EQ", "red-ish", True),
        ("EQ", "red", False),
        ("NE", "red", True),
        ("CONTAINS", "red", True),
        ("CONTAINS", "blue", False),
        ("MATCHES", "red-.*", True),
        ("MATCHES", "red", False),
    ],
)
def test_a_variable_lets_an_execution_in_or_not(
    deploy: Deploy, operator: str, value: str, holds: bool
) -> None:
    entry = condition("FAIL", variable(value, operator))
    pipeline = deploy(with_variable(stage("Prod", publish(), BeforeEntry=entry)))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == ("Succeeded" if holds else "Failed")
    assert status(pipeline, "Prod") == ("Succeeded" if holds else "Failed")
    ran = [run["actionName"] for run in pipeline.runs(execution_id)]
    assert ran == (["Take", "Publish"] if holds else ["Take"])
    if not holds:
        assert pipeline.execution(execution_id)["statusSummary"] == (
            "stage Prod failed: beforeEntry: Colour: #{variables.COLOUR} is 'red-ish', which is "
            f"not {operator} {value!r}"
        )
    [found] = pipeline.api.list_rule_executions(
        pipelineName=pipeline.name, filter={"pipelineExecutionId": execution_id}
    )["ruleExecutionDetails"]
    assert found["ruleName"] == "Colour"
    assert found["status"] == ("Succeeded" if holds else "Failed")
    assert found["input"]["resolvedConfiguration"]["Variable"] == "red-ish"


def test_a_stage_is_skipped_where_the_result_says_so(deploy: Deploy) -> None:
    entry = condition("SKIP", variable("blue"))
    pipeline = deploy(
        with_variable(stage("Gamma", publish(), BeforeEntry=entry), stage("Prod", publish()))
    )
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded"
    assert pipeline.stage("Gamma")["latestExecution"]["status"] == "Skipped"
    assert [run["stageName"] for run in pipeline.runs(execution_id)] == ["Source", "Prod"]


def test_all_rules_have_to_succeed(deploy: Deploy) -> None:
    other = {**variable("blue"), "Name": "Other"}
    entry = condition("FAIL", variable("red-ish"), other)
    pipeline = deploy(with_variable(stage("Prod", publish(), BeforeEntry=entry)))
    assert pipeline.status(pipeline.start()) == "Failed"
    [checked] = state(pipeline, "Prod")["conditionStates"]
    rules = {each["ruleName"]: each["latestExecution"]["status"] for each in checked["ruleStates"]}
    assert rules == {"Colour": "Succeeded", "Other": "Failed"}


@pytest.fixture
def closed(place: Path, repository: Path) -> Callable[[str], None]:
    """Sets the time at which the rehearsal takes place."""

    def at(moment: str) -> None:
        settings(place, repository, at=moment, at_since=time.time())

    return at


def windowed() -> Template:
    window = condition("FAIL", rule("Window", "DeploymentWindow", TUESDAYS))
    return template(source(), stage("Prod", publish(), BeforeEntry=window))


def test_a_window_counts_as_open_where_no_time_is_said(deploy: Deploy) -> None:
    pipeline = deploy(windowed())
    assert pipeline.status(pipeline.start()) == "Succeeded"


def test_an_execution_waits_until_the_window_opens(
    deploy: Deploy, closed: Callable[[str], None]
) -> None:
    pipeline = deploy(windowed())
    closed(CLOSED)
    execution_id = pipeline.start()
    wait_for(lambda: status(pipeline, "Prod") == "InProgress")
    wait_for(lambda: "closed at Mon" in str(state(pipeline, "Prod")))
    assert pipeline.published() == {}
    closed(OPEN)
    assert pipeline.status(execution_id) == "Succeeded"
    assert "open at Tue" in str(state(pipeline, "Prod"))


def test_a_window_that_is_waited_for_can_be_overridden(
    deploy: Deploy, closed: Callable[[str], None]
) -> None:
    pipeline = deploy(windowed())
    closed(CLOSED)
    execution_id = pipeline.start()
    wait_for(lambda: status(pipeline, "Prod") == "InProgress")
    pipeline.api.override_stage_condition(
        pipelineName=pipeline.name,
        stageName="Prod",
        pipelineExecutionId=execution_id,
        conditionType="BEFORE_ENTRY",
    )
    assert pipeline.status(execution_id) == "Succeeded"
    assert status(pipeline, "Prod") == "Overridden"


def test_an_execution_that_waits_for_a_window_can_be_stopped(
    deploy: Deploy, closed: Callable[[str], None]
) -> None:
    pipeline = deploy(windowed())
    closed(CLOSED)
    execution_id = pipeline.start()
    wait_for(lambda: status(pipeline, "Prod") == "InProgress")
    pipeline.api.stop_pipeline_execution(
        pipelineName=pipeline.name, pipelineExecutionId=execution_id, reason="wrong"
    )
    assert pipeline.status(execution_id) == "Stopped"
    assert status(pipeline, "Prod") == "Cancelled"


def override(pipeline: Pipeline, execution_id: str, kind: str) -> None:
    pipeline.api.override_stage_condition(
        pipelineName=pipeline.name,
        stageName="Prod",
        pipelineExecutionId=execution_id,
        conditionType=kind,
    )


@pytest.mark.parametrize(
    ("kind", "name"), [("BEFORE_ENTRY", "BeforeEntry"), ("ON_SUCCESS", "OnSuccess")]
)
def test_a_condition_that_failed_can_be_overridden(deploy: Deploy, kind: str, name: str) -> None:
    failing = {name: condition("FAIL", variable("blue"))}
    pipeline = deploy(with_variable(stage("Prod", publish(), **failing)))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Failed"
    override(pipeline, execution_id, kind)
    assert pipeline.status(execution_id) == "Succeeded"
    assert pipeline.published() == {"index.html": "one"}
    assert [run["actionName"] for run in pipeline.runs(execution_id)] == ["Take", "Publish"]
    with pytest.raises(ClientError, match="ConditionNotOverridableException"):
        override(pipeline, execution_id, kind)


def test_a_stage_that_is_tried_again_is_checked_again(deploy: Deploy) -> None:
    entry = condition("FAIL", variable("blue"))
    pipeline = deploy(with_variable(stage("Prod", publish(), BeforeEntry=entry)))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Failed"
    pipeline.api.retry_stage_execution(
        pipelineName=pipeline.name,
        stageName="Prod",
        pipelineExecutionId=execution_id,
        retryMode="ALL_ACTIONS",
    )
    assert pipeline.status(execution_id) == "Failed"
    found = pipeline.api.list_rule_executions(pipelineName=pipeline.name)["ruleExecutionDetails"]
    assert [each["status"] for each in found] == ["Failed", "Failed"]


def test_a_stage_that_succeeded_and_does_not_hold_is_rolled_back(deploy: Deploy) -> None:
    given = rule(
        "Commit",
        "VariableCheck",
        {"Variable": "#{Source.CommitMessage}", "Value": "first", "Operator": "EQ"},
    )
    pipeline = deploy(
        template(source(), stage("Prod", publish(), OnSuccess=condition("ROLLBACK", given)))
    )
    first = pipeline.start()
    assert pipeline.status(first) == "Succeeded"
    commit(pipeline.repository, {"index.html": "two"}, "second")
    second = pipeline.start()
    assert pipeline.status(second) == "Failed"
    rollback = pipeline.executions()[0]
    assert rollback["executionType"] == "ROLLBACK"
    assert pipeline.status(rollback["pipelineExecutionId"]) == "Succeeded"
    assert pipeline.published() == {"index.html": "one"}


@pytest.mark.parametrize(("value", "rolls_back"), [("red-ish", True), ("blue", False)])
def test_a_failed_stage_is_rolled_back_where_its_condition_is_met(
    deploy: Deploy, value: str, rolls_back: bool
) -> None:
    on_failure = condition("ROLLBACK", variable(value))
    pipeline = deploy(
        with_variable(stage("Prod", publish(), approval(order=2), OnFailure=on_failure))
    )
    first = pipeline.start()
    pipeline.answer("Prod", execution_id=first)
    assert pipeline.status(first) == "Succeeded"
    second = pipeline.start()
    pipeline.answer("Prod", execution_id=second, status="Rejected")
    assert pipeline.status(second) == "Failed"
    types = [each["executionType"] for each in pipeline.executions()]
    assert types == (["ROLLBACK"] if rolls_back else []) + ["STANDARD", "STANDARD"]
    assert status(pipeline, "Prod", "onFailure") == ("Succeeded" if rolls_back else "Failed")


ANSWERS = """
import boto3

def handler(event, context):
    job = event["CodePipeline.job"]
    asked = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    codepipeline = boto3.client("codepipeline")
    if asked == "yes":
        codepipeline.put_job_success_result(jobId=job["id"])
    else:
        failure = {"type": "JobFailed", "message": "the calendar is closed"}
        codepipeline.put_job_failure_result(jobId=job["id"], failureDetails=failure)
"""


@pytest.mark.parametrize("asked", ["yes", "no"])
def test_a_function_decides(deploy: Deploy, asked: str) -> None:
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.14",
            "Handler": "index.handler",
            "Role": arn("FunctionRole"),
            "Code": {"ZipFile": ANSWERS},
        },
    }
    given = {"FunctionName": {"Ref": "Decides"}, "UserParameters": asked}
    entry = condition("FAIL", rule("Calendar", "LambdaInvoke", given))
    pipeline = deploy(
        template(
            source(),
            stage("Prod", publish(), BeforeEntry=entry),
            resources={
                "FunctionRole": role("lambda", allow("codepipeline:PutJob*")),
                "Decides": function,
            },
        )
    )
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == ("Succeeded" if asked == "yes" else "Failed")
    if asked == "no":
        assert (
            "Calendar: the calendar is closed" in pipeline.execution(execution_id)["statusSummary"]
        )


def with_commands(
    *lines: str,
    statements: Sequence[Mapping[str, Any]] = (),
    artifacts: Sequence[str] = ("Code",),
) -> Template:
    """A pipeline with a rule of the library, whose role has what the library gives it."""
    given = Commands("Ready", run=lines, input_artifacts=artifacts)
    [permission] = given.own_permissions("${AWS::StackName}")
    places = {"partition": "aws", "region": "${AWS::Region}", "account": "${AWS::AccountId}"}
    resources = [
        re.sub(r"(?<!\$){(\w+)}", lambda found: places[found[1]], each)
        for each in permission.resources
    ]
    logs = allow(*permission.actions, on=[{"Fn::Sub": each} for each in resources])
    runs = role("x", *(statements or (logs, allow("s3:GetObject*"))), trust={"AWS": TOOLS.account})
    entry = condition("FAIL", {**given.properties, "RoleArn": arn("Runs")})
    return template(source(), stage("Prod", publish(), BeforeEntry=entry), resources={"Runs": runs})


def test_commands_that_succeed_let_an_execution_in(deploy: Deploy) -> None:
    role_of_rule = "aws_role=$(python3 -c 'import os; print(os.environ[\"AWS_ACCESS_KEY_ID\"])')"
    pipeline = deploy(
        with_commands(
            role_of_rule,
            'case "$aws_role" in ASIA*) ;; *) exit 1 ;; esac',
            'test "$(cat index.html)" = one',
            'test "$CODEBUILD_SRC_DIR" = "$PWD"',
            "echo everything is ready",
        )
    )
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded", pipeline.execution(execution_id)
    assert status(pipeline, "Prod") == "Succeeded"
    logs = pipeline.client("logs")
    group = f"/aws/codepipeline/{pipeline.name}"
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])
    assert "everything is ready" in [each["message"] for each in events["events"]]


def test_a_command_that_fails_keeps_an_execution_out(deploy: Deploy, tmp_path: Path) -> None:
    pipeline = deploy(with_commands("test -f ready", f"touch {tmp_path}/next"))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Failed"
    assert pipeline.published() == {}
    summary = pipeline.execution(execution_id)["statusSummary"]
    assert "Ready: the build of the commands is FAILED: BUILD: " in summary
    assert "test -f ready" in summary
    assert not (tmp_path / "next").exists()
    commit(pipeline.repository, {"ready": "yes"}, "second")
    assert pipeline.status(pipeline.start()) == "Succeeded"
    assert (tmp_path / "next").exists()


def test_commands_without_an_artifact_begin_in_an_empty_folder(deploy: Deploy) -> None:
    pipeline = deploy(with_commands('test -z "$(ls -A)"', artifacts=()))
    assert pipeline.status(pipeline.start()) == "Succeeded"


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        (allow("s3:GetObject*"), "logs:CreateLogGroup"),
        (allow("logs:CreateLog*", "logs:PutLogEvents"), "s3:GetObject"),
    ],
)
def test_commands_need_their_log_and_their_artifact(
    deploy: Deploy, statement: Mapping[str, Any], missing: str
) -> None:
    pipeline = deploy(with_commands("true", statements=[statement]))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Failed"
    assert missing.partition(":")[2] in pipeline.execution(execution_id)["statusSummary"]


FREEZE = """BEGIN:VCALENDAR
X-CALENDAR-TYPE:DEFAULT_OPEN
BEGIN:VEVENT
DTSTART:20261123T000000Z
DTEND:20261124T000000Z
END:VEVENT
END:VCALENDAR
"""


def frozen() -> Template:
    """A pipeline that asks a calendar of its template, with the function that pipelines have."""
    document = {
        "Type": "AWS::SSM::Document",
        "Properties": {
            "DocumentType": "ChangeCalendar",
            "DocumentFormat": "TEXT",
            "Content": FREEZE,
        },
    }
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.14",
            "Handler": "index.handler",
            "Role": arn("FunctionRole"),
            "Code": {"ZipFile": Path(change_calendar.__file__).read_text()},
        },
    }
    given = {
        "FunctionName": {"Ref": "Asks"},
        "UserParameters": {"Fn::Sub": '{"calendars": ["${Freeze}"]}'},
    }
    entry = condition("FAIL", rule("Calendar", "LambdaInvoke", given))
    reads = {"Fn::Sub": "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:document/${Freeze}"}
    return template(
        source(),
        stage("Prod", publish(), BeforeEntry=entry),
        resources={
            "Freeze": document,
            "FunctionRole": role(
                "lambda", allow("codepipeline:PutJob*"), allow("ssm:GetCalendarState", on=reads)
            ),
            "Asks": function,
        },
    )


def test_an_event_of_a_calendar_closes_a_stage_until_it_is_taken_away(
    deploy: Deploy, closed: Callable[[str], None]
) -> None:
    pipeline = deploy(frozen())
    ssm = pipeline.client("ssm")
    stack = pipeline.client("cloudformation").describe_stack_resource(
        StackName=pipeline.name, LogicalResourceId="Freeze"
    )
    calendar = stack["StackResourceDetail"]["PhysicalResourceId"]
    closed(CLOSED)
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Failed"
    summary = pipeline.execution(execution_id)["statusSummary"]
    assert f"Change calendar closed until 2026-11-24T00:00:00+00:00: one of {calendar}." in summary
    assert pipeline.published() == {}
    before, _, after = FREEZE.partition("BEGIN:VEVENT")
    opened = before + after.partition("END:VEVENT\n")[2]
    ssm.update_document(Name=calendar, Content=opened, DocumentVersion="$LATEST")
    pipeline.api.retry_stage_execution(
        pipelineName=pipeline.name,
        stageName="Prod",
        pipelineExecutionId=execution_id,
        retryMode="ALL_ACTIONS",
    )
    assert pipeline.status(execution_id) == "Succeeded"
    assert pipeline.published() == {"index.html": "one"}


def test_a_calendar_is_asked_at_the_time_at_which_the_release_comes(
    deploy: Deploy, closed: Callable[[str], None]
) -> None:
    pipeline = deploy(frozen())
    assert pipeline.status(pipeline.start()) == "Succeeded"
    closed(CLOSED)
    assert pipeline.status(pipeline.start()) == "Failed"
    closed(OPEN)
    assert pipeline.status(pipeline.start()) == "Succeeded"


def test_a_calendar_that_nobody_has_created_is_open_and_one_that_is_none_is_refused(
    endpoint: str, closed: Callable[[str], None]
) -> None:
    ssm = client("ssm", endpoint, TOOLS)
    closed(CLOSED)
    assert ssm.get_calendar_state(CalendarNames=["of-the-company"])["State"] == "OPEN"
    with pytest.raises(ClientError, match="there is no document of-the-company"):
        ssm.update_document(Name="of-the-company", Content=FREEZE)
    with pytest.raises(ClientError, match="X-CALENDAR-TYPE:SHUT, which is not one of"):
        ssm.create_document(
            Name="shut",
            Content=FREEZE.replace("DEFAULT_OPEN", "SHUT"),
            DocumentType="ChangeCalendar",
            DocumentFormat="TEXT",
        )


def watched(pipeline: Pipeline, red: bool) -> None:
    pipeline.client("cloudwatch").set_alarm_state(
        AlarmName=f"{pipeline.name}-load",
        StateValue="ALARM" if red else "OK",
        StateReason="test",
    )


def with_alarm(**role_of_rule: Any) -> Template:
    name = {"Fn::Sub": "${AWS::StackName}-load"}
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "Namespace": "Fruit",
            "MetricName": "Load",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "ignore",
        },
    }
    checked = rule(
        "Load",
        "CloudWatchAlarm",
        {"AlarmName": name, "AlarmStates": "ALARM"},
        **role_of_rule,
    )
    return template(
        source(),
        stage("Prod", publish(), BeforeEntry=condition("FAIL", checked)),
        resources={
            "Load": alarm,
            "Reads": role("x", allow("cloudwatch:DescribeAlarms"), trust={"AWS": TOOLS.account}),
        },
    )


@pytest.mark.parametrize("red", [True, False])
def test_an_alarm_lets_an_execution_in_or_not(deploy: Deploy, red: bool) -> None:
    pipeline = deploy(with_alarm(RoleArn=arn("Reads")))
    watched(pipeline, red)
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == ("Failed" if red else "Succeeded")


def test_a_rule_needs_a_permission_of_its_role(deploy: Deploy) -> None:
    pipeline = deploy(with_alarm())
    watched(pipeline, red=False)
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Failed"
    summary = pipeline.execution(execution_id)["statusSummary"]
    assert "not authorized to perform: cloudwatch:DescribeAlarms" in summary
