"""What is built: the whole repository, or the folder that the pipeline has as its source."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.local_run.stages import action, git, repository, stage

Run = Callable[..., Result]
FILES = {
    "example/app/cdk.json": "{}",
    "example/name.txt": "apple\n",
    "example/.gitignore": "*.log\n",
    "top.txt": "not of the example\n",
}


@pytest.fixture
def fruit(tmp_path: Path) -> Path:
    folder = repository(tmp_path / "fruit", FILES)
    git(folder, "remote", "add", "origin", "https://user:password@github.com/acme/fruit.git")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Second\n\nWith a body.")
    return folder


def assembly_of(folder: Path, app_directory: str | None, *commands: str) -> Path:
    """Write an assembly, with the metadata of a DeploymentPipeline where a directory is given."""
    assembly = stage(folder / "cdk.out", action("A", *commands))
    if app_directory is not None:
        file = assembly / "Pipeline.template.json"
        template = json.loads(file.read_text())
        template["Metadata"] = {"DPRA::fruit": {"AppDirectory": app_directory}}
        file.write_text(json.dumps(template))
    return assembly


def build(run: Run, assembly: Path, *arguments: str) -> Result:
    return run("build", "--assembly", str(assembly), *arguments)


def test_the_apps_folder_without_the_pipelines_part_is_a_repository_of_its_own(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    commit = git(fruit, "rev-parse", "HEAD").strip()
    shown = "--format=%an %ae %ad %cn %ce %cd %B"
    described = git(fruit, "show", "--no-patch", "--date=raw", shown)
    assembly = assembly_of(
        tmp_path,
        "app",
        '[ "$(git ls-files | tr "\\n" " ")" = ".gitignore app/cdk.json name.txt " ]',
        '[ -z "$(git status --porcelain)" ] && [ "$(git branch --show-current)" = main ]',
        '[ "$(git rev-list --count HEAD)" = 1 ] && git fsck --strict',
        f'[ "$CODEBUILD_RESOLVED_SOURCE_VERSION" = {commit} ]',
        "[ ! -e .git/objects/info/alternates ]",
        '[ "$(git remote get-url origin)" = https://github.com/acme/fruit.git ]',
        f"git show --no-patch --date=raw '{shown}' >{tmp_path}/described",
    )
    result = build(run_dpra, assembly, "--directory", str(fruit / "example" / "app"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "described").read_text() == described


def test_the_working_tree_of_a_folder_has_its_files_alone(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    (fruit / "example" / "name.txt").write_text("pear\n")
    (fruit / "example" / "new.txt").write_text("new\n")
    (fruit / "example" / "a.log").write_text("ignored\n")
    (fruit / "other.txt").write_text("not of the example\n")
    assembly = assembly_of(
        tmp_path,
        "app/",
        '[ "$(ls -A | tr "\\n" " ")" = ".git .gitignore app name.txt new.txt " ]',
        '[ "$(git diff --cached --name-only | tr "\\n" " ")" = "name.txt new.txt " ]',
    )
    arguments = ("--directory", str(fruit / "example" / "app"), "--working-tree")
    result = build(run_dpra, assembly, *arguments)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("app_directory", [None, "example/app"])
def test_the_whole_repository_is_built_where_the_pipeline_says_it_or_nothing(
    run_dpra: Run, fruit: Path, tmp_path: Path, app_directory: str | None
) -> None:
    assembly = assembly_of(
        tmp_path, app_directory, "[ -e top.txt ] && [ -e example/app/cdk.json ]",
        '[ "$(git rev-list --count HEAD)" = 2 ]',
    )  # fmt: skip
    result = build(run_dpra, assembly, "--directory", str(fruit / "example" / "app"))
    assert result.exit_code == 0, result.output


def test_the_option_wins(run_dpra: Run, fruit: Path, tmp_path: Path) -> None:
    assembly = assembly_of(tmp_path, "app", "[ -e cdk.json ] && [ ! -e app ]")
    app = str(fruit / "example" / "app")
    result = build(run_dpra, assembly, "--directory", app, "--source", app)
    assert result.exit_code == 0, result.output


def test_an_app_elsewhere_than_its_pipeline_says_exits_with_2(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    assembly = assembly_of(tmp_path, "infrastructure", "true")
    app = fruit / "example" / "app"
    result = build(run_dpra, assembly, "--directory", str(app))
    assert (result.exit_code, result.output) == (
        2,
        "Error: pipeline fruit has its cdk.json in infrastructure of its source, and "
        f"{app} is another folder; say what is built: --source DIR\n",
    )


def test_a_source_outside_of_the_repository_exits_with_2(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    assembly = assembly_of(tmp_path, None, "true")
    result = build(run_dpra, assembly, "--source", str(tmp_path))
    assert (result.exit_code, result.output) == (
        2,
        f"Error: the source {tmp_path} is not in the git repository {fruit}\n",
    )


def test_a_folder_that_is_not_committed_exits_with_2(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    (fruit / "new").mkdir()
    (fruit / "new" / "name.txt").write_text("plum\n")
    assembly = assembly_of(tmp_path, None, "true")
    result = build(run_dpra, assembly, "--source", "new")
    assert (result.exit_code, result.output) == (
        2,
        f"Error: the last commit of {fruit} has no folder new; commit it, or say another source: "
        "--source DIR\n",
    )


def test_the_hooks_of_a_folder_stand_in_it_and_git_cannot_run_them(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    assembly = assembly_of(tmp_path, "app", "true")
    arguments = ("pre-commit", "--assembly", str(assembly))
    directory = ("--directory", str(fruit / "example" / "app"))
    result = run_dpra(*arguments, *directory)
    assert result.exit_code == 0, result.output
    written = (fruit / "example" / ".pre-commit-config.yaml").read_text()
    assert "entry: dpra build --working-tree --directory app --only A\n" in written
    assert run_dpra(*arguments, *directory, "--check").exit_code == 0
    refused = run_dpra(*arguments, *directory, "--install")
    assert refused.exit_code == 2
    assert (
        f"git runs hooks for the whole repository {fruit}, and the source is its folder example"
        in refused.output
    )
    outside = run_dpra(*arguments, *directory, "--source", str(tmp_path / "fruit" / "example"))
    assert "--source . --only A" in (fruit / "example" / ".pre-commit-config.yaml").read_text()
    assert outside.exit_code == 0


def test_an_app_outside_of_its_source_has_no_hooks(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    (fruit / "other").mkdir()
    assembly = assembly_of(tmp_path, None, "true")
    result = run_dpra("pre-commit", "--assembly", str(assembly), "--source", "other")
    assert (result.exit_code, result.output) == (
        2,
        f"Error: the app {fruit} is not in its source {fruit}/other; say another one: "
        "--source DIR\n",
    )
