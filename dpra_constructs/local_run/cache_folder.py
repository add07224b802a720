"""Where local builds keep what the next one uses again: tools, assemblies, logs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dpra_constructs.errors import DpraError

# https://bford.info/cachedir/: backups leave the folder out, and it is known to be ours.
_TAG = "CACHEDIR.TAG"
_TAG_TEXT = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# The cache of `dpra build`; `dpra build --clear-cache` removes it.\n"
)
_KEPT_RUNS = 10
VARIABLE = "DPRA_CACHE"


class CacheError(DpraError):
    """The cache folder cannot be used, or is not ours to remove."""


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """The cache of `dpra build`.

    Args:
        path: the folder; made when it is needed.
    """

    path: Path

    @staticmethod
    def of(environment: Mapping[str, str]) -> CacheFolder:
        """Return the folder that variables say: `DPRA_CACHE`, or `dpra` in the user's cache.

        >>> CacheFolder.of({"DPRA_CACHE": "/caches/mine"}).path.as_posix()
        '/caches/mine'
        """
        if given := environment.get(VARIABLE):
            return CacheFolder(Path(given).absolute())
        home = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return CacheFolder(Path(home).absolute() / "dpra")

    def make(self) -> None:
        """Make the folder.

        Raises:
            CacheError: it is there with other content, or cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            tag = self.path / _TAG
            if tag.exists():
                return
            if any(self.path.iterdir()):
                raise CacheError(
                    f"{self.path} is no cache of dpra: it is not empty and has no {_TAG}; "
                    f"set {VARIABLE} to another folder"
                )
            tag.write_text(_TAG_TEXT)
        except OSError as error:
            raise CacheError(
                f"the cache folder {self.path} cannot be used: {error}; set {VARIABLE} to another"
            ) from None

    def clear(self) -> bool:
        """Remove the folder with all that is in it; return whether it was there.

        Raises:
            CacheError: it is not ours.
        """
        if not self.path.exists():
            return False
        if not (self.path / _TAG).is_file():
            raise CacheError(
                f"{self.path} is no cache of dpra: it has no {_TAG}; remove it by hand"
            )
        shutil.rmtree(self.path)
        return True

    def new_run(self) -> Path:
        """Make the folder of a run, and remove those of the oldest runs."""
        runs = self.path / "runs"
        runs.mkdir(exist_ok=True)
        for old in sorted(runs.iterdir())[: -_KEPT_RUNS + 1]:
            if not _is_running(old.name.rpartition("-")[2]):
                shutil.rmtree(old, ignore_errors=True)
        run = runs / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        for number in range(1, 1000):
            with suppress(FileExistsError):
                run.mkdir()
                return run
            run = run.with_name(f"{time.strftime('%Y%m%d-%H%M%S')}.{number}-{os.getpid()}")
        raise CacheError(f"no folder for this run can be made in {runs}")


def _is_running(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
