"""What a fault is: what goes wrong, and the state that the pipeline's design promises then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dpra_constructs.rehearsal.deployed_versions import DeployedVersion
from dpra_constructs.rehearsal.execution_record import ActionRecord, ExecutionRecord
from dpra_constructs.rehearsal.following import Answered

if TYPE_CHECKING:
    from dpra_constructs.rehearsal.faults.scene import Scene


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What happened, beside what was to happen.

    Args:
        executions: as they ended; the first is the one that met the fault.
        versions: what runs in each account and region, read back at the end.
        expected: the commit that each pipeline stage's stacks have to run.
        status: how the first execution has to end.
        failing: the stage, and a part of the name of the action, that has to fail; empty when
            none has to.
        says: a part of what the failing action, or the execution, has to say.
        answered: approvals with their answers.
        further: what else is not as designed.
        advice: what a person does after such a fault.
    """

    executions: Sequence[ExecutionRecord]
    versions: Sequence[DeployedVersion]
    expected: Mapping[str, str]
    status: str
    failing: tuple[str, str] | None = None
    says: str = ""
    answered: Sequence[Answered] = ()
    further: Sequence[str] = ()
    advice: str = ""
    #: Stacks that run another commit than the rest of their stage, by account, region and name.
    exceptions: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    def deviations(self) -> Iterator[str]:
        """Give what is not as designed; nothing when all is."""
        yield from self.further
        first = self.executions[0]
        if first.status != self.status:
            yield f"execution {first.id} is {first.status}, and has to be {self.status}"
        failed = self._failed()
        if self.failing and not failed:
            names = ", ".join(f"{each.stage}/{each.name}" for each in first.failed) or "none"
            yield (
                f"the action {'/'.join(self.failing)} has to fail in execution {first.id}; "
                f"failed: {names}"
            )
        said = " ".join(
            text
            for each in self.executions
            for text in (each.summary, *(action.error for action in each.failed))
        )
        logs = " ".join(line for action in failed for line in action.last_lines())
        if self.says and self.says not in f"{said} {logs}":
            yield f"nothing says {self.says!r}: {said}"
        for version in self.versions:
            key = (version.place.account, version.place.region, version.stack)
            wanted = self.exceptions.get(key, self.expected.get(version.stage, ""))
            if version.commit != wanted:
                yield (
                    f"{version.stack} in {version.place.account} {version.place.region} runs "
                    f"{version.commit[:12] or 'nothing known'} ({version.status}), and has to run "
                    f"{wanted[:12] or 'nothing'}"
                )

    def _failed(self) -> list[ActionRecord]:
        if not self.failing:
            return []
        stage, name = self.failing
        return [
            action
            for action in self.executions[0].failed
            if action.stage == stage and name in action.name
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault that can be rehearsed.

    Args:
        name: as in `dpra rehearse --fault NAME`.
        description: one line on what goes wrong and how it has to end.
        play: lets it happen in a scene.
    """

    name: str
    description: str
    play: Callable[[Scene], Outcome]
