"""What a rehearsal tells the executor; a file, so that it may change while the emulator runs."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

#: The environment variable of the emulator's process that names the file.
VARIABLE = "DPRA_REHEARSAL_SETTINGS"
#: The variable by which functions know how many of their minutes pass in one.
TIME_SCALE = "DPRA_TIME_SCALE"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitSource:
    """The git repository on this machine that stands for a source action's repository."""

    repository: str
    branch: str = "main"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the executor cannot know from the pipeline.

    Args:
        sources: by what the source action names: `FullRepositoryId`, `RepositoryName`, or
            `S3Bucket`.
        folder: where logs of actions and the work of builds go; a folder for each execution.
        cache: kept between builds and rehearsals: packages of pip, npm and jsii.
        wheels: folders with wheels that builds may install beside what the index has.
        time_scale: how many seconds of waiting (approvals, timeouts) pass in one.
        at: the time at which releases come to deployment windows and change calendars, in ISO
            8601 with an offset; without it they count as open.
        at_since: seconds since the epoch before which that time stands still.
    """

    sources: Mapping[str, GitSource] = field(default_factory=dict)
    folder: str = ""
    cache: str = ""
    wheels: tuple[str, ...] = ()
    time_scale: float = 1.0
    at: str = ""
    at_since: float = 0.0

    @property
    def work(self) -> Path:
        """Where logs and work go; the emulator's own temporary folder unless it is given."""
        return Path(self.folder or Path(tempfile.gettempdir()) / "codepipeline")

    @property
    def cache_folder(self) -> Path:
        """Where caches are kept."""
        return Path(self.cache) if self.cache else self.work / "cache"


def read_settings() -> Settings:
    """Read the file that the environment names; without it there are no sources."""
    path = os.environ.get(VARIABLE)
    if not path:
        return Settings()
    given = json.loads(Path(path).read_text("utf-8"))
    sources = {name: GitSource(**source) for name, source in given.pop("sources", {}).items()}
    return Settings(**{**given, "wheels": tuple(given.get("wheels", ())), "sources": sources})


def write_settings(settings: Settings, path: Path) -> None:
    """Write the file, at once: a reader sees the old or the new one."""
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(settings), indent=2), "utf-8")
    temporary.replace(path)
