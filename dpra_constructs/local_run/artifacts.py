"""Finds the files that a buildspec takes out of a build, and packs them.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, artifacts
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dpra_constructs.errors import DpraError
from dpra_constructs.local_run import globs
from dpra_constructs.local_run.buildspec import FileSet

# The first time that a zip file can hold.
_TIME = (1980, 1, 1, 0, 0, 0)
_REFERENCE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


class NoFilesError(DpraError):
    """A file set matches nothing, in the words of the service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundFile:
    """A file or symbolic link to take, and its name in the result."""

    name: str
    path: Path
    is_link: bool = False


def references(file_set: FileSet) -> set[str]:
    """Return the variables that a file set names."""
    texts = (file_set.base_directory, *file_set.files, *file_set.exclude_paths)
    return {found[1] or found[2] for text in texts for found in _REFERENCE.finditer(text)}


def find_files(
    source: Path, file_set: FileSet, variables: Mapping[str, str], say: Callable[[str], None]
) -> tuple[FoundFile, ...]:
    """Return the files of a file set, sorted by their names.

    Args:
        source: the folder that relative base directories start from.
        file_set: patterns, in which `$NAME` stands for a variable.
        variables: the values of those variables; others are empty.
        say: takes lines for the log.

    Raises:
        NoFilesError: no base directory or no file is found.
    """

    def expanded(text: str) -> str:
        return _REFERENCE.sub(lambda found: variables.get(found[1] or found[2], ""), text)

    base = expanded(file_set.base_directory) or "."
    say(f"Expanding base directory path: {base}")
    bases = tuple(_base_directories(source, base))
    if not bases:
        raise NoFilesError(f"no matching base directory path found for {base}")
    excluded = tuple(expanded(pattern) for pattern in file_set.exclude_paths)
    found: dict[str, FoundFile] = {}
    for pattern in map(expanded, file_set.files):
        say(f"Expanding {pattern}")
        count = 0
        for folder in bases:
            for relative in _matching(folder, pattern):
                if any(globs.matches(relative, each) for each in excluded):
                    continue
                file = _file(folder, relative, source, file_set)
                if file is None:
                    continue
                count += 1
                if found.setdefault(file.name, file).path != file.path:
                    say(f"Skipping {file.path}: {file.name} is taken from another folder")
        if not count:
            say(f"Skipping invalid file path {pattern}")
    say(f"Found {len(found)} file(s)")
    if not found:
        raise NoFilesError("no matching artifact paths found")
    return tuple(found[name] for name in sorted(found))


def write_zip(files: Iterable[FoundFile], target: Path) -> Path:
    """Pack files so that the same files give the same bytes; permissions and links are kept."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files, key=lambda each: each.name):
            entry = zipfile.ZipInfo(file.name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the mode below is read
            if file.is_link:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(entry, str(file.path.readlink()))
                continue
            status = file.path.stat()
            entry.external_attr = (stat.S_IFREG | stat.S_IMODE(status.st_mode)) << 16
            entry.file_size = status.st_size
            with file.path.open("rb") as content, archive.open(entry, "w") as packed:
                shutil.copyfileobj(content, packed, 1024 * 1024)
    return target


def _base_directories(source: Path, base: str) -> Iterator[Path]:
    if not globs.is_pattern(base):
        # An absolute path stands for itself: `$CODEBUILD_SRC_DIR_other/dist`.
        if (source / base).is_dir():
            yield source / base
        return
    root = Path("/") if base.startswith("/") else source
    names = [name for name in base.split("/") if name not in {"", "."}]
    yield from _descend(root, names)


def _descend(folder: Path, names: list[str]) -> Iterator[Path]:
    if not names:
        yield folder
        return
    for child in sorted(folder.iterdir()):
        if child.is_dir() and globs.matches(child.name, names[0]):
            yield from _descend(child, names[1:])


def _matching(folder: Path, pattern: str) -> Iterator[str]:
    """Return the relative paths in a folder that match, sorted."""
    if pattern.startswith("/"):
        prefix = f"{folder.resolve()}/"
        if not pattern.startswith((prefix, f"{folder}/")):
            return
        pattern = pattern.removeprefix(prefix).removeprefix(f"{folder}/")
    names = [name for name in pattern.split("/") if name not in {"", "."}]
    fixed: list[str] = []
    while names and not globs.is_pattern(names[0]):
        fixed.append(names.pop(0))
    start = folder.joinpath(*fixed)
    if not names:
        if fixed and os.path.lexists(start):
            yield "/".join(fixed)
        return
    for path in sorted(_walk(start)):
        relative = path.relative_to(folder).as_posix()
        if globs.matches(relative, pattern):
            yield relative


def _walk(start: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(start):
        here = Path(root)
        yield from (here / name for name in files)
        # os.walk does not enter links to folders; they are entries of their own.
        yield from (here / name for name in folders if (here / name).is_symlink())


def _file(folder: Path, relative: str, source: Path, file_set: FileSet) -> FoundFile | None:
    path = folder / relative
    name = path.name if file_set.discard_paths else relative
    if path.is_symlink() and file_set.enable_symlinks and _is_inside(path, source):
        return FoundFile(name=name, path=path, is_link=True)
    return FoundFile(name=name, path=path) if path.is_file() else None


def _is_inside(link: Path, source: Path) -> bool:
    target = link.readlink()
    if target.is_absolute():
        return False
    # Not resolved: the target may be missing, or be a link that is packed as such.
    reached = os.path.normpath(link.parent.resolve() / target)
    return Path(reached).is_relative_to(source.resolve())
