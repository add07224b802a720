# mypy: disable-error-code="arg-type"
"""Conditions of stages, from the stage constructs to the template and the pipeline's role."""

from collections.abc import Callable
from typing import Any

import pytest

from dpra_constructs import DeploymentWindow, InvalidArgumentError, Requirement, Wave
from dpra_constructs.release.stage_condition_problems import problems
from dpra_constructs.release.stage_conditions import (
    CloudWatchAlarm,
    CodeBuild,
    Commands,
    EntryCondition,
    FailureCondition,
    LambdaInvoke,
    Rule,
    SuccessCondition,
    VariableCheck,
)
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import (
    REGIONS,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    template_of,
    tools_stack,
    wave,
)
from tests.synth.test_build_actions import flat
from tests.synth.test_validity import declared_in, problems_of

ROLE = "arn:aws:iam::111111111111:role/checks"
WINDOW = DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin")
NO_BAKE = {Requirement.PROD_ROLLBACK: "the tests of conditions"}


def entry(*rules: Rule) -> EntryCondition:
    return EntryCondition(rules or [LambdaInvoke("Ready", function="ready")])


def success(*rules: Rule, result: str = "") -> SuccessCondition:
    return SuccessCondition(rules or [CloudWatchAlarm("Calm", alarm="load")], result=result)


def made() -> Any:
    """Make a pipeline in which each stage has what it takes."""
    stack = tools_stack()
    build = build_stage(
        stack,
        before_entry=entry(Commands("Open", run=["./open.sh"], input_artifacts=["Source"])),
        on_success=success(
            CodeBuild(
                "Licences",
                project="licences",
                input_artifacts=["Source", "dist"],
                primary_source="Source",
            ),
            result="FAIL",
        ),
        on_failure=FailureCondition(result="RETRY"),
    )
    beta = beta_stage(
        stack,
        build=build,
        before_entry=entry(
            VariableCheck("Trunk", variable="#{Source.BranchName}", value="main", role_arn=ROLE)
        ),
        on_success=success(LambdaInvoke("Ready", function="ready"), result="FAIL"),
    )
    gamma = gamma_stage(
        stack, beta=beta, on_success=success(CloudWatchAlarm("All", alarm="all", composite=True))
    )
    waves = [
        Wave(
            "one-box",
            REGIONS[:1],
            on_success=success(CloudWatchAlarm("Calm", alarm="load", region="us-east-1")),
        ),
        wave("rest", REGIONS[1:]),
    ]
    prod = prod_waves(
        stack,
        gamma=gamma,
        waves=waves,
        waivers=NO_BAKE,
        window=WINDOW,
        before_entry=entry(LambdaInvoke("Ticket", function="ticket")),
    )
    return pipeline(stack, last_stage=prod)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_of(made())


def conditions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    [found] = resources(template, "AWS::CodePipeline::Pipeline")
    return {
        stage["Name"]: {
            kind: stage[kind] for kind in ("BeforeEntry", "OnSuccess", "OnFailure") if kind in stage
        }
        for stage in found["Stages"]
    }


def rules(condition: dict[str, Any]) -> list[str]:
    return [rule["Name"] for each in condition["Conditions"] for rule in each["Rules"]]


def test_each_stage_has_its_conditions(template: dict[str, Any]) -> None:
    found = conditions(template)
    assert {name: sorted(each) for name, each in found.items() if each} == {
        "Build": ["BeforeEntry", "OnFailure", "OnSuccess"],
        "Beta": ["BeforeEntry", "OnSuccess"],
        "Gamma": ["OnFailure", "OnSuccess"],
        "Approve-Prod": ["BeforeEntry"],
        "Prod-one-box": ["OnFailure", "OnSuccess"],
        "Open-rest": ["BeforeEntry"],
        "Prod-rest": ["OnFailure"],
    }
    assert found["Build"]["OnFailure"] == {
        "Result": "RETRY",
        "RetryConfiguration": {"RetryMode": "FAILED_ACTIONS"},
    }
    assert found["Beta"]["OnSuccess"]["Conditions"][0]["Result"] == "FAIL"
    assert found["Gamma"]["OnSuccess"]["Conditions"][0]["Result"] == "ROLLBACK"
    for name in ("Gamma", "Prod-one-box", "Prod-rest"):
        assert found[name]["OnFailure"] == {"Result": "ROLLBACK"}


def test_what_lets_a_release_into_production_stands_before_each_wave(
    template: dict[str, Any],
) -> None:
    found = conditions(template)
    for stage in ("Approve-Prod", "Open-rest"):
        assert rules(found[stage]["BeforeEntry"]) == [f"Window-{stage}", f"Ticket-{stage}"]


def test_a_rule_reads_the_artifacts_of_the_pipeline(template: dict[str, Any]) -> None:
    [rule] = conditions(template)["Build"]["OnSuccess"]["Conditions"][0]["Rules"]
    assert rule["InputArtifacts"] == [{"Name": "acme_fruit_api_Source"}, {"Name": "Package_dist"}]
    [found] = resources(template, "AWS::CodePipeline::Pipeline")
    outputs = [
        artifact
        for stage in found["Stages"][:2]
        for action in stage["Actions"]
        for artifact in action.get("OutputArtifacts", ())
    ]
    assert all(artifact in outputs for artifact in rule["InputArtifacts"])
    assert rule["Configuration"]["PrimarySource"] == "acme_fruit_api_Source"


def test_codepipeline_takes_it(template: dict[str, Any]) -> None:
    [found] = resources(template, "AWS::CodePipeline::Pipeline")
    assert problems(found) == ()
    assert problems_of(declared_in(template)) == ""


def test_the_pipelines_role_gets_what_each_rule_needs_and_no_others(
    template: dict[str, Any],
) -> None:
    [role] = [
        each
        for each in resources(template, "AWS::IAM::Policy")
        if each["PolicyName"].startswith("PipelineRole")
    ]
    plain = template_of(pipeline())
    [without] = [
        each
        for each in resources(plain, "AWS::IAM::Policy")
        if each["PolicyName"].startswith("PipelineRole")
    ]

    def said(policy: dict[str, Any]) -> set[tuple[str, str]]:
        return {
            (str(action), flat(resource))
            for statement in policy["PolicyDocument"]["Statement"]
            for action in _as_list(statement["Action"])
            for resource in _as_list(statement["Resource"])
        }

    here = "us-west-2:111111111111"
    group = f"arn:<AWS::Partition>:logs:{here}:log-group:/aws/codepipeline/fruit"
    function = f"arn:<AWS::Partition>:lambda:{here}:function"
    project = f"arn:<AWS::Partition>:codebuild:{here}:project/licences"
    added = {
        (action, flat(resource))
        for action, resource in said(role) - said(without)
        # The announcement's action, which comes with the window.
        if "AnnounceActionRole" not in resource
    }
    assert added == {
        *((f"logs:{verb}", arn) for arn in (group, f"{group}:*") for verb in LOG_VERBS),
        ("codebuild:BatchGetBuilds", project),
        ("codebuild:StartBuild", project),
        ("sts:AssumeRole", ROLE),
        ("lambda:InvokeFunction", f"{function}:ready"),
        ("lambda:InvokeFunction", f"{function}:ticket"),
        ("cloudwatch:DescribeAlarms", "*"),
        (
            "cloudwatch:DescribeAlarms",
            "arn:<AWS::Partition>:cloudwatch:us-east-1:111111111111:alarm:load",
        ),
    }


LOG_VERBS = ("CreateLogGroup", "CreateLogStream", "PutLogEvents")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_cdk_nag_finds_nothing() -> None:
    assert unacknowledged_findings(made()) == []


def test_a_condition_alone_makes_a_stage_before_a_wave() -> None:
    stack = tools_stack()
    template = template_of(pipeline(stack, last_stage=prod_waves(stack, before_entry=entry())))
    found = conditions(template)
    assert list(found)[-4:] == ["Approve-Prod", "Prod-one-box", "Open-rest", "Prod-rest"]
    assert rules(found["Open-rest"]["BeforeEntry"]) == ["Ready-Open-rest"]


def build(**arguments: Any) -> Any:
    return build_stage(tools_stack(), **arguments)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "entry condition of another kind": (
        lambda: build(before_entry=success()),
        "BuildStage \"Build\": before_entry=SuccessCondition(rules=(CloudWatchAlarm(name='Calm', "
        "regi... is of type SuccessCondition, and EntryCondition is needed; write it like "
        'before_entry=EntryCondition([LambdaInvoke("Ready", function="ready")])',
    ),
    "success condition of another kind": (
        lambda: build(on_success="Calm"),
        "BuildStage \"Build\": on_success='Calm' is of type str, and SuccessCondition is needed; "
        'write it like on_success=SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])',
    ),
    "failure condition of another kind": (
        lambda: build(on_failure="RETRY"),
        "BuildStage \"Build\": on_failure='RETRY' is of type str, and FailureCondition is needed; "
        'write it like on_failure=FailureCondition(result="RETRY")',
    ),
    "skips": (
        lambda: beta_stage(
            tools_stack(),
            before_entry=EntryCondition([LambdaInvoke("R", function="f")], result="SKIP"),
        ),
        'BetaStage "Beta": before_entry has the result SKIP, with which a release goes on without '
        'the stage; use result="FAIL"; the stage can be retried',
    ),
    "skips the approval": (
        lambda: prod_waves(
            tools_stack(),
            before_entry=EntryCondition([LambdaInvoke("R", function="f")], result="SKIP"),
        ),
        'ProdWaves "Prod": before_entry has the result SKIP, with which a release goes on without '
        'the stage; use result="FAIL"; the stage can be retried',
    ),
    "entry condition of a stage that rolls back on failure": (
        lambda: build(before_entry=entry(), on_failure=FailureCondition()),
        'BuildStage "Build": it has before_entry, and on_failure with the result ROLLBACK; a '
        "rollback would have to pass the entry condition too; give the condition to the stage "
        "before as on_success, or take another result",
    ),
    "entry condition of a stage that rolls back in both ways": (
        lambda: beta_stage(
            tools_stack(),
            before_entry=entry(),
            on_success=success(),
            on_failure=FailureCondition(),
        ),
        'BetaStage "Beta": it has before_entry, and on_success and on_failure with the result '
        "ROLLBACK; a rollback would have to pass the entry condition too; give the condition to "
        "the stage before as on_success, or take another result",
    ),
    "success of gamma": (
        lambda: gamma_stage(tools_stack(), on_success=entry()),
        "GammaStage \"Gamma\": on_success=EntryCondition(rules=(LambdaInvoke(name='Ready', region=N"
        "... is of type EntryCondition, and SuccessCondition is needed; write it like "
        'on_success=SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])',
    ),
    "success of a wave": (
        lambda: Wave("rest", ["us-west-2"], on_success="Calm"),
        "Wave \"rest\": on_success='Calm' is of type str, and SuccessCondition is needed; "
        'write it like on_success=SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])',
    ),
    "five rules and a window": (
        lambda: prod_waves(
            tools_stack(),
            window=WINDOW,
            before_entry=entry(*(LambdaInvoke(f"R{n}", function="f") for n in range(5))),
        ),
        'ProdWaves "Prod": before_entry has 5 rules, beside window, and CodePipeline takes 5 '
        "together; check several things in one function",
    ),
    "a rule's name twice": (
        lambda: pipeline(
            stack := tools_stack(),
            last_stage=beta_stage(
                stack, build=build_stage(stack, on_success=success()), on_success=success()
            ),
        ),
        "DeploymentPipeline \"fruit\": the rule 'Calm' stands in Build and in Beta, and a rule's "
        "name stands once in a pipeline; rename one of them",
    ),
    "an artifact that nobody makes": (
        lambda: pipeline(
            stack := tools_stack(),
            last_stage=beta_stage(
                stack, on_success=success(Commands("A", run=["a"], input_artifacts=["docs"]))
            ),
        ),
        'DeploymentPipeline "fruit": Commands "A" of Beta reads the artifact \'docs\', which is '
        "none of Source, dist; name the source, or an output of a build action",
    ),
    "an output before the build": (
        lambda: pipeline(
            stack := tools_stack(),
            last_stage=beta_stage(
                stack,
                build=build_stage(
                    stack, before_entry=entry(Commands("A", run=["a"], input_artifacts=["dist"]))
                ),
            ),
        ),
        'DeploymentPipeline "fruit": Commands "A" of Build reads the artifact \'dist\', which is '
        "none of Source; name the source, or an output of a build action",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(InvalidArgumentError) as raised:
        make()
    assert str(raised.value) == message
