"""The resources that publish the delivery metrics."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack

from dpra_constructs import InvalidArgumentError, Requirement
from dpra_constructs.dead_letters import DeadLetters
from dpra_constructs.delivery_metrics import DeliveryMetrics
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import beta_stage, gamma_stage, pipeline, template_of, tools_stack
from tests.synth.test_build_actions import flat


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_of(pipeline(tools_stack()))


def logical_id(template: dict[str, Any], kind: str, of: str = "DeliveryMetrics") -> str:
    [found] = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind and name.startswith(f"Pipeline{of}")
    ]
    return str(found)


def properties(template: dict[str, Any], kind: str, of: str = "DeliveryMetrics") -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][logical_id(template, kind, of)]["Properties"]
    return found


def test_the_end_of_an_execution_calls_the_function(template: dict[str, Any]) -> None:
    rule = properties(template, "AWS::Events::Rule")
    [arn] = rule["EventPattern"].pop("resources")
    assert flat(arn) == "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit"
    assert rule["EventPattern"] == {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Pipeline Execution State Change"],
        "detail": {"pipeline": ["fruit"], "state": ["SUCCEEDED", "FAILED"]},
    }
    queue = {"Fn::GetAtt": [logical_id(template, "AWS::SQS::Queue", "DeadLetters"), "Arn"]}
    function = {"Fn::GetAtt": [logical_id(template, "AWS::Lambda::Function"), "Arn"]}
    assert rule["Targets"] == [
        {"Id": "DeliveryMetrics", "Arn": function, "DeadLetterConfig": {"Arn": queue}}
    ]
    permission = properties(template, "AWS::Lambda::Permission")
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"]["Fn::GetAtt"][0] == logical_id(template, "AWS::Events::Rule")


def test_the_function_may_read_its_pipeline_and_nothing_else(template: dict[str, Any]) -> None:
    role = properties(template, "AWS::IAM::Role")
    assert "ManagedPolicyArns" not in role
    [policy] = role["Policies"]
    [group] = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Logs::LogGroup"
        and resource["Properties"]["LogGroupName"] == "/aws/lambda/fruit-DeliveryMetrics"
    ]
    assert {
        flat(each["Resource"]): each["Action"] for each in policy["PolicyDocument"]["Statement"]
    } == {
        f"<{group}.Arn>": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit": [
            "codepipeline:ListActionExecutions",
            "codepipeline:ListPipelineExecutions",
        ],
        f"<{logical_id(template, 'AWS::SQS::Queue', 'DeadLetters')}.Arn>": "sqs:SendMessage",
    }
    # The log is encrypted with the pipeline's key.
    assert "PipelineArtifactKey" in str(template["Resources"][group]["Properties"]["KmsKeyId"])


def test_the_function_knows_the_waves(template: dict[str, Any]) -> None:
    function = properties(template, "AWS::Lambda::Function")
    variables = function["Environment"]["Variables"]
    assert variables["PIPELINE"] == "fruit"
    assert all(each.startswith("Prod-") for each in json.loads(variables["PRODUCTION"]))
    assert variables["WINDOW_DAYS"] == "30"
    assert function["MemorySize"] == 256
    assert function["DeadLetterConfig"]["TargetArn"]["Fn::GetAtt"][0] == logical_id(
        template, "AWS::SQS::Queue", "DeadLetters"
    )


def test_a_pipeline_that_ends_with_gamma_has_no_stage_of_production() -> None:
    stack = tools_stack()
    template = template_of(pipeline(stack, last_stage=gamma_stage(stack)))
    function = properties(template, "AWS::Lambda::Function")
    assert function["Environment"]["Variables"]["PRODUCTION"] == "[]"


def test_a_waiver_leaves_them_out() -> None:
    stack = tools_stack()
    waivers = {Requirement.METRICS: "measured by the company's own portal"}
    made = pipeline(stack, last_stage=beta_stage(stack), waivers=waivers)
    assert made.delivery_metrics is None
    template = template_of(made)
    assert not resources(template, "AWS::CloudWatch::Dashboard")


def test_any_other_pipeline_can_have_them() -> None:
    app = App()
    stack = Stack(app, "Tools", env=Environment(account="111111111111", region="us-west-2"))
    metrics = DeliveryMetrics(
        stack,
        "Metrics",
        pipeline="other_pipeline",
        production_stages=["Deploy"],
        window=Duration.days(90),
        alarm_topic_arn="arn:aws:sns:us-west-2:111111111111:team",
    )
    assert unacknowledged_findings(app) == []
    template = app.synth().get_stack_by_name("Tools").template
    [group] = resources(template, "AWS::Logs::LogGroup")
    assert group == {
        "LogGroupName": "/aws/lambda/other_pipeline-DeliveryMetrics",
        "RetentionInDays": 365,
    }
    [alarm] = resources(template, "AWS::CloudWatch::Alarm")
    assert alarm["AlarmActions"] == ["arn:aws:sns:us-west-2:111111111111:team"]
    assert metrics.dashboard.dashboard_name == "other_pipeline-us-west-2"
    [queue] = resources(template, "AWS::SQS::Queue")
    assert queue["QueueName"] == "other_pipeline-DeliveryMetrics-DeadLetters"
    assert metrics.alarm.alarm_name == metrics.dead_letter_queue.queue_name == queue["QueueName"]
    [policy] = resources(template, "AWS::SQS::QueuePolicy")
    assert "MetricsExecutionEnded" in str(policy["PolicyDocument"]["Statement"][0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"pipeline": "a.b"},
            "DeliveryMetrics \"M\": pipeline='a.b' is not the name of a pipeline whose metrics can "
            "be published: 1 to 48 letters, digits, hyphens and underscores; write it like "
            'pipeline="fruit-api"',
        ),
        (
            {"production_stages": "Deploy"},
            "DeliveryMetrics \"M\": production_stages='Deploy' is not a sequence of texts; write "
            "it as a list: production_stages=[...]",
        ),
        (
            {"window": Duration.days(151)},
            'DeliveryMetrics "M": window=151 days is not between 1 and 150 days; write it like '
            "window=Duration.days(15)",
        ),
        (
            {"dashboard": "mine"},
            "DeliveryMetrics \"M\": dashboard='mine' is of type str, and PipelineDashboard is "
            "needed; write it like dashboard=PipelineDashboard(...)",
        ),
        (
            {"alarm_topic_arn": ""},
            "DeliveryMetrics \"M\": alarm_topic_arn='' is not a text that says something; give "
            "alarm_topic_arn a text",
        ),
        (
            {"log_group": "mine"},
            "DeliveryMetrics \"M\": log_group='mine' is of type str, and CfnLogGroup is needed; "
            "write it like log_group=CfnLogGroup(...)",
        ),
        (
            {"dead_letters": "mine"},
            "DeliveryMetrics \"M\": dead_letters='mine' is of type str, and DeadLetters is needed; "
            "write it like dead_letters=DeadLetters(...)",
        ),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    given = {"pipeline": "fruit", "production_stages": ["Deploy"], **arguments}
    with pytest.raises(InvalidArgumentError) as raised:
        DeliveryMetrics(Stack(App(), "Tools"), "M", **given)
    assert str(raised.value) == message


def test_a_topic_beside_the_dead_letters_of_a_pipeline_is_refused() -> None:
    stack = Stack(App(), "Tools")
    letters = DeadLetters(stack, of="fruit", pipeline="fruit")
    with pytest.raises(InvalidArgumentError) as raised:
        DeliveryMetrics(
            stack,
            "M",
            pipeline="fruit",
            production_stages=[],
            dead_letters=letters,
            alarm_topic_arn="arn:aws:sns:us-west-2:111111111111:team",
        )
    assert str(raised.value) == (
        'DeliveryMetrics "M": both alarm_topic_arn and dead_letters are given, which have an '
        "alarm; leave alarm_topic_arn out"
    )


def test_the_code_runs_as_it_is_deployed(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    pipeline(tools_stack(app))
    app.synth()
    [asset] = [each.parents[1] for each in tmp_path.glob("asset.*/runtime/publish.py")]
    files = {path.relative_to(asset).as_posix() for path in asset.rglob("*") if path.is_file()}
    assert files == {
        f"runtime/{name}.py" for name in ("__init__", "calculations", "history", "publish")
    }
    program = (
        f"import sys; sys.path.insert(0, {str(asset)!r})\n"
        "import runtime.publish\n"
        "print(runtime.publish.handler.__name__, 'boto3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["handler", "False"], done.stderr


def test_the_build_exports_the_commits_and_the_action_has_a_namespace(
    template: dict[str, Any],
) -> None:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    [build] = [stage for stage in made["Stages"] if stage["Name"] == "Build"]
    namespaces = {each["Name"]: each.get("Namespace") for each in build["Actions"]}
    assert namespaces["SourceLayout"] == "Build@SourceLayout"
    [project] = [
        each
        for each in resources(template, "AWS::CodeBuild::Project")
        if each.get("Name") == "fruit-Build-SourceLayout"
    ]
    spec = json.loads(project["Source"]["BuildSpec"])
    assert spec["env"]["exported-variables"] == ["DPRA_COMMITS", "DPRA_COMMIT_AUTHORS"]
