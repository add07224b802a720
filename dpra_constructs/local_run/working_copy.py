"""Copies the source that is built, so that no build touches the user's files.

In the pipeline an action gets a full clone of the commit. Here it gets a clone of the repository
with HEAD checked out, or with the files of the working tree on top, all of them in the index, as
they would be in a commit. Where the source is a folder of a larger repository, as an example is,
the copy is a repository of that folder alone, with one commit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
_DEFAULT_BRANCH = "main"
# Author and committer as `git commit-tree` takes them; %ad and %cd are raw.
_PEOPLE = {
    f"GIT_{who}_{what}": f"%{letter}{field}"
    for who, letter in (("AUTHOR", "a"), ("COMMITTER", "c"))
    for what, field in (("NAME", "n"), ("EMAIL", "e"), ("DATE", "d"))
}


class SourceError(DpraError):
    """The source cannot be copied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A git repository on this machine, the commit that is checked out, and what of it is built.

    Args:
        root: the top of its working tree.
        folder: what the pipeline would have as its source: `root`, or a folder in it.
        commit: the full hash of HEAD.
        branch: the branch that is checked out, or empty.
        remote: the address of `origin` without user and password, or empty.
        has_hooks_path: whether `core.hooksPath` says where the hooks are.
    """

    root: Path
    folder: Path
    commit: str
    branch: str
    remote: str
    has_hooks_path: bool

    @property
    def prefix(self) -> str:
        """The folder inside of the repository, as git writes it; empty for the whole."""
        path = self.folder.relative_to(self.root).as_posix()
        return "" if path == "." else path

    def at(self, folder: Path) -> Repository:
        """Return the repository with another folder of it as the source.

        Raises:
            SourceError: the folder is not in it.
        """
        folder = folder.resolve()
        if not folder.is_relative_to(self.root):
            raise SourceError(f"the source {folder} is not in the git repository {self.root}")
        return replace(self, folder=folder)


def without_git(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables without those that say which repository git works on."""
    return {name: value for name, value in environment.items() if name not in _GIT_VARIABLES}


def find_repository(folder: Path) -> Repository:
    """Return the repository that a folder belongs to.

    Raises:
        SourceError: it belongs to none, or there is no commit.
    """
    try:
        root = Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n")).resolve()
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
        folder=root,
        commit=commit,
        branch=_git(root, "branch", "--show-current").strip(),
        remote=_without_credentials(_optional(root, "remote", "get-url", "origin")),
        has_hooks_path=bool(_optional(root, "config", "--get", "core.hooksPath")),
    )


def hooks_folder(repository: Repository) -> Path:
    """Return the folder of the repository's hooks, as `core.hooksPath` says or git's own."""
    return repository.root / _git(repository.root, "rev-parse", "--git-path", "hooks").strip()


def files_of(repository: Repository) -> tuple[str, ...]:
    """Return the files of the source that are tracked, or not ignored, sorted.

    Their names are relative to the source's folder.
    """
    listed = _git(
        *(repository.folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    )
    names = {name for name in listed.split("\0") if name}
    return tuple(sorted(name for name in names if not _is_folder(repository.folder / name)))


def copy_repository(repository: Repository, target: Path, *, working_tree: bool) -> None:
    """Make a repository of the source, with HEAD checked out, or what is in the working tree.

    Raises:
        SourceError: the commit does not have the folder, or git fails.
    """
    if repository.prefix:
        _commit_folder(repository, target)
        _git(target, "remote", "add", "origin", repository.remote or ".")
        if not working_tree:
            _git(target, "reset", "--quiet", "--hard")
    else:
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
        original, copy = repository.folder / name, target / name
        if os.path.lexists(original):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(original, copy, follow_symlinks=False)
    # In the index too: some tools only look at tracked files.
    _git(target, "add", "--all", "--force", ".")


def _commit_folder(repository: Repository, target: Path) -> None:
    """Make a repository whose one commit is HEAD, with a folder as the top of its tree."""
    branch = repository.branch or _DEFAULT_BRANCH
    _git(repository.root, "init", "--quiet", f"--initial-branch={branch}", str(target))
    try:
        tree = _git(
            *(repository.root, "rev-parse", "--verify", "--quiet"),
            f"{repository.commit}:{repository.prefix}",
        ).strip()
    except SourceError:
        raise SourceError(
            f"the last commit of {repository.root} has no folder {repository.prefix}; commit it, "
            "or say another source: --source DIR"
        ) from None
    shown = _git(
        *(repository.root, "show", "--no-patch", "--date=raw"),
        f"--format={'%x00'.join([*_PEOPLE.values(), '%B'])}",
        repository.commit,
    )
    *people, message = shown.split("\0")
    # The objects are looked up in the user's repository until they are packed here.
    objects = _git(
        *(repository.root, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    )
    alternates = target / ".git" / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_text(objects)
    commit = _git(
        *(target, "commit-tree", "-F", "-", tree),
        given=message.rstrip("\n") + "\n",
        environment=dict(zip(_PEOPLE, people, strict=True)),
    ).strip()
    _git(target, "update-ref", "HEAD", commit)
    _git(target, "repack", "-a", "-d", "--quiet")
    alternates.unlink()


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


def _git(
    folder: Path, *arguments: str, given: str = "", environment: Mapping[str, str] | None = None
) -> str:
    program = shutil.which("git")
    if not program:
        raise SourceError("git is not on PATH; install it")
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={
            **without_git(os.environ),
            **{"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            **(environment or {}),
        },
        input=given,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if done.returncode:
        raise SourceError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
