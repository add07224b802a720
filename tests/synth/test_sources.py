"""Each kind of source starts the pipeline for its trunk, and nothing else does."""

from typing import Any

import pytest

from dpra_constructs.source import (
    Bitbucket,
    CodeCommit,
    ConnectedRepository,
    GitHub,
    GitHubEnterpriseServer,
    GitLab,
    GitLabSelfManaged,
    S3Source,
)
from tests.conftest import resources
from tests.pipelines import (
    CONNECTION,
    beta_stage,
    build_stage,
    pipeline,
    source_stage,
    template_of,
    tools_stack,
)


def starting_rules(template: dict[str, Any]) -> list[Any]:
    """Return the rules that start the pipeline, which takes a role; others call functions."""
    rules = resources(template, "AWS::Events::Rule")
    return [rule for rule in rules if any("RoleArn" in each for each in rule["Targets"])]


def template_with(repository: Any) -> dict[str, Any]:
    stack = tools_stack()
    build = build_stage(stack, source=source_stage(stack, repository=repository))
    return template_of(pipeline(stack, last_stage=beta_stage(stack, build=build)))


@pytest.mark.parametrize(
    "host", [GitHub, GitHubEnterpriseServer, GitLab, GitLabSelfManaged, Bitbucket]
)
def test_a_connected_repository(host: type[ConnectedRepository]) -> None:
    repository = host("acme/fruit", connection_arn=CONNECTION, trunk="trunk", only_paths=["src/**"])
    template = template_with(repository)
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    [source] = made["Stages"][0]["Actions"]
    assert source["Configuration"] == {
        "ConnectionArn": CONNECTION,
        "FullRepositoryId": "acme/fruit",
        "BranchName": "trunk",
        "OutputArtifactFormat": "CODEBUILD_CLONE_REF",
        "DetectChanges": False,
    }
    [trigger] = made["Triggers"]
    assert trigger["GitConfiguration"]["Push"] == [
        {"Branches": {"Includes": ["trunk"]}, "FilePaths": {"Includes": ["src/**"]}}
    ]
    assert not starting_rules(template)


def test_the_clone_is_granted_under_both_names_of_the_service() -> None:
    template = template_with(GitHub("acme/fruit", connection_arn=CONNECTION))
    grants: dict[str, set[str]] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Policy":
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                if statement["Resource"] == CONNECTION:
                    actions = statement["Action"]
                    grants.setdefault(name, set()).update(
                        [actions] if isinstance(actions, str) else actions
                    )
    both = {"codeconnections:UseConnection", "codestar-connections:UseConnection"}
    # The source action, the check of the source, four build actions, synth and two tests.
    assert len(grants) == 9
    assert all(both <= actions for actions in grants.values())


def test_code_commit() -> None:
    template = template_with(CodeCommit("fruit", trunk="trunk"))
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    [source] = made["Stages"][0]["Actions"]
    assert source["Configuration"]["BranchName"] == "trunk"
    assert source["Configuration"]["PollForSourceChanges"] is False
    assert "Triggers" not in made
    [rule] = starting_rules(template)
    assert rule["EventPattern"]["detail"]["referenceName"] == ["trunk"]


def test_s3() -> None:
    template = template_with(S3Source("acme-source", object_key="trunk/source.zip"))
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    [source] = made["Stages"][0]["Actions"]
    assert source["Configuration"]["PollForSourceChanges"] is False
    [rule] = starting_rules(template)
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["acme-source"]}, "object": {"key": ["trunk/source.zip"]}},
    }
