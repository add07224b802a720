"""The bare repository on this machine that stands for a pipeline's source."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dpra_constructs.errors import RehearsalError

TRUNK = "main"
_REFERENCE = f"refs/heads/{TRUNK}"
_SECONDS = 300
_NOTHING = "0" * 40
# Nobody's: what a rehearsal commits stays in its own repository.
_AUTHOR = {
    "GIT_AUTHOR_NAME": "Rehearsal",
    "GIT_AUTHOR_EMAIL": "rehearsal@localhost",
    "GIT_COMMITTER_NAME": "Rehearsal",
    "GIT_COMMITTER_EMAIL": "rehearsal@localhost",
}
# A hook, a prompt or a filter of the user's configuration has no place here.
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRepository:
    """A bare repository whose trunk is the commit that is rehearsed.

    Args:
        path: where it is.
        commit: the commit at the tip of its trunk.
        original: the commit of the app's own repository; empty for a folder outside git.
        subject: the first line of the commit's message.
        notes: what a person should know, for example that uncommitted changes are not included.
    """

    path: Path
    commit: str
    original: str
    subject: str
    notes: tuple[str, ...] = ()

    def push(self) -> None:
        """Make the commit the tip of the trunk."""
        _git(self.path, "update-ref", _REFERENCE, self.commit)

    def read(self, path: str) -> str | None:
        """Return a file of the commit, or None where it has none of that name."""
        try:
            return _git_bytes(self.path, "show", f"{self.commit}:{path}").decode()
        except RehearsalError:
            return None

    def files(self) -> tuple[str, ...]:
        """Return the paths of the commit's files."""
        listed = _git(self.path, "ls-tree", "-r", "-z", "--name-only", self.commit)
        return tuple(each for each in listed.split("\0") if each)

    def commit_change(self, files: Mapping[str, str | None], message: str) -> SourceRepository:
        """Commit changed files to the trunk, as a push does; None removes a file."""
        index = {"GIT_INDEX_FILE": str(self.path / "rehearsal-index")}
        _git(self.path, "read-tree", self.commit, environment=index)
        for name, content in files.items():
            if content is None:
                gone = f"0 {_NOTHING}\t{name}\n".encode()
                _git(self.path, "update-index", "--index-info", given=gone, environment=index)
                continue
            blob = _git(self.path, "hash-object", "-w", "--stdin", given=content.encode())
            entry = f"{_mode(self, name)},{blob},{name}"
            _git(self.path, "update-index", "--add", "--cacheinfo", entry, environment=index)
        tree = _git(self.path, "write-tree", environment=index)
        commit = _git(
            *(self.path, "commit-tree", tree, "-p", self.commit, "-m", message),
            environment=_AUTHOR,
        )
        _git(self.path, "update-ref", _REFERENCE, commit)
        return SourceRepository(
            path=self.path, commit=commit, original=self.original, subject=message
        )


def open_source(path: Path, original: str = "") -> SourceRepository:
    """Return a repository that `make_source` made."""
    return SourceRepository(
        path=path,
        commit=_git(path, "rev-parse", _REFERENCE),
        original=original,
        subject=_git(path, "show", "-s", "--format=%s", _REFERENCE),
    )


def make_source(folder: Path, path: Path, commit: str = "HEAD") -> SourceRepository:
    """Make the bare repository of an app's folder, at a commit.

    Where the app is in a folder of a larger repository, the source is that folder with its
    history; a folder outside git becomes a repository of one commit.

    Args:
        folder: where the app's `cdk.json` is.
        path: where to make the repository; it must not exist.
        commit: what `git rev-parse` understands.

    Raises:
        RehearsalError: git is missing, or there is no such commit or no app in it.
    """
    path = path.resolve()
    _git(Path(), "init", "--quiet", "--bare", f"--initial-branch={TRUNK}", str(path))
    top = _top(folder)
    if top is None:
        if commit != "HEAD":
            raise RehearsalError(
                f"{folder} is in no git repository, so there is no commit {commit}; leave "
                "--commit out, and the folder is taken as it is"
            )
        return _from_files(folder, path)
    original = _resolve(top, commit, folder)
    prefix = _git(folder, "rev-parse", "--show-prefix").rstrip("/")
    if prefix:
        _write_history_of(top, prefix, original, path)
    else:
        _copy_history(top, original, path)
    made = open_source(path, original)
    return SourceRepository(
        path=path,
        commit=made.commit,
        original=original,
        subject=made.subject,
        notes=tuple(_notes(folder, top, original)),
    )


def commit_of(folder: Path, commit: str = "HEAD") -> str:
    """Return the full name of a commit, or nothing for a folder outside git.

    Raises:
        RehearsalError: there is no such commit.
    """
    top = _top(folder)
    return _resolve(top, commit, folder) if top else ""


def _top(folder: Path) -> Path | None:
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel"))
    except RehearsalError:
        return None


def _resolve(top: Path, commit: str, folder: Path) -> str:
    try:
        return _git(top, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    except RehearsalError:
        what = "no commit yet" if commit == "HEAD" else f"no commit {commit}"
        raise RehearsalError(
            f"the repository of {folder} has {what}; a rehearsal takes what is committed: "
            "commit first, or name another one with --commit"
        ) from None


def _notes(folder: Path, top: Path, original: str) -> Iterator[str]:
    changed = _git(folder, "status", "--porcelain", "--", ".").splitlines()
    if changed:
        names = ", ".join(sorted(line[3:] for line in changed)[:3])
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        yield f"uncommitted changes are not included: {names}{more}"
    head = _git(top, "rev-parse", "HEAD")
    if head != original:
        yield f"the commit is not the one that is checked out ({head[:8]})"


def _copy_history(top: Path, original: str, path: Path) -> None:
    # A shallow clone, as build servers make it, may be pushed too.
    _git(path, "config", "receive.shallowUpdate", "true")
    _git(top, "push", "--quiet", "--no-verify", str(path), f"{original}:{_REFERENCE}")


def _write_history_of(top: Path, prefix: str, original: str, path: Path) -> None:
    """Write the history of a folder, as if it had always been a repository of its own."""
    if not _has_folder(top, original, prefix):
        raise RehearsalError(
            f"commit {original[:8]} has no folder {prefix}; commit the app first, or name "
            "another commit with --commit"
        )
    objects = _git(top, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    alternates = path / "objects/info/alternates"
    alternates.write_text(f"{objects}\n")
    stream = b"".join(_fast_import(top, prefix, original))
    _git(path, "fast-import", "--quiet", "--force", given=stream)
    # From here on it stands alone.
    _git(path, "repack", "-a", "-d", "--quiet")
    alternates.unlink()


def _has_folder(top: Path, commit: str, prefix: str) -> bool:
    try:
        return _git(top, "cat-file", "-t", f"{commit}:{prefix}") == "tree"
    except RehearsalError:
        return False


def _fast_import(top: Path, prefix: str, original: str) -> Iterator[bytes]:
    commits = _git(
        *(top, "log", "--first-parent", "--reverse", "--format=%H", original, "--", prefix)
    ).split()
    # The tip may not have touched the folder, and its message is what a person looks for.
    trees: list[tuple[str, str]] = []
    for commit in dict.fromkeys([*commits, original]):
        if not _has_folder(top, commit, prefix):
            continue
        trees.append((commit, _git(top, "rev-parse", f"{commit}:{prefix}")))
    for commit, tree in trees:
        shown = _git_bytes(
            top, "show", "-s", "--format=%an <%ae> %ad%x00%cn <%ce> %cd%x00%B", "--date=raw", commit
        )
        author, committer, message = shown.split(b"\0", 2)
        yield b"commit %s\n" % _REFERENCE.encode()
        yield b"author %s\ncommitter %s\n" % (author, committer)
        message = message.rstrip(b"\n") + b"\n"
        yield b"data %d\n%s\n" % (len(message), message)
        yield b'M 040000 %s ""\n' % tree.encode()


def _from_files(folder: Path, path: Path) -> SourceRepository:
    """Commit a folder's files, without those that its own .gitignore names."""
    work = {"GIT_DIR": str(path), "GIT_WORK_TREE": str(folder.resolve())}
    index = {"GIT_INDEX_FILE": str(path / "rehearsal-index")}
    _git(folder, "-c", "core.bare=false", "add", "--all", ".", environment=work | index)
    tree = _git(path, "write-tree", environment=index)
    message = f"The files of {folder.resolve().name}"
    commit = _git(path, "commit-tree", tree, "-m", message, environment=_AUTHOR)
    _git(path, "update-ref", _REFERENCE, commit)
    return SourceRepository(
        path=path,
        commit=commit,
        original="",
        subject=message,
        notes=("the folder is in no git repository, so all of its files are the commit",),
    )


def _mode(source: SourceRepository, name: str) -> str:
    listed = _git(source.path, "ls-tree", source.commit, name)
    return listed.split(" ", 1)[0] if listed else "100644"


def _git(
    folder: Path,
    *arguments: str,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> str:
    done = _git_bytes(folder, *arguments, given=given, environment=environment)
    return done.decode("utf-8", "replace").rstrip("\n")


def _git_bytes(
    folder: Path,
    *arguments: str,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> bytes:
    # A hook's variables would name another repository than the folder's.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            input=given,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**inherited, **_QUIET, **(environment or {})},
        )
    except FileNotFoundError:
        raise RehearsalError("git is not on PATH, and a rehearsal takes a commit") from None
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip()
        raise RehearsalError(f"git {arguments[0]} failed in {folder}: {message}")
    return done.stdout
