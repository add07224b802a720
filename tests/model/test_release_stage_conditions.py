"""Stage conditions: what is rendered, what is refused, and what CodePipeline would refuse."""

import copy
import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from dpra_constructs import InvalidArgumentError
from dpra_constructs.release.deployment_window import DeploymentWindow
from dpra_constructs.release.stage_condition_problems import problems
from dpra_constructs.release.stage_conditions import (
    CloudWatchAlarm,
    CodeBuild,
    Commands,
    EntryCondition,
    FailureCondition,
    LambdaInvoke,
    OpenWindow,
    Rule,
    SuccessCondition,
    VariableCheck,
)

WINDOW = DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin")
ROLE = "arn:aws:iam::111111111111:role/checks"
EVERY: list[Rule] = [
    LambdaInvoke("Function", function="ready", user_parameters="{}", region="us-east-1"),
    VariableCheck("Trunk", variable="#{Source.BranchName}", value="main", role_arn=ROLE),
    CodeBuild(
        "Build",
        project="licences",
        environment={"LEVEL": "high"},
        input_artifacts=["Source", "Other"],
        primary_source="Source",
    ),
    Commands("Ready", run=["./ready.sh"], input_artifacts=["Source"]),
    CloudWatchAlarm("Calm", alarm="db-load", states=["OK"], wait_minutes=5),
]


def stage(name: str = "Prod", **conditions: Any) -> dict[str, Any]:
    kind = {"Category": "Deploy", "Owner": "AWS", "Provider": "S3", "Version": "1"}
    return {"Name": name, "Actions": [{"Name": "Deploy", "ActionTypeId": kind}], **conditions}


def pipeline() -> dict[str, Any]:
    return {
        "PipelineType": "V2",
        "Stages": [
            stage("Gamma", OnFailure=FailureCondition(result="RETRY").properties),
            stage(
                "Approve-Prod",
                BeforeEntry=EntryCondition([OpenWindow("Window", window=WINDOW)]).properties,
            ),
            stage(
                "Prod",
                OnSuccess=SuccessCondition(EVERY).properties,
                OnFailure=FailureCondition().properties,
            ),
        ],
    }


def as_request(value: Any, *, literal: bool = False) -> Any:
    """Turn CloudFormation's names into those of the service's API."""
    if isinstance(value, list):
        return [as_request(each) for each in value]
    if isinstance(value, dict):
        return {
            key if literal else key[0].lower() + key[1:]: as_request(
                each, literal=key == "Configuration"
            )
            for key, each in value.items()
        }
    return value


def test_the_service_takes_every_condition() -> None:
    model = botocore.session.get_session().get_service_model("codepipeline")
    request = as_request(pipeline())["stages"]
    report = ParamValidator().validate(
        {"name": "fruit", "roleArn": ROLE, "version": 1, "stages": request},
        model.shape_for("PipelineDeclaration"),
    )
    assert not report.has_errors(), report.generate_report()


def test_nothing_is_wrong_with_what_is_rendered() -> None:
    assert problems(pipeline()) == ()


def test_the_model_knows_every_rule_and_result_that_is_used() -> None:
    model = botocore.session.get_session().get_service_model("codepipeline")
    assert set(model.shape_for("Result").metadata["enum"]) == {"ROLLBACK", "FAIL", "RETRY", "SKIP"}
    assert model.shape_for("RuleDeclarationList").metadata["max"] == 5
    assert model.shape_for("ConditionList").metadata["max"] == 1
    assert model.shape_for("RuleConfigurationValue").metadata["max"] == 10_000
    assert model.shape_for("CommandList").metadata["max"] == 50


Change = Callable[[dict[str, Any]], None]


def in_stage(number: int, kind: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    def apply(given: dict[str, Any]) -> None:
        change(given["Stages"][number][kind])

    return apply


def entry(change: Callable[[dict[str, Any]], Any]) -> Change:
    return in_stage(1, "BeforeEntry", lambda kind: change(kind["Conditions"][0]))


def success(change: Callable[[dict[str, Any]], Any]) -> Change:
    return in_stage(2, "OnSuccess", lambda kind: change(kind["Conditions"][0]))


def rule(number: int, change: Callable[[dict[str, Any]], Any]) -> Change:
    return success(lambda condition: change(condition["Rules"][number]))


def with_rules(count: int) -> Change:
    def many(condition: dict[str, Any]) -> None:
        condition["Rules"] = [
            {**condition["Rules"][1], "Name": f"Rule{number}"} for number in range(count)
        ]

    return success(many)


BROKEN: list[tuple[str, Change, str]] = [
    ("V1", lambda p: p.update(PipelineType="V1"), "Gamma OnFailure: the pipeline is of type V1"),
    ("no type", lambda p: p.pop("PipelineType"), "the pipeline is of type V1, and conditions need"),
    (
        "two conditions",
        in_stage(2, "OnSuccess", lambda k: k["Conditions"].append({"Result": "FAIL", "Rules": []})),
        "Prod OnSuccess: it has 2 conditions, and exactly 1 is taken",
    ),
    (
        "no condition",
        in_stage(2, "OnSuccess", lambda k: k.update(Conditions=[])),
        "it has 0 conditions",
    ),
    ("nothing", in_stage(2, "OnSuccess", lambda k: k.clear()), "Conditions is missing"),
    ("six rules", with_rules(6), "a condition has 6 rules, and 1 to 5 are taken"),
    ("no rules", with_rules(0), "a condition has 0 rules"),
    ("rules missing", success(lambda c: c.pop("Rules")), "a condition has no Rules"),
    ("entry rolls back", entry(lambda c: c.update(Result="ROLLBACK")), "FAIL or SKIP is needed"),
    ("success skips", success(lambda c: c.update(Result="SKIP")), "ROLLBACK or FAIL is needed"),
    ("success retries", success(lambda c: c.update(Result="RETRY")), "ROLLBACK or FAIL is needed"),
    ("no result", entry(lambda c: c.pop("Result")), "a condition's Result is None"),
    ("window skips", entry(lambda c: c.update(Result="SKIP")), "DeploymentWindow cannot SKIP"),
    (
        "failure fails",
        in_stage(2, "OnFailure", lambda k: k.update(Result="FAIL")),
        "Prod OnFailure: Result is FAIL, and ROLLBACK or RETRY is needed",
    ),
    (
        "failure of nothing",
        in_stage(2, "OnFailure", lambda k: k.clear()),
        "it has neither Result nor Conditions",
    ),
    (
        "retry with conditions",
        in_stage(0, "OnFailure", lambda k: k.update(Conditions=[{"Result": "ROLLBACK"}])),
        "Gamma OnFailure: RETRY excludes Conditions",
    ),
    (
        "retry mode of a rollback",
        in_stage(0, "OnFailure", lambda k: k.update(Result="ROLLBACK")),
        "RetryConfiguration needs the Result RETRY",
    ),
    (
        "wrong retry mode",
        in_stage(0, "OnFailure", lambda k: k.update(RetryConfiguration={"RetryMode": "ONCE"})),
        "RetryMode is ONCE, and FAILED_ACTIONS or ALL_ACTIONS is needed",
    ),
    (
        "result of a success",
        in_stage(2, "OnSuccess", lambda k: k.update(Result="ROLLBACK")),
        "Prod OnSuccess: Result is not known there",
    ),
    ("unnamed rule", rule(0, lambda r: r.pop("Name")), "a rule has no Name"),
    ("wrong name", rule(0, lambda r: r.update(Name="a b")), "'a b' is not the name of a rule"),
    ("name twice", rule(0, lambda r: r.update(Name="Trunk")), "Trunk stands 2 times"),
    (
        "name twice in the pipeline",
        rule(0, lambda r: r.update(Name="Window")),
        "the rule name Window stands 2 times in the pipeline",
    ),
    ("no type", rule(0, lambda r: r.pop("RuleTypeId")), "RuleTypeId is missing"),
    (
        "unknown provider",
        rule(0, lambda r: r["RuleTypeId"].update(Provider="ChangeCalendar")),
        "its Provider is ChangeCalendar",
    ),
    (
        "category of an action",
        rule(0, lambda r: r["RuleTypeId"].update(Category="Invoke")),
        "its Category is Invoke, and Rule is needed",
    ),
    (
        "owner",
        rule(0, lambda r: r["RuleTypeId"].update(Owner="Custom")),
        "its Owner is Custom, and AWS is needed",
    ),
    ("no function", rule(0, lambda r: r.pop("Configuration")), "LambdaInvoke needs FunctionName"),
    (
        "operator",
        rule(1, lambda r: r["Configuration"].update(Operator="LIKE")),
        "Operator is LIKE",
    ),
    (
        "unknown key",
        rule(4, lambda r: r["Configuration"].update(Timeout="5")),
        "CloudWatchAlarm does not know Timeout",
    ),
    (
        "number",
        rule(4, lambda r: r["Configuration"].update(WaitTime=5)),
        "WaitTime is 5, and text is needed",
    ),
    (
        "wait",
        rule(4, lambda r: r["Configuration"].update(WaitTime="1.5")),
        "WaitTime is '1.5', and whole minutes are needed",
    ),
    (
        "states",
        rule(4, lambda r: r["Configuration"].update(AlarmStates="OK,RED")),
        "AlarmStates has RED",
    ),
    (
        "long value",
        rule(0, lambda r: r["Configuration"].update(UserParameters="x" * 10_001)),
        "UserParameters has 10001 characters",
    ),
    ("no commands", rule(3, lambda r: r.pop("Commands")), "it has 0 Commands"),
    ("51 commands", rule(3, lambda r: r.update(Commands=["a"] * 51)), "it has 51 Commands"),
    (
        "two lines",
        rule(3, lambda r: r.update(Commands=["a\nb"])),
        "a command is more than one line",
    ),
    (
        "commands of another",
        rule(0, lambda r: r.update(Commands=["a"])),
        "LambdaInvoke takes no Commands",
    ),
    (
        "cron of five fields",
        entry(lambda c: c["Rules"][0]["Configuration"].update(Cron="0 9 * * 1")),
        "has not 6 or 7 fields",
    ),
    (
        "offset for a time zone",
        entry(lambda c: c["Rules"][0]["Configuration"].update(TimeZone="+02:00")),
        "is not a name of the IANA time zone database",
    ),
]


@pytest.mark.parametrize(("change", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_broken_conditions_are_found(change: Change, message: str) -> None:
    given = copy.deepcopy(pipeline())
    change(given)
    assert message in "\n".join(problems(given))


def test_references_are_taken_as_they_are() -> None:
    given = pipeline()
    alarm = given["Stages"][2]["OnSuccess"]["Conditions"][0]["Rules"][4]["Configuration"]
    alarm["AlarmName"] = {"Ref": "Alarm"}
    assert problems(given) == ()


def permissions(of: Rule) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    given = of.permissions("fruit")
    return [(tuple(each.actions), tuple(each.resources)) for each in given]


HERE = "{region}:{account}"


@pytest.mark.parametrize(
    ("of", "needed"),
    [
        (
            EVERY[0],
            [
                (
                    ("lambda:InvokeFunction",),
                    ("arn:{partition}:lambda:us-east-1:{account}:function:ready",),
                )
            ],
        ),
        (EVERY[1], [(("sts:AssumeRole",), (ROLE,))]),
        (VariableCheck("V", variable="#{a.b}", value="c"), []),
        (OpenWindow("W", window=WINDOW), []),
        (
            EVERY[2],
            [
                (
                    ("codebuild:BatchGetBuilds", "codebuild:StartBuild"),
                    (f"arn:{{partition}}:codebuild:{HERE}:project/licences",),
                )
            ],
        ),
        (
            EVERY[3],
            [
                (
                    ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
                    (
                        f"arn:{{partition}}:logs:{HERE}:log-group:/aws/codepipeline/fruit",
                        f"arn:{{partition}}:logs:{HERE}:log-group:/aws/codepipeline/fruit:*",
                    ),
                )
            ],
        ),
        (
            EVERY[4],
            [
                (
                    ("cloudwatch:DescribeAlarms",),
                    (f"arn:{{partition}}:cloudwatch:{HERE}:alarm:db-load",),
                )
            ],
        ),
        (
            CloudWatchAlarm("C", alarm="all", composite=True),
            [(("cloudwatch:DescribeAlarms",), ("*",))],
        ),
    ],
)
def test_each_rule_needs_these_permissions_and_no_others(of: Rule, needed: Any) -> None:
    assert permissions(of) == needed


def test_a_condition_needs_what_its_rules_need_once() -> None:
    twice = [Commands("A", run=["a"]), Commands("B", run=["b"])]
    assert len(EntryCondition(twice).permissions("fruit")) == 1


def wrong(value: Any) -> Any:
    return value


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LambdaInvoke("a b", function="f"), "name='a b' is not the name of a rule"),
        (lambda: LambdaInvoke("", function="f"), "name='' is not the name of a rule"),
        (lambda: LambdaInvoke("A", function="f f"), "function='f f' is not a Lambda function's"),
        (lambda: LambdaInvoke("A", function="f", user_parameters=""), "user_parameters='' is not"),
        (
            lambda: LambdaInvoke("A", function="f", user_parameters="x" * 10_001),
            "user_parameters has 10001 characters, and CodePipeline takes 10000",
        ),
        (lambda: LambdaInvoke("A", function="f", region="west"), "region='west' is not the name"),
        (lambda: LambdaInvoke("A", function="f", role_arn="r"), "role_arn='r' is not the ARN of"),
        (
            lambda: LambdaInvoke("A", function="f", input_artifacts="S"),
            "input_artifacts='S' is not a sequence",
        ),
        (lambda: VariableCheck("A", variable="x", value="y"), "variable='x' is not a variable"),
        (
            lambda: VariableCheck("A", variable="#{a.b}", value="y", operator="LIKE"),
            "operator='LIKE' is not one of CONTAINS, EQ, MATCHES, NE",
        ),
        (lambda: VariableCheck("A", variable="#{a.b}", value=""), "value='' is not a text"),
        (lambda: CodeBuild("A", project="-"), "project='-' is not a CodeBuild project's name"),
        (
            lambda: CodeBuild("A", project="pp", environment={"API_TOKEN": "x"}),
            "environment has API_TOKEN, which by its name is a secret",
        ),
        (
            lambda: CodeBuild("A", project="pp", input_artifacts=["S", "T"]),
            "it has 2 input_artifacts, and no primary_source",
        ),
        (
            lambda: CodeBuild("A", project="pp", primary_source="S"),
            "primary_source='S' is none of its input_artifacts",
        ),
        (lambda: Commands("A", run=[]), "run is empty"),
        (lambda: Commands("A", run=["a"] * 51), "run has 51 commands, and the rule takes 50"),
        (lambda: Commands("A", run=["a\nb"]), "which is more than one line of 1000 characters"),
        (lambda: CloudWatchAlarm("A", alarm=""), "alarm='' is not a text"),
        (lambda: CloudWatchAlarm("A", alarm="x" * 256), "alarm has 256 characters"),
        (lambda: CloudWatchAlarm("A", alarm="x", states=["RED"]), "states='RED' is not one of"),
        (
            lambda: CloudWatchAlarm("A", alarm="x", states=["OK", "OK"]),
            "states has OK more than once",
        ),
        (
            lambda: CloudWatchAlarm("A", alarm="x", wait_minutes=0),
            "wait_minutes=0 is not a whole number from 1 to 1440",
        ),
        (
            lambda: CloudWatchAlarm("A", alarm="x", composite=wrong(1)),
            "composite=1 is not True or False",
        ),
        (lambda: OpenWindow("A", window=wrong("MON")), "window='MON' is of type str"),
        (lambda: EntryCondition([]), "it has 0 rules, and CodePipeline takes 1 to 5"),
        (
            lambda: SuccessCondition([Commands(f"A{n}", run=["a"]) for n in range(6)]),
            "it has 6 rules",
        ),
        (lambda: EntryCondition(wrong("A")), "rules='A' is no sequence of rules"),
        (lambda: EntryCondition([wrong("A")]), "rules='A' is of type str, and Rule is needed"),
        (
            lambda: EntryCondition([Commands("A", run=["a"]), Commands("A", run=["b"])]),
            "the names of rules has A more than once",
        ),
        (
            lambda: EntryCondition([Commands("A", run=["a"])], result="ROLLBACK"),
            "result='ROLLBACK' is not one of FAIL, SKIP",
        ),
        (
            lambda: EntryCondition([Commands("A", run=["a"])], result="SKIP"),
            "result=SKIP with A, and CodePipeline skips by LambdaInvoke and VariableCheck alone",
        ),
        (
            lambda: SuccessCondition([Commands("A", run=["a"])], result="RETRY"),
            "result='RETRY' is not one of FAIL, ROLLBACK",
        ),
        (
            lambda: FailureCondition([Commands("A", run=["a"])], result="RETRY"),
            "result=RETRY with rules, and CodePipeline retries without conditions alone",
        ),
        (
            lambda: FailureCondition(retry_mode="ALL_ACTIONS"),
            "retry_mode='ALL_ACTIONS' is given, and the result is ROLLBACK",
        ),
        (
            lambda: FailureCondition(result="RETRY", retry_mode="ONCE"),
            "retry_mode='ONCE' is not one of",
        ),
    ],
)
def test_wrong_values_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        make()
    assert message in str(raised.value)


def test_cfn_lint_lets_most_of_them_through() -> None:
    """Why there is a check of our own; when cfn-lint learns more, ours can go."""
    from cfnlint.api import lint_all

    resources: dict[str, Any] = {}
    for number, (_, change, _) in enumerate(BROKEN):
        given = copy.deepcopy(pipeline())
        change(given)
        resources[f"P{number}"] = {
            "Type": "AWS::CodePipeline::Pipeline",
            "Properties": {
                "RoleArn": ROLE,
                "ArtifactStore": {"Type": "S3", "Location": "bucket"},
                **given,
            },
        }
    kinds = {"OnSuccess", "OnFailure", "BeforeEntry"}
    matches: list[Any] = lint_all(json.dumps({"Resources": resources}))
    found = {
        str(match.path[1])
        for match in matches
        if match.path and kinds.intersection(map(str, match.path))
    }
    assert len(resources.keys() - found) >= 20
