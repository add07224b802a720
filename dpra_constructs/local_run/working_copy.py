"""Copies the source that is built, so that no build touches the user's files.

In the pipeline an action gets a full clone of the commit. Here it gets a clone of the repository
with HEAD checked out, or with the files of the working tree on top, all of them in the index, as
they would be in a commit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from dpra_constructs.errors import DpraError

# As `git rev-parse --local-env-vars` lists them: inside a hook they point at the user's repository.
_GIT_VARIABLES = (
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_COUNT"),
    *("GIT_CONFIG_PARAMETERS", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE"),
    *("GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NO_REPLACE_OBJECTS"),
    *("GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE"),
    *("GIT_WORK_TREE", "GIT_EXEC_PATH", "GIT_QUARANTINE_PATH"),
)
# A build must push to nothing; the remote is known, so that tools can read its name.
_NO_PUSH = "no-push-from-a-local-build"


class SourceError(DpraError):
    """The source cannot be copied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A git repository on this machine, and the commit that is checked out.

    Args:
        root: the top of its working tree.
        commit: the full hash of HEAD.
        branch: the branch that is checked out, or empty.
        remote: the address of `origin` without user and password, or empty.
        has_hooks_path: whether `core.hooksPath` says where the hooks are.
    """

    root: Path
    commit: str
    branch: str
    remote: str
    has_hooks_path: bool


def without_git(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables without those that say which repository git works on."""
    return {name: value for name, value in environment.items() if name not in _GIT_VARIABLES}


def find_repository(folder: Path) -> Repository:
    """Return the repository that a folder belongs to.

    Raises:
        SourceError: it belongs to none, or there is no commit.
    """
    try:
        root = Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    except SourceError as error:
        raise SourceError(
            f"{folder} is in no git repository ({error}); the pipeline's source is one: git init"
        ) from None
    try:
        commit = _git(root, "rev-parse", "--verify", "HEAD").strip()
    except SourceError:
        raise SourceError(f"{root} has no commit yet; git commit") from None
    return Repository(
        root=root,
        commit=commit,
        branch=_git(root, "branch", "--show-current").strip(),
        remote=_without_credentials(_optional(root, "remote", "get-url", "origin")),
        has_hooks_path=bool(_optional(root, "config", "--get", "core.hooksPath")),
    )


def hooks_folder(repository: Repository) -> Path:
    """Return the folder of the repository's hooks, as `core.hooksPath` says or git's own."""
    return repository.root / _git(repository.root, "rev-parse", "--git-path", "hooks").strip()


def files_of(repository: Repository) -> tuple[str, ...]:
    """Return the files of the working tree that are tracked, or not ignored, sorted."""
    listed = _git(
        *(repository.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    )
    names = {name for name in listed.split("\0") if name}
    return tuple(sorted(name for name in names if not _is_folder(repository.root / name)))


def copy_repository(repository: Repository, target: Path, *, working_tree: bool) -> None:
    """Clone a repository and check HEAD out, or what stands in the working tree.

    Raises:
        SourceError: git fails; the message says what it said.
    """
    # Objects are linked: git never changes one.
    checkout = ["--no-checkout"] if working_tree else []
    _git(repository.root, "clone", "--quiet", "--local", *checkout, ".", str(target))
    if repository.remote:
        _git(target, "remote", "set-url", "origin", repository.remote)
        _git(target, "remote", "set-url", "--push", "origin", _NO_PUSH)
    else:
        _git(target, "remote", "remove", "origin")
    if not working_tree:
        return
    for name in files_of(repository):
        original, copy = repository.root / name, target / name
        if os.path.lexists(original):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(original, copy, follow_symlinks=False)
    # In the index too: some tools only look at tracked files.
    _git(target, "add", "--all", "--force", ".")


def copy_tree(original: Path, target: Path) -> None:
    """Copy a prepared source for one action; git's objects, which never change, are linked."""
    objects = original / ".git" / "objects"

    def copy(source: str, destination: str) -> str:
        if Path(source).is_relative_to(objects) and not Path(source).is_symlink():
            try:
                os.link(source, destination)
            except OSError:
                shutil.copy2(source, destination)
            return destination
        return str(shutil.copy2(source, destination, follow_symlinks=False))

    shutil.copytree(original, target, symlinks=True, copy_function=copy)


def commit_time(repository: Repository) -> str:
    """Return when the commit was made, in ISO 8601."""
    return _git(repository.root, "show", "--no-patch", "--format=%cI", "HEAD").strip()


def commit_message(repository: Repository) -> str:
    """Return the message of the commit."""
    return _git(repository.root, "show", "--no-patch", "--format=%B", "HEAD").strip()


def _is_folder(path: Path) -> bool:
    # A submodule, or a folder in the place of a tracked file.
    return path.is_dir() and not path.is_symlink()


def _without_credentials(address: str) -> str:
    parts = urlsplit(address)
    if "://" not in address or "@" not in parts.netloc or parts.scheme == "ssh":
        return address
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _optional(folder: Path, *arguments: str) -> str:
    try:
        return _git(folder, *arguments).strip()
    except SourceError:
        return ""


def _git(folder: Path, *arguments: str) -> str:
    program = shutil.which("git")
    if not program:
        raise SourceError("git is not on PATH; install it")
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=without_git(os.environ) | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if done.returncode:
        raise SourceError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
