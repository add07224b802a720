"""The repository that stands for a pipeline's source."""

from pathlib import Path

import pytest

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.source_repository import SourceRepository, commit_of, make_source
from tests.rehearsal.small_app import commit, git


def log(source: SourceRepository) -> list[str]:
    return git(source.path, "log", "--format=%s", "main").splitlines()


def test_a_repository_is_taken_with_its_history(tmp_path: Path) -> None:
    commit(tmp_path / "app", {"cdk.json": "{}"}, "First")
    head = commit(tmp_path / "app", {"a.py": "1\n"}, "Second")
    source = make_source(tmp_path / "app", tmp_path / "source.git")
    assert (source.commit, source.original, source.subject) == (head, head, "Second")
    assert log(source) == ["Second", "First"]
    assert source.notes == ()
    assert source.files() == ("a.py", "cdk.json")


def test_a_folder_of_a_larger_repository_becomes_one_of_its_own(tmp_path: Path) -> None:
    commit(tmp_path / "app", {"apps/fruit/cdk.json": "{}", "other.txt": "a"}, "First")
    commit(tmp_path / "app", {"other.txt": "b"}, "Elsewhere")
    commit(tmp_path / "app", {"apps/fruit/src/app.py": "1\n"}, "Second")
    head = commit(tmp_path / "app", {"other.txt": "c"}, "Elsewhere again")
    source = make_source(tmp_path / "app/apps/fruit", tmp_path / "source.git")
    assert source.files() == ("cdk.json", "src/app.py")
    assert source.original == head
    # The tip is the commit that was asked for, though it did not touch the folder.
    assert log(source) == ["Elsewhere again", "Second", "First"]
    git(source.path, "fsck", "--strict")
    assert not (source.path / "objects/info/alternates").exists()


def test_a_folders_history_is_the_same_each_time(tmp_path: Path) -> None:
    commit(tmp_path / "app", {"fruit/cdk.json": "{}"}, "First")
    commits = {
        make_source(tmp_path / "app/fruit", tmp_path / name).commit for name in ("a.git", "b.git")
    }
    assert len(commits) == 1


def test_uncommitted_changes_are_named_and_not_included(tmp_path: Path) -> None:
    commit(tmp_path / "app", {"cdk.json": "{}"})
    (tmp_path / "app/new.py").write_text("1\n")
    (tmp_path / "app/cdk.json").write_text("{ }")
    source = make_source(tmp_path / "app", tmp_path / "source.git")
    assert source.notes == ("uncommitted changes are not included: cdk.json, new.py",)
    assert source.files() == ("cdk.json",)
    assert source.read("cdk.json") == "{}"


def test_an_older_commit_is_taken_when_it_is_named(tmp_path: Path) -> None:
    first = commit(tmp_path / "app", {"cdk.json": "{}"}, "First")
    second = commit(tmp_path / "app", {"a.py": "1\n"}, "Second")
    source = make_source(tmp_path / "app", tmp_path / "source.git", first[:10])
    assert source.commit == first
    assert source.notes == (f"the commit is not the one that is checked out ({second[:8]})",)


def test_a_folder_outside_git_becomes_one_commit(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/cdk.json").write_text("{}")
    (tmp_path / "app/.gitignore").write_text("dist/\n")
    (tmp_path / "app/dist").mkdir()
    (tmp_path / "app/dist/a").write_text("")
    source = make_source(tmp_path / "app", tmp_path / "source.git")
    assert source.files() == (".gitignore", "cdk.json")
    assert source.original == ""
    assert source.notes == (
        "the folder is in no git repository, so all of its files are the commit",
    )


def test_a_change_is_committed_to_the_trunk(tmp_path: Path) -> None:
    commit(tmp_path / "app", {"cdk.json": "{}", "old.py": "1\n"}, "First")
    (tmp_path / "app/run.sh").write_text("echo\n")
    (tmp_path / "app/run.sh").chmod(0o755)
    commit(tmp_path / "app", {}, "Executable")
    source = make_source(tmp_path / "app", tmp_path / "source.git")
    changed = source.commit_change(
        {"src/new.py": "2\n", "old.py": None, "run.sh": "echo 2\n"}, "Change"
    )
    assert changed.files() == ("cdk.json", "run.sh", "src/new.py")
    assert changed.read("src/new.py") == "2\n"
    assert log(source) == ["Change", "Executable", "First"]
    assert git(source.path, "ls-tree", "main", "run.sh").startswith("100755")
    source.push()
    assert log(source) == ["Executable", "First"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "has no commit nowhere; a rehearsal takes what is committed: commit first"),
        ("HEAD~9", "has no commit HEAD~9"),
    ],
)
def test_a_commit_that_is_not_there(tmp_path: Path, name: str, message: str) -> None:
    commit(tmp_path / "app", {"cdk.json": "{}"})
    with pytest.raises(RehearsalError, match=message):
        make_source(tmp_path / "app", tmp_path / "source.git", name)


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", str(tmp_path / "app"))
    with pytest.raises(RehearsalError, match="has no commit yet; a rehearsal takes what is commi"):
        make_source(tmp_path / "app", tmp_path / "source.git")


def test_a_commit_of_a_folder_outside_git(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    with pytest.raises(RehearsalError, match="is in no git repository, so there is no commit v1"):
        make_source(tmp_path / "app", tmp_path / "source.git", "v1")


def test_a_folder_that_the_commit_has_not(tmp_path: Path) -> None:
    commit(tmp_path / "app", {"a.txt": ""})
    (tmp_path / "app/fruit").mkdir()
    with pytest.raises(RehearsalError, match="has no folder fruit; commit the app first"):
        make_source(tmp_path / "app/fruit", tmp_path / "source.git")


def test_a_commit_is_named_in_full(tmp_path: Path) -> None:
    head = commit(tmp_path / "app", {"cdk.json": "{}"})
    assert commit_of(tmp_path / "app", head[:9]) == head
    (tmp_path / "outside").mkdir()
    assert commit_of(tmp_path / "outside") == ""
