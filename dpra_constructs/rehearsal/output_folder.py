"""The folder that a rehearsal writes: logs, its source repository, and saved states."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from dpra_constructs.errors import RehearsalError

_MARK = ".dpra-rehearsal"


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """Where what, below one folder."""

    path: Path

    @property
    def logs(self) -> Path:
        """A folder for each execution, with a log for each action."""
        return self.path / "logs"

    @property
    def source(self) -> Path:
        """The bare repository that stands for the source."""
        return self.path / "source.git"

    @property
    def settings(self) -> Path:
        """What the executor is told."""
        return self.path / "settings.json"

    @property
    def wheels(self) -> Path:
        """The library's wheel, which builds may install."""
        return self.path / "wheels"

    @property
    def assembly(self) -> Path:
        """The cloud assembly that the pipeline was deployed from at first."""
        return self.path / "cdk.out"

    @property
    def states(self) -> Path:
        """Saved states, one folder for each pipeline stage in front of which it was saved."""
        return self.path / "states"

    def state(self, stage: str) -> Path:
        """Return where the state in front of a stage is saved."""
        return self.states / stage

    def saved_stages(self) -> tuple[str, ...]:
        """Return the stages that there is a state for, in no particular order."""
        return tuple(sorted(each.name for each in self.states.glob("*") if each.is_dir()))

    def make(self, *, keep_states: bool = False) -> None:
        """Make the folder anew, and let git ignore it.

        Args:
            keep_states: leave what a rehearsal from a saved state needs.

        Raises:
            RehearsalError: it is there, and is not a rehearsal's.
        """
        if self.path.exists() and any(self.path.iterdir()) and not (self.path / _MARK).exists():
            raise RehearsalError(
                f"{self.path} is there and was not made by a rehearsal, so it is left alone; name "
                "another folder with --log-folder, or remove it"
            )
        if not keep_states:
            for each in (self.logs, self.source, self.wheels, self.assembly, self.states):
                shutil.rmtree(each, ignore_errors=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.wheels.mkdir(exist_ok=True)
        (self.path / _MARK).touch()
        (self.path / ".gitignore").write_text("*\n")

    def write_known(self, known: dict[str, str]) -> None:
        """Remember what a later rehearsal from a state needs to know."""
        (self.path / "known.json").write_text(json.dumps(known, indent=2))

    def read_known(self) -> dict[str, str]:
        """Return what `write_known` wrote."""
        path = self.path / "known.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
        return known
