"""`dpra build` on real repositories, with real processes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.local_run.stages import SOURCE, action, dpra_process, git, stage

Run = Callable[..., Result]
# Waits for another action's file, and so ends only if both run at once.
INSPECTOR_REASON = "skipped: InspectorScan runs in AWS only"
MEET = "touch {mine}; for _ in $(seq 200); do [ -e {theirs} ] && exit 0; sleep 0.05; done; exit 1"
INSPECTOR = {
    "Name": "Inspect",
    "ActionTypeId": {"Category": "Invoke", "Provider": "InspectorScan"},
    "RunOrder": 1,
}


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent does not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(shown.stdout.strip()) and not shown.stdout.startswith("Z")


def built(run: Run, assembly: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run `dpra build` and return its exit code, the actions of its JSON by name, the text."""
    target = assembly / "result.json"
    result = run("build", "--assembly", str(assembly), "--json", str(target), *arguments)
    assert target.is_file(), result.output
    found = json.loads(target.read_text())
    return result.exit_code, {each["name"]: each for each in found["actions"]}, result.output


def test_actions_of_a_run_order_run_at_once(run_dpra: Run, tmp_path: Path) -> None:
    assembly = stage(
        tmp_path / "cdk.out",
        action("A", MEET.format(mine=tmp_path / "a", theirs=tmp_path / "b")),
        action("B", MEET.format(mine=tmp_path / "b", theirs=tmp_path / "a")),
    )
    code, actions, text = built(run_dpra, assembly, "--jobs", "2")
    assert code == 0, text
    assert [each["status"] for each in actions.values()] == ["succeeded", "succeeded"]


def test_one_job_runs_one_action_at_a_time(run_dpra: Run, tmp_path: Path) -> None:
    alone = f"mkdir {tmp_path}/busy && sleep 0.2 && rmdir {tmp_path}/busy"
    assembly = stage(tmp_path / "cdk.out", action("A", alone), action("B", alone))
    code, _, text = built(run_dpra, assembly, "--jobs", "1")
    assert code == 0, text


def test_a_later_action_gets_the_artifact_of_an_earlier_one(run_dpra: Run, tmp_path: Path) -> None:
    assembly = stage(
        tmp_path / "cdk.out",
        action(
            "Package",
            "mkdir dist; cp name.txt dist; printf '#!/bin/sh\\necho hi' >dist/run",
            "chmod +x dist/run",
            output="dist",
        ),
        action(
            "Use",
            'grep apple "$CODEBUILD_SRC_DIR_Package_dist/name.txt"',
            '[ "$("$CODEBUILD_SRC_DIR_Package_dist/run")" = hi ]',
            order=2,
            inputs=[SOURCE, "Package_dist"],
        ),
    )
    code, actions, text = built(run_dpra, assembly)
    assert code == 0, text
    assert actions["Use"]["run_order"] == 2


def test_a_failure_lets_its_run_order_end_and_nothing_later_begin(
    run_dpra: Run, tmp_path: Path
) -> None:
    assembly = stage(
        tmp_path / "cdk.out",
        action("Bad", "echo the reason is here", "exit 3"),
        action("Good", "sleep 0.3"),
        action("Later", "touch never", order=2),
    )
    code, actions, text = built(run_dpra, assembly)
    assert code == 1
    assert {name: each["status"] for name, each in actions.items()} == {
        "Bad": "failed",
        "Good": "succeeded",
        "Later": "not run",
    }
    assert actions["Later"]["reason"] == "Bad failed"
    assert "exit status 3" in actions["Bad"]["reason"]
    assert "  | the reason is here\n" in text
    assert f"The whole log: {actions['Bad']['log']}" in text
    assert Path(actions["Bad"]["log"]).read_text().count("the reason is here")
    assert "fruit, stage Build: failed in" in text
    assert "(1 succeeded, 1 failed, 1 not run)" in text


def test_the_commit_is_built_and_not_the_working_tree(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    (fruit / "name.txt").write_text("pear\n")
    (fruit / "new.txt").write_text("new\n")
    assembly = stage(
        tmp_path / "cdk.out",
        action("A", "grep apple name.txt", "[ ! -e new.txt ]", "git status --porcelain | wc -l"),
    )
    code, _, text = built(run_dpra, assembly)
    assert code == 0, text


def test_the_working_tree_is_built_when_asked_for(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    (fruit / "name.txt").write_text("pear\n")
    (fruit / "new.txt").write_text("new\n")
    (fruit / "a.log").write_text("ignored\n")
    assembly = stage(
        tmp_path / "cdk.out",
        action("A", "grep pear name.txt", "git ls-files | grep new.txt", "[ ! -e a.log ]"),
    )
    before = git(fruit, "status", "--porcelain=v2")
    code, _, text = built(run_dpra, assembly, "--working-tree")
    assert code == 0, text
    assert git(fruit, "status", "--porcelain=v2") == before


def test_no_action_touches_the_users_files_or_remote(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    assembly = stage(
        tmp_path / "cdk.out",
        action(
            "A",
            "echo changed >name.txt; git -c user.name=x -c user.email=x@y commit -qam changed",
            "! git push origin HEAD:main",
        ),
    )
    before = git(fruit, "log", "--format=%H", "--all")
    code, _, text = built(run_dpra, assembly)
    assert code == 0, text
    assert (fruit / "name.txt").read_text() == "apple\n"
    assert git(fruit, "log", "--format=%H", "--all") == before


def test_no_aws_credentials_reach_an_action(
    run_dpra: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-caller")
    monkeypatch.setenv("AWS_PROFILE", "prod")
    assembly = stage(
        tmp_path / "cdk.out",
        action("A", '[ -z "$AWS_SECRET_ACCESS_KEY$AWS_PROFILE" ]', '[ "$AWS_REGION" = us-west-2 ]'),
    )
    code, _, text = built(run_dpra, assembly)
    assert code == 0, text


def test_a_secret_is_taken_from_the_callers_variable_and_only_by_its_action(
    run_dpra: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "very-secret")
    token = {"Name": "TOKEN", "Type": "SECRETS_MANAGER", "Value": "acme/tool:token"}
    assembly = stage(
        tmp_path / "cdk.out",
        action("A", '[ "$TOKEN" = very-secret ]', 'echo "$TOKEN"', variables=[token]),
        action("B", '[ -z "$TOKEN" ]'),
    )
    code, actions, text = built(run_dpra, assembly)
    assert code == 0, text
    assert "very-secret" not in Path(actions["A"]["log"]).read_text()


@pytest.mark.parametrize(
    ("kind", "store"),
    [("SECRETS_MANAGER", "Secrets Manager"), ("PARAMETER_STORE", "Parameter Store")],
)
def test_a_secret_that_is_not_set_fails_its_action(
    run_dpra: Run, tmp_path: Path, kind: str, store: str
) -> None:
    token = {"Name": "TOKEN", "Type": kind, "Value": "acme/token"}
    assembly = stage(tmp_path / "cdk.out", action("Sonar", "true", variables=[token]))
    code, actions, _ = built(run_dpra, assembly)
    assert code == 1
    assert actions["Sonar"]["reason"].endswith(
        f"the variable TOKEN comes from {store} acme/token in the pipeline, and is not set here; "
        "export TOKEN, or leave the action out: --skip Sonar"
    )


def test_what_does_not_run_here_is_skipped_and_said(run_dpra: Run, tmp_path: Path) -> None:
    tags = [{"Key": "dpra:publishes", "Value": "true"}]
    assembly = stage(
        tmp_path / "cdk.out",
        action("Ok", "true"),
        action("Off", "exit 1"),
        action("Push", "exit 1", output="image", project={"Tags": tags}),
        INSPECTOR,
        action("Deploy", "exit 1", order=2, inputs=[SOURCE, "Push_image"]),
    )
    code, actions, text = built(run_dpra, assembly, "--skip", "Off")
    assert code == 0, text
    reasons = {name: each["reason"] for name, each in actions.items() if each["reason"]}
    assert reasons == {
        "Inspect": "InspectorScan runs in AWS only",
        "Off": "--skip",
        "Push": "publishes",
        "Deploy": "needs the artifact Push_image of Push, which is skipped",
    }
    assert {actions[name]["status"] for name in reasons} == {"skipped"}
    assert "Not checked here: Push (publishes)\n" in text


def test_only_brings_what_it_needs(run_dpra: Run, tmp_path: Path) -> None:
    assembly = stage(
        tmp_path / "cdk.out",
        action("Other", "exit 1"),
        action("Package", "mkdir dist; touch dist/a", output="dist"),
        action("Use", "true", order=2, inputs=[SOURCE, "Package_dist"]),
    )
    code, actions, text = built(run_dpra, assembly, "--only", "Use")
    assert code == 0, text
    assert list(actions) == ["Package", "Use"]


def test_exported_variables_and_those_of_the_source_reach_later_actions(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    variables = [
        {"name": "DIGEST", "value": "#{Image.DIGEST}", "type": "PLAINTEXT"},
        {"name": "COMMIT", "value": "#{SourceVariables.CommitId}"},
    ]
    commit = git(fruit, "rev-parse", "HEAD").strip()
    assembly = stage(
        tmp_path / "cdk.out",
        action(
            "Image",
            "export DIGEST=sha256:1",
            buildspec={"env": {"exported-variables": ["DIGEST"]}},
            action={"Namespace": "Image"},
        ),
        action(
            "Use",
            f'[ "$DIGEST" = sha256:1 ] && [ "$COMMIT" = {commit} ]',
            order=2,
            action={"Configuration": {"EnvironmentVariables": json.dumps(variables)}},
        ),
    )
    code, _, text = built(run_dpra, assembly)
    assert code == 0, text


REPORTS = {"reports": {"unit-tests": {"files": ["junit.xml"], "file-format": "JUNITXML"}}}
JUNIT = (
    '<testsuite><testcase classname="test_fruit" name="is_ripe"><failure message="too green"/>'
    '</testcase><testcase name="ok"/></testsuite>'
)


def test_reports_are_summarized_and_failed_tests_named(run_dpra: Run, tmp_path: Path) -> None:
    assembly = stage(
        tmp_path / "cdk.out",
        action("UnitTests", f"echo '{JUNIT}' >junit.xml; exit 1", buildspec=REPORTS),
        action("Forgot", "true", buildspec=REPORTS),
    )
    code, actions, text = built(run_dpra, assembly)
    assert code == 1
    assert "UnitTests: report unit-tests: 2 tests, 1 failures\n" in text
    assert "  test_fruit.is_ripe: too green\n" in text
    assert "Forgot: report unit-tests is missing: no file matches\n" in text
    (report,) = actions["UnitTests"]["reports"]
    assert report["failed"] == [{"name": "test_fruit.is_ripe", "place": "", "message": "too green"}]
    assert actions["Forgot"]["reports"][0]["files"] == 0


def test_tools_are_kept_until_the_commands_change(run_dpra: Run, tmp_path: Path) -> None:
    install = 'command -v python; touch "$VIRTUAL_ENV/tool"; mkdir -p "$DPRA_TOOLS"'
    first = stage(tmp_path / "1", action("A", install))
    assert built(run_dpra, first)[0] == 0
    again = stage(tmp_path / "2", action("A", install))
    _, actions, _ = built(run_dpra, again)
    log = Path(actions["A"]["log"]).read_text()
    folder = Path(next(line for line in log.splitlines() if line.endswith("/venv/bin/python")))
    assert (folder.parents[1] / "tool").is_file()
    changed = stage(tmp_path / "3", action("A", '[ ! -e "$VIRTUAL_ENV/tool" ]', "pip --version"))
    code, _, text = built(run_dpra, changed)
    assert code == 0, text


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            action("A", "true", project={"FileSystemLocations": [{"Type": "EFS"}]}),
            "its project mounts file systems (FileSystemLocations), which are only in AWS",
        ),
        (
            action("A", "true", action={"Configuration": {"BatchEnabled": "true"}}),
            "batch builds (BatchEnabled) are not supported here",
        ),
        (
            action("A", "true", project={"Environment": {"Type": "WINDOWS_SERVER_2022_CONTAINER"}}),
            "its project runs on Windows (WINDOWS_SERVER_2022_CONTAINER), and this is a POSIX "
            "shell",
        ),
        (
            action("A", "true", project={"Environment": {"Certificate": "arn:aws:s3:::b/c"}}),
            "its project takes a certificate from S3 (Environment.Certificate)",
        ),
        (
            action("A", "true", project={"Source": {"BuildSpec": "arn:aws:s3:::b/spec.yml"}}),
            "its buildspec stands in S3 (arn:aws:s3:::b/spec.yml), which is only in AWS",
        ),
        (
            action("A", "true", project={"Source": {"BuildSpec": "ci/build.yml"}}),
            "its buildspec ci/build.yml is not in the source; add it there",
        ),
        (
            action("A", "true", project={"Source": {"BuildSpec": {"Fn::Join": ["", [
                "version: 0.2\n", {"Fn::GetAtt": ["Topic", "TopicName"]}]]}}}),
            "buildspec: Fn::GetAtt Topic.TopicName is only known in AWS",
        ),
        (
            action("A", "true", variables=[{"Name": "TOPIC", "Value": {"Ref": "Topic"}}]),
            "the value of its variable TOPIC is not known here: Ref Topic is only known in AWS; "
            "export TOPIC, or leave the action out: --skip A",
        ),
        (
            action("A", "true", action={"Configuration": {"EnvironmentVariables": json.dumps(
                [{"name": "X", "value": "#{Other.Y}"}])}}),
            "the pipeline variable #{Other.Y} is not known here; leave the action out: --skip A",
        ),
        (
            action("A", "true", action={"Configuration": {"ProjectName": {"Ref": "Elsewhere"}}}),
            'its CodeBuild project {"Ref": "Elsewhere"} is not in the template of the pipeline\'s '
            "stack",
        ),
        (
            action("A", "true", inputs=["Elsewhere"]),
            "its input Elsewhere comes from an action of another stage, which is not run here",
        ),
        (
            action("A", "true", action={"OutputArtifacts": [{"Name": "dist"}]}),
            "its buildspec has no artifact for the output dist",
        ),
        (
            action("A", "true", buildspec={"batch": {"fast-fail": "yes"}}),
            "buildspec batch: batch builds are not supported here; run each build of the batch by "
            "itself",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_run_fails_its_action_by_name(
    run_dpra: Run, tmp_path: Path, given: dict[str, Any], reason: str
) -> None:
    code, actions, text = built(run_dpra, stage(tmp_path / "cdk.out", given))
    assert code == 1
    assert actions["A"]["status"] == "failed"
    assert actions["A"]["reason"] == reason
    assert reason in text


def test_a_buildspec_in_the_source_is_read_there(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    (fruit / "buildspec.yml").write_text("version: 0.2\nphases: {build: {commands: [true]}}\n")
    given = action("A", "false", project={"Source": {"Type": "CODEPIPELINE"}})
    code, _, text = built(run_dpra, stage(tmp_path / "cdk.out", given), "--working-tree")
    assert code == 0, text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--only", "Nothing"],
            "there is no action Nothing in the stage Build of fruit; there are: A",
        ),
        (["--skip", "B"], "there is no action B in the stage Build of fruit; there are: A"),
        (["--stage", "Prod"], "pipeline fruit has no stage Prod; it has: Source, Build"),
        (["--pipeline", "x"], "there is no pipeline x; there are: fruit (stack Pipeline)"),
    ],
)
def test_wrong_usage_exits_with_2(
    run_dpra: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    assembly = stage(tmp_path / "cdk.out", action("A", "true"))
    result = run_dpra("build", "--assembly", str(assembly), *arguments)
    assert (result.exit_code, result.output) == (2, f"Error: {message}\n")


def test_one_of_several_pipelines_has_to_be_named(run_dpra: Run, tmp_path: Path) -> None:
    assembly = stage(tmp_path / "cdk.out", action("A", "true"), pipelines=["fruit", "nuts"])
    result = run_dpra("build", "--assembly", str(assembly))
    assert result.exit_code == 2
    assert "there are several pipelines: fruit (stack Pipeline), nuts (stack Pipeline); say which: "
    assert "--pipeline NAME" in result.output
    assert built(run_dpra, assembly, "--pipeline", "nuts")[0] == 0


def test_an_assembly_without_a_pipeline_exits_with_2(run_dpra: Run, tmp_path: Path) -> None:
    assembly = stage(tmp_path / "cdk.out", pipelines=[])
    result = run_dpra("build", "--assembly", str(assembly))
    assert result.exit_code == 2
    assert "has no pipeline; build an app that has a DeploymentPipeline" in result.output


def test_a_folder_outside_of_git_exits_with_2(run_dpra: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    result = run_dpra("build", "--directory", str(outside))
    assert result.exit_code == 2
    assert "is in no git repository" in result.output


def test_a_folder_without_an_app_exits_with_2(run_dpra: Run) -> None:
    result = run_dpra("build")
    assert result.exit_code == 2
    assert "has no cdk.json; give the app's folder by --directory" in result.output


def test_list_shows_what_would_run(run_dpra: Run, tmp_path: Path) -> None:
    assembly = stage(tmp_path / "cdk.out", action("A", f"touch {tmp_path}/ran"), INSPECTOR)
    result = run_dpra("build", "--assembly", str(assembly), "--list")
    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()] == [
        ["Order", "Action", "Provider", "Here"],
        ["1", "A", "CodeBuild", "runs"],
        [
            "1",
            "Inspect",
            "InspectorScan",
            *["skipped:", "InspectorScan", "runs", "in", "AWS", "only"],
        ],
    ]
    assert not (tmp_path / "ran").exists()


def test_json_on_standard_output_is_alone_there(run_dpra: Run, fruit: Path, tmp_path: Path) -> None:
    assembly = stage(tmp_path / "cdk.out", action("A", "echo hello"))
    logs = tmp_path / "logs"
    result = run_dpra(
        "build", "--assembly", str(assembly), "--json", "-", "--log-folder", str(logs)
    )
    found = json.loads(result.stdout)
    assert found["seconds"] >= found["actions"][0].pop("seconds") > 0
    del found["seconds"]
    assert found == {
        "pipeline": "fruit",
        "stage": "Build",
        "commit": git(fruit, "rev-parse", "HEAD").strip(),
        "working_tree": False,
        "status": "succeeded",
        "actions": [
            {
                "name": "A",
                "run_order": 1,
                "status": "succeeded",
                "reason": "",
                "log": str(logs / "A.log"),
                "reports": [],
            }
        ],
    }
    assert "hello" in (logs / "A.log").read_text()
    assert "A  succeeded in" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_processes_and_leaves_nothing(
    fruit: Path, tmp_path: Path, dpra_cache: Path, number: signal.Signals
) -> None:
    assembly = stage(
        tmp_path / "cdk.out",
        action("A", f"echo $$ >{tmp_path}/a; setsid sleep 61; true"),
        action("B", f"trap '' TERM INT; echo $$ >{tmp_path}/b; sleep 62; sleep 63"),
        action("C", "true", order=2),
    )
    process = dpra_process(
        *("build", "--assembly", str(assembly), "--jobs", "2", "--json", str(tmp_path / "json")),
        folder=fruit,
        DPRA_CACHE=str(dpra_cache),
    )
    deadline = time.monotonic() + 30
    files = [tmp_path / "a", tmp_path / "b"]
    while not all(file.is_file() and file.read_text() for file in files):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pids = [int(file.read_text()) for file in files]
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    found = json.loads((tmp_path / "json").read_text())
    assert [each["status"] for each in found["actions"]] == ["stopped", "stopped", "not run"]
    assert not [pid for pid in pids if is_alive(pid)]
    assert not list(dpra_cache.glob(f"runs/*-{process.pid}/work"))


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_an_action_that_leaves_processes_behind_leaves_none(run_dpra: Run, tmp_path: Path) -> None:
    assembly = stage(tmp_path / "cdk.out", action("A", f"sleep 64 & echo $! >{tmp_path}/pid"))
    assert built(run_dpra, assembly)[0] == 0
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_the_cache_is_cleared_and_nothing_else(
    run_dpra: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assembly = stage(tmp_path / "cdk.out", action("A", "true"))
    monkeypatch.setenv("DPRA_CACHE", str(tmp_path / "mine"))
    assert built(run_dpra, assembly)[0] == 0
    assert run_dpra("build", "--clear-cache").output == f"Removed {tmp_path}/mine\n"
    assert not (tmp_path / "mine").exists()
    assert run_dpra("build", "--clear-cache").output == f"There is no {tmp_path}/mine\n"
    monkeypatch.setenv("DPRA_CACHE", str(assembly))
    result = run_dpra("build", "--clear-cache")
    assert result.exit_code == 2
    assert "is no cache of dpra: it has no CACHEDIR.TAG; remove it by hand" in result.output
    result = run_dpra("build", "--assembly", str(assembly))
    assert result.exit_code == 2
    assert "it is not empty and has no CACHEDIR.TAG; set DPRA_CACHE to another" in result.output


def test_help_says_what_is_needed(run_dpra: Run) -> None:
    text = run_dpra("build", "--help").output
    for part in (
        "--only",
        "--skip",
        "--working-tree",
        "--json",
        "Exit codes:",
        "130",
        "DPRA_CACHE",
    ):
        assert part in text


PROGRAM = "python3 - <<'PYTHON'\nimport sys\nprint('the cause')\nsys.exit(3)\nPYTHON"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (PROGRAM, "python3 - <<'PYTHON' ... Reason: exit status 3"),
        (f"echo the cause; false {'x' * 300}", f"false {'x' * 174} ... Reason: exit status 1"),
        ("echo the cause; exit 3", "echo the cause; exit 3. Reason: exit status 3"),
    ],
    ids=["program", "long", "short"],
)
def test_a_failing_command_is_named_in_one_short_line(
    run_dpra: Run, tmp_path: Path, command: str, shown: str
) -> None:
    assembly = stage(tmp_path / "cdk.out", action("A", command))
    code, actions, text = built(run_dpra, assembly)
    assert code == 1
    assert actions["A"]["reason"].endswith(shown)
    assert len(actions["A"]["reason"]) < 300
    assert "  | the cause\n" in text
    assert "import sys" not in text
    assert command.splitlines()[-1] in Path(actions["A"]["log"]).read_text()


def test_on_failure_retry_is_matched_with_the_whole_command(run_dpra: Run, tmp_path: Path) -> None:
    command = f"echo again >>{tmp_path}/runs\n: the pattern\nexit 1"
    phases = {"build": {"commands": [command], "on-failure": "RETRY-1-the pattern"}}
    assembly = stage(tmp_path / "cdk.out", action("A", buildspec={"phases": phases}))
    assert built(run_dpra, assembly)[0] == 1
    assert (tmp_path / "runs").read_text().splitlines() == ["again"] * 2


def finding(text: str) -> str:
    case = f'<testcase classname="a.py:1" name="B1"><failure message="{text}"/></testcase>'
    return f"<testsuite>{case}</testsuite>"


def test_a_finding_that_was_printed_is_not_repeated(run_dpra: Run, tmp_path: Path) -> None:
    printed, silent = "a.py:1: B1: printed", "a.py:1: B1: silent"
    assembly = stage(
        tmp_path / "cdk.out",
        *(
            action(
                name,
                f":\necho '{finding(text)}' >junit.xml; echo '{said}'; exit 1",
                buildspec=REPORTS,
            )
            for name, text, said in (("A", printed, printed), ("B", silent, "failed"))
        ),
    )
    _, _, text = built(run_dpra, assembly)
    assert text.count(printed) == 1
    assert f"  | {printed}\n" in text
    assert f"  a.py:1.B1: {silent}\n" in text
