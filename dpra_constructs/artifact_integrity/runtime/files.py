"""The files of an assembly, in a folder or in an artifact's archive, read the same way."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Protocol

_CHUNK = 1 << 20


class Digest(NamedTuple):
    """The size and the SHA-256 of a file."""

    size: int
    sha256: str


class Files(Protocol):
    """Files by their path from the assembly's root, with forward slashes."""

    def paths(self) -> Iterator[str]:
        """Yield every file's path."""

    def open(self, path: str) -> IO[bytes]:
        """Open one.

        Raises:
            KeyError: there is none of that path.
        """


class Folder:
    """Files of a folder; a symbolic link is read as what it leads to, inside of the folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def paths(self) -> Iterator[str]:
        """Yield every file's path."""
        yield from sorted(path.relative_to(self._root).as_posix() for path in files_in(self._root))

    def open(self, path: str) -> IO[bytes]:
        """Open one.

        Raises:
            KeyError: there is none of that path.
            ValueError: it is a link to somewhere else.
        """
        file = self._root / path
        if not file.resolve().is_relative_to(self._root):
            raise ValueError(f"{path} leads out of the assembly")
        try:
            return file.open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise KeyError(path) from None


class Archive:
    """Files of an artifact's archive, which is not unpacked."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        # Of two with one name, a reader would see the last, and another one the first.
        self._names = [each.filename for each in archive.infolist() if not each.is_dir()]

    def paths(self) -> Iterator[str]:
        """Yield every file's path, those that stand twice twice."""
        yield from sorted(self._names)

    def open(self, path: str) -> IO[bytes]:
        """Open one."""
        return self._archive.open(path)


def digest_of(stream: IO[bytes]) -> Digest:
    """Return the digest of what is left of a stream."""
    size, sha256 = 0, hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        sha256.update(chunk)
    return Digest(size, sha256.hexdigest())


def digests_of(files: Files) -> Mapping[str, Digest]:
    """Return the digest of every file.

    Raises:
        ValueError: a path stands twice, or leaves the assembly.
    """
    digests: dict[str, Digest] = {}
    for path in files.paths():
        if path in digests:
            raise ValueError(f"{path} stands twice in the archive")
        if path.startswith("/") or ".." in PurePosixPath(path).parts or "\\" in path:
            raise ValueError(f"{path} is no path inside the assembly")
        with files.open(path) as stream:
            digests[path] = digest_of(stream)
    return digests


def files_in(folder: Path, parents: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield the files of a folder, and of folders that links lead to, as the CDK does.

    Raises:
        ValueError: links lead in a circle.
    """
    real = folder.resolve()
    if real in parents:
        raise ValueError(f"{folder.parent.name}/{folder.name} is a link that leads to itself")
    for path in folder.iterdir():
        if path.is_dir():
            yield from files_in(path, (*parents, real))
        else:
            yield path
