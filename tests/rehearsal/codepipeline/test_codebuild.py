"""CodeBuild actions: real builds under the project's role."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.codepipeline.small import (
    Pipeline,
    Template,
    action,
    allow,
    approval,
    commit,
    role,
    settings,
    source,
    stage,
    template,
    wait_for,
)

Deploy = Callable[[Template], Pipeline]
LOGS = allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
ARTIFACTS = allow("s3:GetObject*", "s3:PutObject*", "codeconnections:UseConnection")


def project(buildspec: Mapping[str, Any] | str, **properties: Any) -> Template:
    text = buildspec if isinstance(buildspec, str) else json.dumps({"version": 0.2, **buildspec})
    return {
        "Type": "AWS::CodeBuild::Project",
        "Properties": {
            "ServiceRole": {"Fn::GetAtt": ["BuildRole", "Arn"]},
            "Source": {"Type": "CODEPIPELINE", "BuildSpec": text},
            "Artifacts": {"Type": "CODEPIPELINE"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "Image": "aws/codebuild/standard:8.0",
                "ComputeType": "BUILD_GENERAL1_SMALL",
                **properties.pop("Environment", {}),
            },
            **properties,
        },
    }


def build(name: str = "Make", project: str = "Project", **more: Any) -> Template:
    configuration = {"ProjectName": {"Ref": project}, **more.pop("configuration", {})}
    return action(name, "AWS/Build/CodeBuild", configuration, inputs=["Code"], **more)


def with_project(
    buildspec: Mapping[str, Any] | str,
    *actions: Template,
    statements: Sequence[Mapping[str, Any]] = (LOGS, ARTIFACTS),
    service: str = "codebuild",
    source_configuration: Mapping[str, Any] | None = None,
    resources: Mapping[str, Template] | None = None,
    **properties: Any,
) -> Template:
    return template(
        source(**(source_configuration or {})),
        stage("Build", *actions),
        resources={
            "BuildRole": role(service, *statements),
            "Project": project(buildspec, **properties),
            **(resources or {}),
        },
    )


def commands(*lines: str, **more: Any) -> dict[str, Any]:
    return {"phases": {"build": {"commands": list(lines)}}, **more}


def test_a_build_hands_on_files_and_variables(deploy: Deploy) -> None:
    spec = commands(
        'VERSION="$(cat index.html)-$CODEBUILD_RESOLVED_SOURCE_VERSION"',
        "mkdir out && echo $VERSION > out/made.html",
        env={"exported-variables": ["VERSION"]},
        artifacts={"base-directory": "out", "files": ["**/*"]},
    )
    target = {"BucketName": {"Ref": "Target"}, "Extract": "true", "ObjectKey": "#{Make.VERSION}"}
    pipeline = deploy(
        with_project(
            spec,
            build(outputs=["Made"], Namespace="Make"),
            action("Put", "AWS/Deploy/S3", target, inputs=["Made"], order=2),
        )
    )
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded"
    revision = pipeline.execution(execution_id)["artifactRevisions"][0]["revisionId"]
    version = f"one-{revision}"
    assert pipeline.published() == {f"{version}/made.html": f"{version}\n"}
    run = pipeline.run(execution_id, "Make")["output"]
    assert run["outputVariables"] == {"VERSION": version}
    build_id = run["executionResult"]["externalExecutionId"]
    [record] = pipeline.client("codebuild").batch_get_builds(ids=[build_id])["builds"]
    assert record["buildStatus"] == "SUCCEEDED"
    group, _, stream = run["executionResult"]["logStreamARN"].partition(":log-stream:")
    events = pipeline.client("logs").get_log_events(
        logGroupName=group.rpartition("log-group:")[2], logStreamName=stream
    )["events"]
    assert any("made.html" in event["message"] for event in events)


def test_a_failing_command_fails_the_action_and_names_it(deploy: Deploy) -> None:
    pipeline = deploy(with_project(commands("echo before", "exit 3"), build()))
    execution_id = pipeline.start()
    message = pipeline.failure(execution_id)
    assert "exit 3" in message
    log = Path(message.rpartition("log: ")[2])
    assert "before" in log.read_text()
    build_id = pipeline.run(execution_id, "Make")["output"]["executionResult"][
        "externalExecutionId"
    ]
    [record] = pipeline.client("codebuild").batch_get_builds(ids=[build_id])["builds"]
    assert record["buildStatus"] == "FAILED"


def test_a_buildspec_that_cannot_be_run_is_an_error_that_names_it(deploy: Deploy) -> None:
    pipeline = deploy(with_project(commands("true", batch={"fast-fail": True}), build()))
    assert "buildspec batch" in pipeline.failure(pipeline.start())


def test_a_buildspec_may_be_a_file_of_the_source(deploy: Deploy) -> None:
    pipeline = deploy(with_project("build/spec.yml", build()))
    assert "has no file build/spec.yml" in pipeline.failure(pipeline.start())
    text = json.dumps({"version": 0.2, **commands("grep one index.html")})
    commit(pipeline.repository, {"build/spec.yml": text}, "buildspec")
    assert pipeline.status(pipeline.start()) == "Succeeded"


def test_variables_of_project_and_action_and_looked_up_ones(deploy: Deploy) -> None:
    spec = commands(
        'test "$FROM_SPEC" = spec',
        'test "$OVER" = action',
        'test "$PARAMETER" = from-the-store',
        'test "$SECRET" = hidden',
        'test "$WHO" = main',
        env={"variables": {"FROM_SPEC": "spec", "OVER": "spec"}},
    )
    of_project = [
        {"Name": "OVER", "Value": "project"},
        {"Name": "PARAMETER", "Type": "PARAMETER_STORE", "Value": {"Ref": "Parameter"}},
    ]
    of_action = [
        {"name": "OVER", "value": "action", "type": "PLAINTEXT"},
        {"name": "WHO", "value": "#{Source.BranchName}"},
        {"name": "SECRET", "value": "build-secret:key", "type": "SECRETS_MANAGER"},
    ]
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": "from-the-store"},
    }
    given = with_project(
        spec,
        build(configuration={"EnvironmentVariables": json.dumps(of_action)}),
        statements=[LOGS, ARTIFACTS, allow("ssm:GetParameter*", "secretsmanager:GetSecretValue")],
        resources={"Parameter": parameter},
        Environment={"EnvironmentVariables": of_project},
    )
    pipeline = deploy(given)
    pipeline.client("secretsmanager").create_secret(
        Name="build-secret", SecretString=json.dumps({"key": "hidden"})
    )
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded", pipeline.failure(execution_id)
    without = deploy(
        with_project(
            spec,
            build(configuration={"EnvironmentVariables": json.dumps(of_action)}),
            resources={"Parameter": parameter},
            Environment={"EnvironmentVariables": of_project},
        )
    )
    assert "GetParameter" in without.failure(without.start())


def test_a_full_clone_has_its_history(deploy: Deploy) -> None:
    spec = commands(
        'test "$(git log -1 --format=%s)" = first',
        'test "$(git rev-parse HEAD)" = "$CODEBUILD_RESOLVED_SOURCE_VERSION"',
        'test "$(git remote get-url origin)" = https://github.com/acme/fruit.git',
    )
    clone = {"OutputArtifactFormat": "CODEBUILD_CLONE_REF"}
    pipeline = deploy(with_project(spec, build(), source_configuration=clone))
    assert pipeline.status(pipeline.start()) == "Succeeded"
    zipped = deploy(with_project(commands("test ! -e .git"), build()))
    assert zipped.status(zipped.start()) == "Succeeded"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"statements": [ARTIFACTS]}, "logs:CreateLogGroup"),
        ({"statements": [LOGS]}, "GetObject"),
        ({"service": "codepipeline"}, "codebuild.amazonaws.com is not authorized"),
        (
            {
                "statements": [LOGS, allow("s3:GetObject*")],
                "source_configuration": {"OutputArtifactFormat": "CODEBUILD_CLONE_REF"},
            },
            "codeconnections:UseConnection",
        ),
    ],
)
def test_a_missing_permission_of_the_project(
    deploy: Deploy, given: dict[str, Any], message: str
) -> None:
    pipeline = deploy(with_project(commands("true"), build(), **given))
    assert message in pipeline.failure(pipeline.start())


def test_reports_need_permissions(deploy: Deploy) -> None:
    spec = commands(
        "echo '<testsuites/>' > report.xml",
        reports={"unit": {"files": ["report.xml"], "file-format": "JUNITXML"}},
    )
    pipeline = deploy(with_project(spec, build()))
    assert "codebuild:CreateReport" in pipeline.failure(pipeline.start())


def test_commands_act_as_the_project_s_role(deploy: Deploy) -> None:
    spec = commands('case "$AWS_ACCESS_KEY_ID" in ASIA*) ;; *) exit 1 ;; esac', "env | sort")
    pipeline = deploy(with_project(spec, build()))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded"


def test_a_build_has_a_python_and_a_home_of_its_own(deploy: Deploy, place: Path) -> None:
    spec = commands(
        # pip is not that of the environment in which the rehearsal runs.
        f"python -c 'import pip; assert not pip.__file__.startswith(\"{sys.prefix}/\")'",
        "python -c 'import sys; assert sys.prefix != sys.base_prefix; print(sys.prefix)'",
        "if python -c 'import aws_cdk'; then exit 1; fi",
        "if command -v cdk; then exit 1; fi",
        'case "$HOME" in */builds/*/home) ;; *) exit 1 ;; esac',
        f'echo "$HOME" >{place}/home',
        "node --version && npm --version",
        'test "$(npm prefix --global)" = "$NPM_CONFIG_PREFIX"',
    )
    pipeline = deploy(with_project(spec, build()))
    execution_id = pipeline.start()
    assert pipeline.status(execution_id) == "Succeeded", pipeline.failure(execution_id)
    # Only the log is left of it; what is large is removed beside the pipeline.
    home = Path((place / "home").read_text().strip())
    deadline = time.monotonic() + 20
    while home.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not home.exists()


def test_a_build_has_its_project_s_time(deploy: Deploy, place: Path) -> None:
    pipeline = deploy(with_project(commands("sleep 60"), build(), TimeoutInMinutes=5))
    settings(place, pipeline.repository, time_scale=300.0)
    execution_id = pipeline.start()
    assert "TIMED_OUT" in pipeline.failure(execution_id)
    result = pipeline.run(execution_id, "Make")["output"]["executionResult"]
    assert result["errorDetails"]["code"] == "TimeoutError"


def test_an_abandoned_build_is_ended(deploy: Deploy, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    spec = commands(f"echo $$ > {mark}; sleep 60")
    pipeline = deploy(with_project(spec, build()))
    execution_id = pipeline.start()
    wait_for(lambda: mark.exists() and mark.read_text().strip())
    pid = mark.read_text().strip()
    pipeline.api.stop_pipeline_execution(
        pipelineName=pipeline.name, pipelineExecutionId=execution_id, abandon=True
    )
    assert pipeline.status(execution_id) == "Stopped"
    wait_for(lambda: not Path("/proc", pid).exists())


def test_several_artifacts_and_sources(deploy: Deploy) -> None:
    spec = commands(
        "mkdir a b && echo a > a/a.txt && echo b > b/b.txt",
        artifacts={
            "secondary-artifacts": {
                "First": {"base-directory": "a", "files": ["**/*"]},
                "Second": {"base-directory": "b", "files": ["**/*"]},
            }
        },
    )
    then = commands('cat "$CODEBUILD_SRC_DIR_First/a.txt" b.txt')
    pipeline = deploy(
        with_project(
            spec,
            build(outputs=["First", "Second"]),
            action(
                "Use",
                "AWS/Test/CodeBuild",
                {"ProjectName": {"Ref": "Then"}, "PrimarySource": "Second"},
                inputs=["First", "Second"],
                order=2,
            ),
            approval("End", order=3),
            resources={"Then": project(then)},
        )
    )
    execution_id = pipeline.start()
    pipeline.answer("Build", "End")
    assert pipeline.status(execution_id) == "Succeeded"
