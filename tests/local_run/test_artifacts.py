"""Which files a file set takes, and how they are packed."""

import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.local_run import globs
from dpra_constructs.local_run.artifacts import (
    FoundFile,
    NoFilesError,
    find_files,
    references,
    write_zip,
)
from dpra_constructs.local_run.buildspec import FileSet
from tests.local_run.builds import write

NAMES = st.text("ab.-_ ü", min_size=1, max_size=6).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def found(source: Path, file_set: FileSet, **variables: str) -> list[str]:
    return [each.name for each in find_files(source, file_set, variables, lambda _: None)]


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*", ["a", ".a"], ["a/b"]),
        ("**", ["a", "a/b"], []),
        ("**/*", ["a", "a/b/c"], []),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("a/**", ["a/b", "a/b/c"], ["b/a"]),
        ("?.txt", ["a.txt"], ["ab.txt", ".txt"]),
        ("[ab].txt", ["a.txt"], ["c.txt"]),
        ("[!ab].txt", ["c.txt"], ["a.txt"]),
        ("[a-c]", ["b"], ["d", "-"]),
        ("[]]", ["]"], ["a"]),
        ("[z-a]", ["[z-a]"], ["z"]),
        ("x.{jar,war}", ["x.jar", "x.war"], ["x.ear"]),
        ("{a,b{c,d}}", ["a", "bc", "bd"], ["b"]),
        ("a{b", ["a{b"], ["ab"]),
        ("./a/./b", ["a/b"], []),
        ("a.b", ["a.b"], ["axb"]),
        ("a**b/c", ["a-b/c"], ["a/b/c"]),
    ],
)
def test_pattern(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [path for path in matching + others if globs.matches(path, pattern)] == matching


@given(PATHS)
def test_every_path_matches_itself_and_all(path: str) -> None:
    assert globs.matches(path, path)
    assert globs.matches(path, "**/*")
    assert globs.matches(path, "*") == ("/" not in path)


@given(st.text("ab/*?[]{},-!", max_size=10), st.text("ab/-", max_size=8))
def test_every_pattern_can_be_asked(pattern: str, path: str) -> None:
    globs.matches(path, pattern)


@given(
    st.lists(st.sampled_from(["a", "b", "*", "?", "**", "a*", "*b"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(["a", "b", "ab", "aab"]), min_size=1, max_size=5),
)
def test_patterns_match_as_a_simple_matcher_says(pattern: list[str], path: list[str]) -> None:
    assert globs.matches("/".join(path), "/".join(pattern)) == simple(pattern, path)


def simple(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(path)
        return any(simple(pattern[1:], path[skip:]) for skip in range(len(path) + 1))
    return bool(path) and letters(pattern[0], path[0]) and simple(pattern[1:], path[1:])


def letters(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(letters(pattern[1:], name[skip:]) for skip in range(len(name) + 1))
    return bool(name) and pattern[0] in {"?", name[0]} and letters(pattern[1:], name[1:])


def test_absolute_patterns_reach_inside_the_base_directory_only(tmp_path: Path) -> None:
    write(tmp_path / "source", {"out/x": ""})
    write(tmp_path, {"outside": ""})
    inside = FileSet(files=("$SRC/out/*", f"{tmp_path}/outside"))
    assert found(tmp_path / "source", inside, SRC=f"{tmp_path}/source") == ["out/x"]
    assert references(inside) == {"SRC"}


def test_a_name_that_two_folders_have_is_taken_once_and_said(tmp_path: Path) -> None:
    write(tmp_path, {"a1/x": "first", "a2/x": "second"})
    said: list[str] = []
    files = find_files(tmp_path, FileSet(files=("x",), base_directory="a*"), {}, said.append)
    assert [file.path for file in files] == [tmp_path / "a1" / "x"]
    assert f"Skipping {tmp_path}/a2/x: x is taken from another folder" in said


def test_base_directory_of_several_patterns(tmp_path: Path) -> None:
    write(tmp_path, {"m/one/out/x": "", "m/two/out/y": "", "m/file": ""})
    assert found(tmp_path, FileSet(files=("**/*",), base_directory="m/*/out")) == ["x", "y"]
    with pytest.raises(NoFilesError, match="no matching base directory path found for n/"):
        found(tmp_path, FileSet(files=("**/*",), base_directory="n/*"))


def test_links_without_enable_symlinks_are_the_files_they_lead_to(tmp_path: Path) -> None:
    links(tmp_path)
    files = find_files(tmp_path, FileSet(files=("**/*",)), {}, lambda _: None)
    assert [(file.name, file.is_link) for file in files] == [
        ("folder/x", False),
        ("outside", False),
        ("x", False),
    ]


def test_links_with_enable_symlinks_stay_links_when_they_lead_inside(tmp_path: Path) -> None:
    links(tmp_path)
    file_set = FileSet(files=("**/*",), enable_symlinks=True)
    files = find_files(tmp_path, file_set, {}, lambda _: None)
    assert [(file.name, file.is_link) for file in files] == [
        ("broken", True),
        ("folder/x", False),
        ("linked", True),
        ("outside", False),
        ("x", True),
    ]
    with zipfile.ZipFile(write_zip(files, tmp_path / "z.zip")) as archive:
        entry = archive.getinfo("linked")
        assert stat.S_ISLNK(entry.external_attr >> 16)
        assert archive.read(entry) == b"folder"


def links(folder: Path) -> None:
    write(folder, {"folder/x": "content"})
    (folder / "x").symlink_to("folder/x")
    (folder / "linked").symlink_to("folder")
    (folder / "broken").symlink_to("missing")
    (folder / "outside").symlink_to("/etc/hostname")


def test_only_files_are_taken(tmp_path: Path) -> None:
    write(tmp_path, {"folder/x": ""})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoFilesError, match="no matching artifact paths found"):
        found(tmp_path, FileSet(files=("folder", "pipe", "*", "..", "")))


def test_the_zip_keeps_permissions_and_unpacks_with_them(tmp_path: Path) -> None:
    write(tmp_path, {"run.sh": "#!/bin/sh\n", "x": ""})
    (tmp_path / "run.sh").chmod(0o750)
    (tmp_path / "x").chmod(0o604)
    files = find_files(tmp_path, FileSet(files=("*",)), {}, lambda _: None)
    with zipfile.ZipFile(write_zip(files, tmp_path / "out" / "z.zip")) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {"run.sh": stat.S_IFREG | 0o750, "x": stat.S_IFREG | 0o604}


@given(contents=st.dictionaries(st.text("abcd", min_size=1, max_size=4), st.binary(), max_size=5))
def test_the_same_files_are_the_same_bytes(
    contents: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    zips = []
    for index, order in enumerate((sorted(contents), sorted(contents, reverse=True))):
        folder = tmp_path_factory.mktemp("zip")
        files = []
        for name in order:
            path = folder / name
            path.write_bytes(contents[name])
            os.utime(path, (index, index))
            files.append(FoundFile(name=f"in/{name}", path=path))
        zips.append(write_zip(files, folder / "out.zip"))
    assert zips[0].read_bytes() == zips[1].read_bytes()
    with zipfile.ZipFile(zips[0]) as archive:
        assert {name: archive.read(f"in/{name}") for name in contents} == contents
        assert archive.namelist() == sorted(archive.namelist())
