"""Small cloud assemblies with a pipeline of plain CodeBuild actions, and repositories to build."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SOURCE = "Source_Output"


def action(
    name: str,
    *commands: str,
    order: int = 1,
    inputs: Sequence[str] = (SOURCE,),
    output: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Describe a CodeBuild action.

    `more`: `buildspec` (parts of it), `variables`, `project` and `action` (properties).
    """
    spec: dict[str, Any] = {"version": "0.2", "phases": {"build": {"commands": list(commands)}}}
    if output:
        spec["artifacts"] = {"base-directory": output, "files": ["**/*"]}
    spec |= more.get("buildspec", {})
    return {
        "name": name,
        "spec": spec,
        "project": {
            "Name": f"fruit-{name}",
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "Image": "aws/codebuild/standard:8.0",
                "EnvironmentVariables": more.get("variables", []),
            },
            **more.get("project", {}),
        },
        "action": {
            "Name": name,
            "ActionTypeId": {"Category": "Build", "Provider": "CodeBuild"},
            "RunOrder": order,
            "InputArtifacts": [{"Name": each} for each in inputs],
            "OutputArtifacts": [{"Name": f"{name}_{output}"}] if output else [],
            **more.get("action", {}),
        },
    }


def stage(folder: Path, *actions: dict[str, Any], pipelines: Sequence[str] = ("fruit",)) -> Path:
    """Write a cloud assembly."""
    resources: dict[str, Any] = {}
    of_build = []
    for each in actions:
        configuration: dict[str, Any] = {}
        if "spec" in each:
            resources[f"Project{each['name']}"] = {
                "Type": "AWS::CodeBuild::Project",
                "Properties": {
                    "Source": {"Type": "CODEPIPELINE", "BuildSpec": json.dumps(each["spec"])},
                    **each["project"],
                },
            }
            configuration = {
                "ProjectName": {"Ref": f"Project{each['name']}"},
                "PrimarySource": each["action"]["InputArtifacts"][0]["Name"],
            }
        given = each.get("action", each)
        configuration |= given.get("Configuration", {})
        of_build.append({**given, "Configuration": configuration})
    source = {
        "Name": "Source",
        "ActionTypeId": {"Category": "Source", "Provider": "CodeStarSourceConnection"},
        "Configuration": {"FullRepositoryId": "acme/fruit", "BranchName": "main"},
        "OutputArtifacts": [{"Name": SOURCE}],
        "Namespace": "SourceVariables",
    }
    for name in pipelines:
        resources[f"Pipeline{name}"] = {
            "Type": "AWS::CodePipeline::Pipeline",
            "Properties": {
                "Name": name,
                "Stages": [
                    {"Name": "Source", "Actions": [source]},
                    {"Name": "Build", "Actions": of_build},
                ],
            },
        }
    folder.mkdir(parents=True, exist_ok=True)
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111111111111/us-west-2",
        "properties": {"templateFile": "Pipeline.template.json"},
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"Pipeline": artifact}}))
    (folder / "Pipeline.template.json").write_text(json.dumps({"Resources": resources}))
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Fruit", "-c", "user.email=fruit@acme.example"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a repository with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


def dpra_process(*arguments: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("dpra")), *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
