"""Where faults happen: one commit is in production everywhere, and another is on its way."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.deployed_versions import DeployedVersion
from dpra_constructs.rehearsal.execution_record import ExecutionRecord
from dpra_constructs.rehearsal.following import Follower, Silent, Watcher
from dpra_constructs.rehearsal.output_folder import OutputFolder
from dpra_constructs.rehearsal.rehearsal import (
    TIMES_AS_FAST,
    Emulation,
    Stopwatch,
    deployed,
    from_saved_state,
)
from dpra_constructs.rehearsal.server import save_state
from dpra_constructs.rehearsal.source_repository import (
    SourceRepository,
    commit_of,
    open_source,
)

RELEASED = "released"
# Where applications have their code; a line more makes another version of it.
_CODE = re.compile(r"(^|/)(src|lambda|lib|app|function|functions)/.*\.(py|js|mjs|ts)$")
_COMMENT = {"py": "#", "js": "//", "mjs": "//", "ts": "//"}


@dataclass(kw_only=True)
class Scene:
    """An app whose first commit is in production, with states saved on the way of the second.

    Args:
        folder: where the app's `cdk.json` is.
        output: the folder that is written.
        watcher: what is told.
        commit: the commit that is in production.
        pipeline: its name, where an app has several.
    """

    folder: Path
    output: Path
    watcher: Watcher = field(default_factory=Silent)
    commit: str = "HEAD"
    pipeline: str | None = None

    def __post_init__(self) -> None:
        """Keep apart what the first and the second commit's way leave behind."""
        self.first = OutputFolder(self.output.resolve())
        self.stopwatch = Stopwatch(watcher=self.watcher)
        self.emulation: Emulation | None = None
        self.follower: Follower | None = None
        asked = commit_of(self.folder, self.commit)
        if not asked or self.first.read_known().get("original") != asked:
            # States of another commit, or of a folder whose content nobody can tell.
            shutil.rmtree(self.first.states, ignore_errors=True)

    # The commits

    @property
    def old(self) -> str:
        """The commit that is in production."""
        return self._of_release("old")

    @property
    def new(self) -> str:
        """The commit that is on its way."""
        return self._known()["new"]

    @property
    def waves(self) -> tuple[str, ...]:
        """The stages that deploy to production: those after the approval."""
        waves = json.loads(self._of_release("waves"))
        return tuple(waves)

    @property
    def approval(self) -> str:
        """The stage in which a person approves."""
        return self._of_release("approval")

    @property
    def stages(self) -> tuple[str, ...]:
        """All pipeline stages."""
        return tuple(json.loads(self._of_release("stages")))

    def _of_release(self, name: str) -> str:
        if not self._has(RELEASED):
            self._release()
        return self._known()[name]

    def _known(self) -> dict[str, str]:
        path = self.first.path / "scene.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
        return known

    def _know(self, **values: str) -> None:
        path = self.first.path / "scene.json"
        path.write_text(json.dumps({**self._known(), **values}, indent=2))

    # Getting there

    @contextmanager
    def released(self) -> Iterator[Emulation]:
        """Give an emulator in which the first commit is in production everywhere."""
        if not self._has(RELEASED):
            self._release()
        with self._opened(RELEASED, self.old) as emulation:
            yield emulation

    @contextmanager
    def waiting_at(self, stage: str, time_scale: float = TIMES_AS_FAST) -> Iterator[Emulation]:
        """Give an emulator in which the second commit waits in front of a stage.

        The first commit is in production everywhere, and the second in all stages before this.

        Args:
            stage: its name.
            time_scale: how many minutes of a bake pass in one.

        Raises:
            RehearsalError: the pipeline has no such stage.
        """
        if not self._has(f"new-{stage}"):
            self._go_on_to(stage)
        with self._opened(f"new-{stage}", self.new, time_scale) as emulation:
            yield emulation

    def prepare(self) -> None:
        """Save the states that all faults start from."""
        if not self._has(RELEASED):
            self._release()
        if not self._has(f"new-{self.stages[-1]}"):
            self._go_on_to(self.stages[-1])

    def _has(self, state: str) -> bool:
        return self.first.state(state).is_dir()

    @contextmanager
    def _opened(
        self, state: str, commit: str, time_scale: float = TIMES_AS_FAST
    ) -> Iterator[Emulation]:
        opened = from_saved_state(
            self.first, state, self.watcher, self.stopwatch, time_scale=time_scale
        )
        with opened as emulation:
            source = replace(open_source(self.first.source, self._original()), commit=commit)
            source.push()
            emulation.source = source
            # What was saved for a rehearsal to stop at is for this one to pass.
            for name, stage in emulation.api.stages().items():
                waits = stage.get("inboundExecutions")
                if not stage["inboundTransitionState"]["enabled"] and not waits:
                    emulation.api.let_in(name)
            self.emulation, self.follower = emulation, emulation.follower()
            self.stopwatch.begin("The fault")
            try:
                yield emulation
            finally:
                self.emulation = None

    def _original(self) -> str:
        return self.first.read_known().get("original", "")

    def _release(self) -> None:
        """Take the first commit to production, and save the state."""
        approving = _Approving(self.watcher)
        (self.first.path / "scene.json").unlink(missing_ok=True)
        opened = deployed(
            folder=self.folder,
            output=self.first,
            watcher=approving,
            stopwatch=self.stopwatch,
            commit=self.commit,
            pipeline=self.pipeline,
        )
        with opened as emulation:
            follower = emulation.follower()
            self.stopwatch.begin("The first commit goes to production")
            record = follower.follow(emulation.api.start())
            if record.status != "Succeeded":
                raise RehearsalError(
                    "a fault needs a release to start from, and the commit does not reach "
                    f"production without one: {record.summary or record.status}"
                )
            approvals = [a.stage for a in follower.view.actions if a.provider == "Manual"]
            stages = follower.view.stages
            deploying = dict.fromkeys(
                action.stage for action in follower.view.actions if action.provider != "Manual"
            )
            after = stages.index(approvals[0]) if approvals else -1
            waves = [
                stage
                for stage in stages[after + 1 :]
                if stage in deploying and _deploys(follower, stage)
            ]
            versions = emulation.versions()
            self._know(
                old=emulation.source.commit,
                stages=json.dumps(stages),
                waves=json.dumps(waves),
                approval=approvals[0] if approvals else "",
                templates=json.dumps({each.template: each.commit for each in versions}),
            )
            save_state(emulation.endpoint, self.first.state(RELEASED))

    def _go_on_to(self, stage: str) -> None:
        """Take the second commit up to a stage, saving the state in front of each."""
        with self.released() as emulation:
            if stage not in self.stages:
                raise RehearsalError(
                    f"the pipeline has no stage {stage}; it has: {', '.join(self.stages)}"
                )
            emulation.watcher = _Approving(self.watcher)
            source = emulation.source.commit_change(
                self.changed_application(emulation.source), "Change the application"
            )
            self._know(new=source.commit)

            def save(name: str) -> None:
                save_state(emulation.endpoint, self.first.state(f"new-{name}"))

            follower = emulation.follower(save)
            follower.hold_stages()
            self.stopwatch.begin(f"The second commit goes on to {stage}")
            record = follower.follow(emulation.api.start(), until=stage)
            if record.is_over:
                raise RehearsalError(
                    f"the second commit does not reach stage {stage}: "
                    f"{record.summary or record.status}"
                )
            save(stage)

    # What faults do

    def changed_application(self, source: SourceRepository, note: str = "one") -> dict[str, str]:
        """Return a change that makes another version of the application, and nothing else.

        Raises:
            RehearsalError: the commit has no file that is surely the application's.
        """
        for name in source.files():
            if _CODE.search(name) and not name.rpartition("/")[2].startswith("__"):
                sign = _COMMENT[name.rpartition(".")[2]]
                # At the top, where no formatter wants it otherwise.
                return {name: f"{sign} Rehearsed change: {note}.\n{source.read(name)}"}
        raise RehearsalError(
            "the commit has no Python, JavaScript or TypeScript file below a folder src, lib, "
            "lambda, app or function, of which a fault could make another version"
        )

    def follow(self, execution_id: str, until: str = "") -> ExecutionRecord:
        """Follow an execution to its end, or to a stage."""
        if self.follower is None:
            raise RehearsalError("no emulator runs")
        return self.follower.follow(execution_id, until)

    def follow_others(self, record: ExecutionRecord) -> list[ExecutionRecord]:
        """Follow what was started after an execution: its rollback."""
        api = self._open().api
        executions = api.executions()
        ids = [each["pipelineExecutionId"] for each in executions]
        newer = ids[: ids.index(record.id)]
        return [self.follow(each) for each in reversed(newer)]

    def versions(self) -> tuple[DeployedVersion, ...]:
        """Read back what runs where."""
        templates: Mapping[str, str] = json.loads(self._known().get("templates", "{}"))
        return self._open().versions(templates)

    def let_in(self, stage: str) -> str:
        """Let the execution in that waits in front of a stage; return its id."""
        api = self._open().api
        [*_, waiting] = api.stages()[stage]["inboundExecutions"]
        api.let_in(stage)
        return str(waiting["pipelineExecutionId"])

    def _open(self) -> Emulation:
        if self.emulation is None:
            raise RehearsalError("no emulator runs")
        return self.emulation

    def expected(
        self, *, new_in: Sequence[str] = (), new: str = "", old: str = ""
    ) -> dict[str, str]:
        """Return which commit each stage has to run: the new one in some, the old in the rest."""
        new, old = new or (self.new if new_in else ""), old or self.old
        return {stage: new if stage in new_in else old for stage in self.stages}

    def before(self, stage: str) -> tuple[str, ...]:
        """Return the stages before one."""
        return self.stages[: self.stages.index(stage)]


def _deploys(follower: Follower, stage: str) -> bool:
    providers = {each.provider for each in follower.view.actions if each.stage == stage}
    return "CloudFormation" in providers


class _Approving:
    """Tells what another watcher tells, and approves."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.step, self.note, self.execution = watcher.step, watcher.note, watcher.execution

    def answer(self, approval: object) -> bool:
        """Approve."""
        return True
