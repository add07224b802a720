"""Small pipelines, declared to CloudFormation without the CDK."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.settings import (
    GitSource,
    Settings,
    write_settings,
)

TOOLS = Place("111111111111", "us-west-2")
CONNECTION = "arn:aws:codeconnections:us-west-2:111111111111:connection/1"
REPOSITORY = "acme/fruit"
SECONDS = 60

T = TypeVar("T")
Template = dict[str, Any]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder: Path, files: Mapping[str, str], message: str) -> str:
    """Commit files to the repository; return the commit."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def role(service: str, *statements: Mapping[str, Any], trust: Any = None) -> Template:
    principal = trust or {"Service": f"{service}.amazonaws.com"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
                ],
            },
            "Policies": [
                {
                    "PolicyName": "Allowed",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
                }
            ]
            if statements
            else [],
        },
    }


def allow(*actions: str, on: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


def arn(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def action(
    name: str,
    kind: str,
    configuration: Mapping[str, Any] | None = None,
    *,
    order: int = 1,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    **properties: Any,
) -> Template:
    owner, category, provider = kind.split("/")
    return {
        "Name": name,
        "ActionTypeId": {
            "Category": category,
            "Owner": owner,
            "Provider": provider,
            "Version": "1",
        },
        "RunOrder": order,
        "Configuration": dict(configuration or {}),
        "InputArtifacts": [{"Name": each} for each in inputs],
        "OutputArtifacts": [{"Name": each} for each in outputs],
        **properties,
    }


def source(**configuration: Any) -> Template:
    return {
        "Name": "Source",
        "Actions": [
            action(
                "Take",
                "AWS/Source/CodeStarSourceConnection",
                {
                    "ConnectionArn": CONNECTION,
                    "FullRepositoryId": REPOSITORY,
                    "BranchName": "main",
                    **configuration,
                },
                outputs=["Code"],
                Namespace="Source",
            )
        ],
    }


def approval(
    name: str = "Approve", *, configuration: Mapping[str, Any] | None = None, **properties: Any
) -> Template:
    return action(name, "AWS/Approval/Manual", configuration, **properties)


def publish(name: str = "Publish", **properties: Any) -> Template:
    return action(
        name,
        "AWS/Deploy/S3",
        {"BucketName": {"Ref": "Target"}, "Extract": "true"},
        inputs=["Code"],
        **properties,
    )


def stage(name: str, *actions: Template, **properties: Any) -> Template:
    return {"Name": name, "Actions": list(actions), **properties}


def bucket() -> Template:
    return {
        "Type": "AWS::S3::Bucket",
        "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
    }


def template(
    *stages: Template, resources: Mapping[str, Template] | None = None, **properties: Any
) -> Template:
    return {
        "Resources": {
            "Artifacts": bucket(),
            "Target": bucket(),
            "PipelineRole": role(
                "codepipeline",
                allow("s3:*"),
                allow("codeconnections:UseConnection", on=CONNECTION),
                allow("codebuild:*", "lambda:*", "sns:*", "cloudformation:*", "iam:PassRole"),
                allow("sts:AssumeRole"),
            ),
            "Pipeline": {
                "Type": "AWS::CodePipeline::Pipeline",
                "Properties": {
                    "PipelineType": "V2",
                    "RoleArn": arn("PipelineRole"),
                    "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Artifacts"}},
                    "Stages": list(stages),
                    **properties,
                },
            },
            **(resources or {}),
        },
        "Outputs": {"Target": {"Value": {"Ref": "Target"}}},
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """A deployed pipeline."""

    name: str
    endpoint: str
    repository: Path

    @property
    def api(self) -> Any:
        return client("codepipeline", self.endpoint, TOOLS)

    def client(self, service: str) -> Any:
        return client(service, self.endpoint, TOOLS)

    def start(self, **request: Any) -> str:
        return str(
            self.api.start_pipeline_execution(name=self.name, **request)["pipelineExecutionId"]
        )

    def execution(self, execution_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get_pipeline_execution(
            pipelineName=self.name, pipelineExecutionId=execution_id
        )["pipelineExecution"]
        return found

    def executions(self, **request: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.list_pipeline_executions(
            pipelineName=self.name, **request
        )["pipelineExecutionSummaries"]
        return found

    def status(self, execution_id: str, *wanted: str) -> str:
        """Wait until an execution has one of some states; by default until it is over."""

        def look() -> str:
            status = str(self.execution(execution_id)["status"])
            if wanted:
                return status if status in wanted else ""
            return status if status not in ("InProgress", "Stopping") else ""

        return wait_for(look)

    def stage(self, name: str) -> dict[str, Any]:
        states = self.api.get_pipeline_state(name=self.name)["stageStates"]
        [found] = [state for state in states if state["stageName"] == name]
        assert isinstance(found, dict)
        return found

    def action(self, stage_name: str, name: str) -> dict[str, Any]:
        [found] = [
            state for state in self.stage(stage_name)["actionStates"] if state["actionName"] == name
        ]
        latest = found.get("latestExecution", {})
        assert isinstance(latest, dict)
        return latest

    def runs(self, execution_id: str) -> list[dict[str, Any]]:
        """Return the runs of actions, the first one first."""
        found = self.api.list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        return list(reversed(found))

    def run(self, execution_id: str, name: str) -> dict[str, Any]:
        """Return the last run of an action."""
        return [run for run in self.runs(execution_id) if run["actionName"] == name][-1]

    def failure(self, execution_id: str) -> str:
        """Return the message of the action that failed."""
        assert self.status(execution_id) == "Failed"
        [run] = [run for run in self.runs(execution_id) if run["status"] == "Failed"]
        return str(run["output"]["executionResult"]["errorDetails"]["message"])

    def token(self, stage_name: str, name: str = "Approve", execution_id: str = "") -> str:
        """Wait until an approval asks; return its token."""

        def look() -> str:
            latest = self.stage(stage_name).get("latestExecution", {})
            if execution_id and latest.get("pipelineExecutionId") != execution_id:
                return ""
            return str(self.action(stage_name, name).get("token", ""))

        return wait_for(look)

    def answer(
        self,
        stage_name: str,
        name: str = "Approve",
        *,
        status: str = "Approved",
        execution_id: str = "",
    ) -> None:
        self.api.put_approval_result(
            pipelineName=self.name,
            stageName=stage_name,
            actionName=name,
            result={"summary": "seen", "status": status},
            token=self.token(stage_name, name, execution_id),
        )

    def update(self, changed: Template) -> None:
        cloudformation = self.client("cloudformation")
        cloudformation.update_stack(
            StackName=self.name,
            TemplateBody=json.dumps(named(changed, self.name)),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        wait_for(
            lambda: (
                cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
                == "UPDATE_COMPLETE"
            )
        )

    def published(self) -> dict[str, str]:
        """Return the files in the bucket that the pipeline deploys to."""
        stacks = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        [target] = [each["OutputValue"] for each in stacks[0]["Outputs"]]
        s3 = self.client("s3")
        return {
            each["Key"]: s3.get_object(Bucket=target, Key=each["Key"])["Body"].read().decode()
            for each in s3.list_objects_v2(Bucket=target).get("Contents", [])
        }


def named(given: Template, name: str) -> Template:
    """Return a template with the pipeline's name in it."""
    result: Template = json.loads(json.dumps(given))
    result["Resources"]["Pipeline"]["Properties"]["Name"] = name
    return result


def wait_for(look: Callable[[], T]) -> T:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def settings(folder: Path, repository: Path, **more: Any) -> Settings:
    given = Settings(
        sources={REPOSITORY: GitSource(repository=str(repository))},
        folder=str(folder / "runs"),
        cache=str(folder / "cache"),
        **more,
    )
    write_settings(given, folder / "settings.json")
    return given
