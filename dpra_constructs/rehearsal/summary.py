"""What a rehearsal says in the end: one page for people, and JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dpra_constructs.delivery_metrics.runtime.publish import UNITS
from dpra_constructs.rehearsal.deployed_versions import DeployedVersion
from dpra_constructs.rehearsal.execution_record import ActionRecord, ExecutionRecord, StageRecord
from dpra_constructs.rehearsal.faults.fault import Outcome
from dpra_constructs.rehearsal.rehearsal import NOT_CHECKED, Rehearsal

_SHORT = 12


def summary_lines(rehearsal: Rehearsal) -> Iterator[str]:
    """Give the lines of the summary: what ran, who approved, what runs where, and what to do."""
    source = rehearsal.source
    commit = rehearsal.name_of(source.commit)[:_SHORT]
    yield f"{rehearsal.status}: {rehearsal.pipeline.name}, commit {commit} ({source.subject})"
    for problem in rehearsal.problems:
        yield f"  {problem}"
    for record in rehearsal.executions:
        yield ""
        yield from _execution_lines(record)
    yield ""
    yield "Approvals:"
    for answered in rehearsal.answered:
        verb = "approved" if answered.approved else "rejected"
        yield f"  {answered.approval.stage}/{answered.approval.action}: {verb}"
    if not rehearsal.answered:
        yield "  none was answered"
    yield ""
    yield "What runs where, read back from each region:"
    for version in rehearsal.versions:
        yield f"  {_version_line(version, rehearsal.name_of(version.commit))}"
        for problem in version.problems:
            yield f"    {problem}"
    if rehearsal.metrics is not None:
        yield ""
        yield "Delivery metrics, read back from CloudWatch:"
        for name, value in rehearsal.metrics.items():
            unit = UNITS[name].lower().replace("none", "a day")
            yield f"  {name}: {value:.4g} {unit}"
        if not rehearsal.metrics:
            yield "  none was published"
    yield ""
    yield "Not checked, as the emulator does not do it:"
    yield from (f"  - {line}" for line in NOT_CHECKED)
    yield ""
    steps = ", ".join(f"{name} {taken:.1f}" for name, taken in rehearsal.seconds.items())
    yield f"Seconds: {steps}"
    yield f"Logs of the actions: {rehearsal.logs}"


def _execution_lines(record: ExecutionRecord) -> Iterator[str]:
    rollback = ", a rollback" if record.type == "ROLLBACK" else ""
    yield f"Execution {record.id}: {record.status}{rollback}, {record.seconds:.1f} s"
    for stage in record.stages:
        yield f"  {_stage_line(stage)}"
    for action in record.failed:
        yield from failure_lines(action)


def _stage_line(stage: StageRecord) -> str:
    seconds = max((action.seconds for action in stage.actions), default=0.0)
    done = sum(action.status == "Succeeded" for action in stage.actions)
    status = stage.status or "not reached"
    return f"{stage.name:<20} {status:<12} {done}/{len(stage.actions)} actions, longest {seconds} s"


def failure_lines(action: ActionRecord) -> Iterator[str]:
    """Give what a failing action said: its message, and the end of its log."""
    yield f"  {action.stage}/{action.name} failed: {action.error}"
    lines = action.last_lines()
    if lines:
        yield f"  the last lines of {action.log}:"
        yield from (f"    | {line}" for line in lines)


def _version_line(version: DeployedVersion, commit: str) -> str:
    name = commit[:_SHORT] or "-"
    answers = "".join(f", {key} answers {code}" for key, code in version.answers.items())
    place = f"{version.place.account} {version.place.region}"
    return f"{version.stage:<16} {place:<28} {name:<12} {version.status}{answers}"


def fault_lines(name: str, outcome: Outcome) -> Iterator[str]:
    """Give the lines of a fault's summary: whether its end is the designed one, and what to do."""
    deviations = list(outcome.deviations())
    end = "NOT the designed end" if deviations else "the designed end"
    yield f"Fault {name}: {end}"
    yield from (f"  {deviation}" for deviation in deviations)
    for record in outcome.executions:
        yield ""
        yield from _execution_lines(record)
    yield ""
    yield "What runs where, read back from each region:"
    yield from (f"  {_version_line(each, each.commit)}" for each in outcome.versions)
    yield ""
    yield f"What to do: {outcome.advice}"


def fault_json(name: str, outcome: Outcome) -> dict[str, Any]:
    """Return a fault's result for `--json`."""
    deviations = list(outcome.deviations())
    return {
        "fault": name,
        "status": "FAILED" if deviations else "SUCCEEDED",
        "problems": deviations,
        "executions": [_execution_json(record) for record in outcome.executions],
        "deployed": _deployed_json(outcome.versions, lambda commit: commit),
        "advice": outcome.advice,
        "not_checked": list(NOT_CHECKED),
    }


def as_json(rehearsal: Rehearsal) -> dict[str, Any]:
    """Return the result for `--json`."""
    source = rehearsal.source
    return {
        "status": rehearsal.status,
        "problems": list(rehearsal.problems),
        "pipeline": rehearsal.pipeline.name,
        "commit": rehearsal.name_of(source.commit),
        "source_commit": source.commit,
        "notes": list(source.notes),
        "executions": [_execution_json(record) for record in rehearsal.executions],
        "approvals": [
            {
                "stage": each.approval.stage,
                "action": each.approval.action,
                "approved": each.approved,
            }
            for each in rehearsal.answered
        ],
        "deployed": _deployed_json(rehearsal.versions, rehearsal.name_of),
        "metrics": None if rehearsal.metrics is None else dict(rehearsal.metrics),
        "not_checked": list(NOT_CHECKED),
        "seconds": dict(rehearsal.seconds),
        "log_folder": str(rehearsal.logs),
    }


def _deployed_json(
    versions: Sequence[DeployedVersion], name_of: Callable[[str], str]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return versions by account and region."""
    deployed: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for version in versions:
        regions = deployed.setdefault(version.place.account, {})
        regions.setdefault(version.place.region, []).append(
            {
                "stack": version.stack,
                "stage": version.stage,
                "status": version.status,
                "commit": name_of(version.commit),
                "code_sha256": dict(version.code),
                "outputs": dict(version.outputs),
                "http_status": dict(version.answers),
                "problems": list(version.problems),
            }
        )
    return deployed


def _execution_json(record: ExecutionRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "status": record.status,
        "type": record.type,
        "summary": record.summary,
        "commit": record.commit,
        "seconds": record.seconds,
        "stages": [
            {
                "name": stage.name,
                "status": stage.status or None,
                "actions": [
                    {
                        "name": action.name,
                        "provider": action.provider,
                        "account": action.account,
                        "region": action.region,
                        "status": action.status or None,
                        "seconds": action.seconds,
                        "error": action.error or None,
                        "log": str(action.log) if action.log else None,
                    }
                    for action in stage.actions
                ],
            }
            for stage in record.stages
        ],
    }
