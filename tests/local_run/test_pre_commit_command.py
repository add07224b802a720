"""`dpra pre-commit`, with git and the real pre-commit."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from tests.local_run.stages import action, git, stage

Run = Callable[..., Result]
BIN = Path(sys.executable).parent


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    tags = [{"Key": "dpra:publishes", "Value": "true"}]
    return stage(
        tmp_path / "cdk.out",
        action("UnitTests", "grep apple name.txt"),
        action("Publish", "exit 1", project={"Tags": tags}),
        action("Synth", "npx cdk synth", order=2),
    )


def test_the_file_has_a_hook_for_each_action_that_runs_here(
    run_dpra: Run, fruit: Path, assembly: Path
) -> None:
    result = run_dpra("pre-commit", "--assembly", str(assembly))
    assert result.exit_code == 0, result.output
    assert yaml.safe_load((fruit / ".pre-commit-config.yaml").read_text()) == {
        "repos": [
            {
                "repo": "local",
                "hooks": [
                    {
                        "id": "dpra-UnitTests",
                        "name": "UnitTests",
                        "entry": "dpra build --working-tree --only UnitTests",
                        "language": "system",
                        "pass_filenames": False,
                        "always_run": True,
                    }
                ],
            }
        ]
    }


def test_check_shows_the_difference(run_dpra: Run, fruit: Path, assembly: Path) -> None:
    arguments = ["pre-commit", "--assembly", str(assembly)]
    file = fruit / ".pre-commit-config.yaml"
    missing = run_dpra(*arguments, "--check")
    assert missing.exit_code == 1
    assert "+        name: UnitTests\n" in missing.output
    assert not file.exists()
    run_dpra(*arguments)
    assert run_dpra(*arguments, "--check").exit_code == 0
    file.write_text(file.read_text().replace("always_run: true", "always_run: false"))
    drifted = run_dpra(*arguments, "--check")
    assert drifted.exit_code == 1
    assert "-        always_run: false\n+        always_run: true\n" in drifted.output
    assert drifted.output.endswith(
        ".pre-commit-config.yaml is not what the pipeline says; run: dpra pre-commit\n"
    )


@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_hooks_of_others_stay(run_dpra: Run, fruit: Path, assembly: Path, indent: str) -> None:
    file = fruit / ".pre-commit-config.yaml"
    other = f"{indent}- repo: https://example.com/hooks\n{indent}  rev: v1\n{indent}  hooks: []\n"
    file.write_text(f"fail_fast: true\nrepos:  # ours\n{other}")
    run_dpra("pre-commit", "--assembly", str(assembly))
    text = file.read_text()
    assert text.startswith("fail_fast: true\nrepos:  # ours\n")
    assert text.endswith(other)
    assert [each["repo"] for each in yaml.safe_load(text)["repos"]] == [
        "local",
        "https://example.com/hooks",
    ]
    run_dpra("pre-commit", "--assembly", str(assembly))
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("repos: []\n", "has no list of `repos:` in block style to add the hooks to"),
        ("repos:\n- repo: [\n", "cannot be read as YAML with a list of `repos:`; correct it"),
    ],
)
def test_a_file_that_cannot_be_kept_is_refused(
    run_dpra: Run, fruit: Path, assembly: Path, text: str, message: str
) -> None:
    (fruit / ".pre-commit-config.yaml").write_text(text)
    result = run_dpra("pre-commit", "--assembly", str(assembly))
    assert result.exit_code == 2
    assert message in result.output
    assert (fruit / ".pre-commit-config.yaml").read_text() == text


def test_a_stage_without_local_actions_is_refused(run_dpra: Run, tmp_path: Path) -> None:
    only_synth = stage(tmp_path / "cdk.out", action("Synth", "cdk synth"))
    result = run_dpra("pre-commit", "--assembly", str(only_synth))
    assert result.exit_code == 2
    assert "the stage Build of fruit has no action that runs here" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "--install"], "--check writes nothing; leave out --install and --force"),
        (["--force"], "--force is for --install"),
    ],
)
def test_options_that_do_not_go_together(run_dpra: Run, arguments: list[str], message: str) -> None:
    result = run_dpra("pre-commit", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def commit(fruit: Path, dpra_cache: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Commit what is staged, as a user does."""
    return subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-m", "Change"],
        cwd=fruit,
        env={**os.environ, "PATH": path, "DPRA_CACHE": str(dpra_cache)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("with_program", [True, False], ids=["pre-commit", "git hook"])
def test_a_failing_action_stops_the_commit(
    run_dpra: Run,
    fruit: Path,
    assembly: Path,
    dpra_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    with_program: bool,
) -> None:
    # The app of the hooks: its "CDK" gives the assembly.
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "cdk").write_text(f'#!/bin/sh\ncp -r {assembly} "$4"\n')
    (programs / "cdk").chmod(0o755)
    for program in ["dpra", *(["pre-commit"] if with_program else [])]:
        (programs / program).symlink_to(BIN / program)
    path = f"{programs}:/usr/local/bin:/usr/bin:/bin"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    (fruit / "cdk.json").write_text("{}")
    installed = run_dpra("pre-commit", "--install")
    assert installed.exit_code == 0, installed.output
    git(fruit, "add", "--all")
    good = commit(fruit, dpra_cache, path)
    assert good.returncode == 0, good.stdout + good.stderr
    head = git(fruit, "rev-parse", "HEAD")
    (fruit / "name.txt").write_text("pear\n")
    git(fruit, "add", "--all")
    bad = commit(fruit, dpra_cache, path)
    assert bad.returncode == 1
    assert "UnitTests" in bad.stdout + bad.stderr
    assert "grep apple name.txt" in bad.stdout + bad.stderr
    assert git(fruit, "rev-parse", "HEAD") == head
    assert git(fruit, "status", "--porcelain") == "M  name.txt\n"


def test_a_hook_of_someone_else_is_kept_without_force(
    run_dpra: Run, fruit: Path, assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    git(fruit, "config", "core.hooksPath", "hooks")
    hook = fruit / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\ntheirs\n")
    arguments = ["pre-commit", "--assembly", str(assembly), "--install"]
    result = run_dpra(*arguments)
    assert result.exit_code == 2
    assert "is a hook of someone else; add this line to it:" in result.output
    assert "  dpra build --working-tree --only UnitTests\nor overwrite it: --force" in result.output
    assert hook.read_text() == "#!/bin/sh\ntheirs\n"
    assert run_dpra(*arguments, "--force").exit_code == 0
    assert hook.read_text().endswith("exec dpra build --working-tree --only UnitTests\n")
    assert run_dpra(*arguments).exit_code == 0
