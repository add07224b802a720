"""The approval's stage: what will change, who may approve, and that no author does."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_sns as sns

from dpra_constructs import InvalidArgumentError, ManualApproval, PermissionSet
from dpra_constructs.pipeline.code_build_steps import READ_AUTHORS
from dpra_constructs.release.runtime.check_approver import authors_of
from dpra_constructs.source import CodeCommit, S3Source
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import (
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    source_stage,
    template_of,
    tools_stack,
)
from tests.synth.test_build_actions import flat
from tests.synth.test_entry_conditions import role_of, stages
from tests.synth.test_validity import declared_in, problems_of

WHOLE = ManualApproval(
    message="Look at the dashboard.",
    notify=["release@acme.example"],
    timeout=Duration.hours(2),
    approvers=["teams/release", PermissionSet("Release")],
    forbid_author=True,
)


def of(approval: ManualApproval, **arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    return template_of(
        pipeline(stack, last_stage=prod_waves(stack, approval=approval, **arguments))
    )


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return of(WHOLE)


def actions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["Name"]: each for each in stages(template)["Approve-Prod"]["Actions"]}


def test_the_summary_comes_first_then_the_approval_then_the_check(
    template: dict[str, Any],
) -> None:
    found = actions(template)
    assert {name: each["RunOrder"] for name, each in found.items()} == {
        "Summarize-Changes": 1,
        "Approve": 2,
        "Check-Approver": 3,
    }
    assert problems_of(declared_in(template)) == ""


def test_the_stage_does_not_roll_back(template: dict[str, Any]) -> None:
    assert "OnFailure" not in stages(template)["Approve-Prod"]


def test_the_summary_reads_the_cloud_assembly_and_writes_an_artifact(
    template: dict[str, Any],
) -> None:
    summary = actions(template)["Summarize-Changes"]
    assert summary["InputArtifacts"] == [{"Name": "Seal_Output"}]
    assert summary["OutputArtifacts"] == [{"Name": "Changes"}]
    assert summary["Namespace"] == "Changes"
    assert json.loads(summary["Configuration"]["UserParameters"]) == {
        "pipeline": "fruit",
        "execution": "#{codepipeline.PipelineExecutionId}",
        "commit": "#{Source@acme_fruit-api.CommitId}",
        "authors": "#{Build@SourceLayout.DPRA_COMMIT_AUTHORS}",
    }


def test_the_action_and_so_the_mail_carry_the_changes_and_their_link(
    template: dict[str, Any],
) -> None:
    approve = actions(template)["Approve"]
    assert approve["TimeoutInMinutes"] == 120
    assert approve["Configuration"]["CustomData"] == "Look at the dashboard.\n#{Changes.Text}"
    assert approve["Configuration"]["ExternalEntityLink"] == "#{Changes.Link}"


def test_a_link_of_the_team_leaves_that_of_the_changes_in_the_message() -> None:
    [approve] = [
        each
        for name, each in actions(of(ManualApproval(review_url="https://acme.example"))).items()
        if name == "Approve"
    ]
    assert approve["Configuration"] == {
        "CustomData": "#{Changes.Text}\n#{Changes.Link}",
        "ExternalEntityLink": "https://acme.example",
    }


def test_without_the_changes_the_message_names_the_commit_and_the_execution() -> None:
    template = of(ManualApproval(show_changes=False))
    [approve] = actions(template).values()
    assert approve["Configuration"] == {
        "CustomData": "Commit #{Source@acme_fruit-api.CommitId}\n"
        "Execution #{codepipeline.PipelineExecutionId}",
        "ExternalEntityLink": "https://us-west-2.console.aws.amazon.com/codesuite/codepipeline/"
        "pipelines/fruit/executions/#{codepipeline.PipelineExecutionId}/timeline?region=us-west-2",
    }
    handlers = {each["Handler"] for each in resources(template, "AWS::Lambda::Function")}
    assert not {"runtime.change_summary.handler", "runtime.check_approver.handler"} & handlers


def test_the_longest_message_fits_what_codepipeline_takes() -> None:
    approval = ManualApproval(message="x" * 900, review_url="https://acme.example")
    for given in (approval, ManualApproval(message="x" * 900, show_changes=False)):
        approve = actions(of(given))["Approve"]
        assert len(approve["Configuration"]["CustomData"]) <= 1000


def test_the_summary_may_assume_the_roles_that_deploy_production_and_no_others(
    template: dict[str, Any],
) -> None:
    statements = role_of(template, "change_summary")
    assert [actions for actions, _ in statements][1:] == [
        ["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"],
        "sts:AssumeRole",
    ]
    [name] = [
        each["Role"]["Fn::GetAtt"][0]
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == "runtime.change_summary.handler"
    ]
    policy = template["Resources"][name]["Properties"]["Policies"][0]["PolicyDocument"]
    assert sorted(flat(each) for each in policy["Statement"][-1]["Resource"]) == sorted(
        f"arn:<AWS::Partition>:iam::444444444444:role/cdk-hnb659fds-{role}-role-444444444444-{region}"
        for role in ("deploy", "file-publishing")
        for region in ("us-west-2", "us-east-1", "eu-central-1")
    )


def test_the_function_knows_the_stages_of_production(template: dict[str, Any]) -> None:
    [variables] = [
        each["Environment"]["Variables"]
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == "runtime.change_summary.handler"
    ]
    assert json.loads(variables["STAGES"]) == [
        *("fruit-prod-us-west-2", "fruit-prod-us-east-1", "fruit-prod-eu-central-1")
    ]


def test_the_check_reads_the_executions_of_this_pipeline(template: dict[str, Any]) -> None:
    assert role_of(template, "check_approver")[1:] == [
        (["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"], "*"),
        (
            "codepipeline:ListActionExecutions",
            "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit",
        ),
    ]


def approval_policies(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        each
        for each in resources(template, "AWS::IAM::ManagedPolicy")
        if "codepipeline:PutApprovalResult" in json.dumps(each)
    ]


def test_approvers_are_allowed_and_all_others_can_be_denied(template: dict[str, Any]) -> None:
    allow, deny = approval_policies(template)
    assert (allow["ManagedPolicyName"], allow["Roles"]) == ("fruit-us-west-2-approve", ["release"])
    assert deny["ManagedPolicyName"] == "fruit-us-west-2-only-approvers"
    assert "Roles" not in deny
    [approve, _] = allow["PolicyDocument"]["Statement"]
    [only] = deny["PolicyDocument"]["Statement"]
    action = "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit/Approve-Prod/Approve"
    assert flat(approve["Resource"]) == flat(only["Resource"]) == action
    assert [flat(each) for each in only["Condition"]["ArnNotLike"]["aws:PrincipalArn"]] == [
        "arn:<AWS::Partition>:iam::111111111111:role/teams/release",
        "arn:<AWS::Partition>:iam::111111111111:role/aws-reserved/sso.amazonaws.com/*"
        "AWSReservedSSO_Release_????????????????",
    ]
    assert [each["Value"] for each in template["Outputs"].values() if "Ref" in each["Value"]]


def test_without_approvers_there_are_no_policies() -> None:
    assert approval_policies(of(ManualApproval())) == []


def test_cdk_nag_finds_nothing() -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=prod_waves(stack, approval=WHOLE))
    assert unacknowledged_findings(made) == []


@pytest.mark.parametrize("by_arn", [True, False])
def test_a_topic_of_the_team_is_notified(by_arn: bool) -> None:
    arn = "arn:aws:sns:us-west-2:111111111111:releases"
    stack = tools_stack()
    topic = arn if by_arn else sns.Topic.from_topic_arn(stack, "Releases", arn)
    made = pipeline(stack, last_stage=prod_waves(stack, approval=ManualApproval(topic=topic)))
    approve = actions(template_of(made))["Approve"]
    assert approve["Configuration"]["NotificationArn"] == arn


def last_stage_of(repository: Any, approval: ManualApproval) -> Any:
    stack = tools_stack()
    source = source_stage(stack, repository=repository)
    build = build_stage(stack, source=source)
    gamma = gamma_stage(stack, beta=beta_stage(stack, build=build))
    return stack, lambda: prod_waves(stack, gamma=gamma, approval=approval)


def test_a_source_that_tells_no_author_is_refused() -> None:
    _, make = last_stage_of(
        S3Source("acme-source", object_key="trunk.zip"), ManualApproval(forbid_author=True)
    )
    with pytest.raises(InvalidArgumentError) as raised:
        make()
    assert str(raised.value).startswith('ProdWaves "Prod": approval has forbid_author=True, and ')
    assert str(raised.value).endswith(
        "tells no author; leave forbid_author out, or take the source from a Git repository"
    )


@pytest.mark.parametrize(
    ("repository", "variable"),
    [
        (S3Source("acme-source", object_key="trunk.zip"), "VersionId"),
        (CodeCommit("fruit-api"), "CommitId"),
    ],
)
def test_every_source_names_its_commit(repository: Any, variable: str) -> None:
    stack, make = last_stage_of(repository, ManualApproval())
    template = template_of(pipeline(stack, last_stage=make()))
    told = json.loads(actions(template)["Summarize-Changes"]["Configuration"]["UserParameters"])
    assert told["commit"].endswith(f".{variable}}}")


def test_the_first_build_exports_the_authors_before_anything_of_the_repository_runs(
    template: dict[str, Any], tmp_path: Path
) -> None:
    [text] = [
        each["Source"]["BuildSpec"]
        for each in resources(template, "AWS::CodeBuild::Project")
        if each.get("Name") == "fruit-Build-SourceLayout"
    ]
    buildspec = json.loads(text)
    assert buildspec["env"]["exported-variables"] == ["DPRA_COMMITS", "DPRA_COMMIT_AUTHORS"]
    [command, *_] = buildspec["phases"]["install"]["commands"]
    script = f"""set -e
git init -q .
git -c user.name='Ada "A" Lovelace' -c user.email=ada@acme.example commit -q --allow-empty \\
  -m 'Add pears' -m 'Co-authored-by: Grace <grace@acme.example>'
{command}
printf %s "$DPRA_COMMIT_AUTHORS"
"""
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert [str(each) for each in authors_of(done.stdout)] == [
        'Ada "A" Lovelace <ada@acme.example>',
        "Grace <grace@acme.example>",
    ]


def test_without_a_history_there_are_no_authors_and_synth_goes_on(
    template: dict[str, Any], tmp_path: Path
) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -e\n{READ_AUTHORS}\nprintf '<%s>' \"$DPRA_COMMIT_AUTHORS\""],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "<>"
