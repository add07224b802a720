"""The check that runs first in the build: is every kind of source where the layout says?"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dpra_constructs.build_actions.runtime.source_layout import committed_files, missing, pattern
from dpra_constructs.build_actions.source_layout_check import (
    COMMITS_VARIABLE,
    source_layout_check,
)
from dpra_constructs.delivery_metrics.runtime import history
from dpra_constructs.delivery_metrics.runtime.history import commits_of
from dpra_constructs.requirements import Requirement
from dpra_constructs.source import SourceLayout


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("src", "src/app.py"),
        ("src/", "src/a/b/app.py"),
        ("./src", "src/app.py"),
        ("pyproject.toml", "pyproject.toml"),
        ("*.toml", "pyproject.toml"),
        ("**/*.sql", "schema.sql"),
        ("**/*.sql", "db/migrations/1.sql"),
        ("services/*/tests", "services/orders/tests/test_orders.py"),
        ("src/**", "src/a/b.py"),
        ("requirements-?.txt", "requirements-a.txt"),
        ("[ab].txt", "b.txt"),
        ("[!a].txt", "b.txt"),
        (".", "anything"),
    ],
)
def test_a_glob_matches(glob: str, path: str) -> None:
    assert pattern(glob).match(path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("src", "source/app.py"),
        ("src", "lib/src/app.py"),
        ("*.toml", "config/app.toml"),
        ("src/*.py", "src/a/app.py"),
        ("pyproject.toml", "pyprojectxtoml"),
        ("[!a].txt", "a.txt"),
        ("requirements-?.txt", "requirements-/.txt"),
    ],
)
def test_a_glob_does_not_match(glob: str, path: str) -> None:
    assert not pattern(glob).match(path)


def test_what_is_missing_is_named_with_its_kind() -> None:
    layout = {"application": ["src"], "tests": ["tests", "**/*_test.py"]}
    assert missing(layout, ["src/app.py", "src/app_test.py"]) == [("tests", "tests")]


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@acme.example"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_file_that_is_not_committed_does_not_count(tmp_path: Path) -> None:
    git(tmp_path, "init")
    for name in ("committed", "ignored é"):
        (tmp_path / name).write_text("")
    git(tmp_path, "add", "committed")
    git(tmp_path, "commit", "-m", "first")
    assert committed_files(tmp_path) == ["committed"]
    git(tmp_path, "add", ".")
    assert sorted(committed_files(tmp_path)) == ["committed", "ignored é"]


def test_without_git_all_files_count(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("")
    assert committed_files(tmp_path) == ["src/app.py"]


def run(folder: Path, layout: SourceLayout) -> subprocess.CompletedProcess[str]:
    action = source_layout_check(layout)
    assert action
    command, _ = action.commands
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)


def test_the_command_fails_and_names_kind_and_glob(tmp_path: Path) -> None:
    (tmp_path / "it's").mkdir()
    (tmp_path / "it's" / "app.py").write_text("")
    done = run(tmp_path, SourceLayout(application=["it's"], static_assets=["static"]))
    assert done.returncode == 1
    assert done.stderr == (
        "SourceLayout: no committed file matches 'static', where static_assets should be. "
        "Add one, or correct SourceLayout(static_assets=[...]).\n"
    )
    assert run(tmp_path, SourceLayout(application=["it's"])).returncode == 0


def test_a_waived_kind_is_not_checked() -> None:
    layout = SourceLayout(application=["src"], static_assets=["static"], database=["db"])
    action = source_layout_check(layout, {Requirement.SOURCE_STATIC_ASSETS})
    assert action
    first = action.commands[0].splitlines()[0]
    assert first == """python3 -I - '{"application": ["src"], "database": ["db"]}' <<'PYTHON'"""


def test_without_anything_to_check_there_is_no_action() -> None:
    assert source_layout_check(SourceLayout()) is None


def test_the_check_needs_the_standard_library_alone() -> None:
    code = "import sys; sys.modules['boto3'] = None; import source_layout"
    folder = Path(__file__).parents[2] / "dpra_constructs" / "build_actions" / "runtime"
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = [{str(folder)!r}]; {code}"],
        check=True,
    )


def exported(folder: Path) -> str:
    action = source_layout_check(SourceLayout(application=["src"]))
    assert action
    _, command = action.commands
    shown = ["bash", "-c", f'set -eu; {command}; printf %s "$DPRA_COMMITS"']
    done = subprocess.run(shown, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_the_latest_hundred_commits_are_exported_with_the_times_of_their_authors(
    tmp_path: Path,
) -> None:
    git(tmp_path, "init")
    for number in range(101):
        date = f"--date=2026-01-01T00:00:{number % 60:02d}Z"
        git(tmp_path, "commit", "--allow-empty", "-m", f"commit {number}", date)
    log = ["git", "log", "--format=%H", "--max-count=100"]
    hashes = subprocess.run(log, cwd=tmp_path, capture_output=True, text=True).stdout.split()
    commits = commits_of(exported(tmp_path))
    assert [commit.id for commit in commits] == [each[:12] for each in hashes]
    assert commits[0].time == datetime(2026, 1, 1, 0, 0, 100 % 60, tzinfo=UTC)
    # OutputVariablesSizeExceededException names no number; this is far below what is documented.
    assert len(exported(tmp_path)) < 3_000


def test_what_is_no_clone_exports_no_commit(tmp_path: Path) -> None:
    assert exported(tmp_path).strip() == "none"
    assert commits_of(exported(tmp_path)) == ()


def test_build_and_delivery_metrics_name_the_variable_alike() -> None:
    assert COMMITS_VARIABLE == history.COMMITS_VARIABLE
