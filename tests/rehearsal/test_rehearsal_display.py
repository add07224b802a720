"""What a person sees while a rehearsal goes on."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from dpra_constructs.cli.rehearsal_display import RehearsalDisplay
from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.execution_record import ActionRecord, ExecutionRecord, StageRecord
from dpra_constructs.rehearsal.pipeline_api import Approval
from dpra_constructs.rehearsal.summary import failure_lines

APPROVAL = Approval(stage="Approve-Prod", action="Approve", token="t", execution_id="e")


def action(name: str, status: str = "", stage: str = "Build", **more: object) -> ActionRecord:
    given: dict[str, object] = {"seconds": 1.5, "error": "", "log": None, **more}
    return ActionRecord(
        stage=stage,
        name=name,
        run_order=1,
        provider="CodeBuild",
        account="111111111111",
        region="us-west-2",
        status=status,
        **given,  # type: ignore[arg-type]
    )


def record(*stages: StageRecord, status: str = "InProgress") -> ExecutionRecord:
    return ExecutionRecord(
        pipeline="fruit",
        id="12345678-aaaa",
        status=status,
        summary="",
        type="STANDARD",
        trigger="",
        commit="c",
        seconds=2.0,
        stages=stages,
    )


def shown(terminal: bool, *records: ExecutionRecord) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=120, color_system=None)
    display = RehearsalDisplay(console, answer=True)
    for each in records:
        display.execution(each)
    display.close()
    return output.getvalue()


BUILD = StageRecord(
    name="Build", actions=(action("Package", "Succeeded"), action("Synth", "Failed"))
)
PROD = StageRecord(name="Prod", actions=(action("Deploy", stage="Prod"),))


def test_elsewhere_than_on_a_terminal_each_end_of_an_action_is_a_line() -> None:
    begun = StageRecord(name="Build", actions=(action("Package", "InProgress"),))
    printed = shown(False, record(begun, PROD), record(BUILD, PROD), record(BUILD, PROD))
    lines = [line[8:] for line in printed.splitlines()]
    assert lines == [
        "Succeeded Build/Package (111111111111 us-west-2, 1.5 s)",
        "Failed    Build/Synth (111111111111 us-west-2, 1.5 s)",
    ]


def test_on_a_terminal_a_table_shows_stages_and_the_actions_of_the_one_that_runs() -> None:
    printed = shown(True, record(BUILD, PROD, status="Failed"))
    assert "fruit: execution 12345678, Failed" in printed
    table = printed[printed.rindex("fruit: execution") :]
    assert "Package" in table
    assert "Synth" in table
    assert "Deploy" in table


@pytest.mark.parametrize("answer", [True, False])
def test_scripts_answer_approvals_by_an_option(answer: bool) -> None:
    assert RehearsalDisplay(Console(file=io.StringIO()), answer).answer(APPROVAL) is answer


def test_what_the_reviewer_reads_is_shown_before_the_answer() -> None:
    shown = io.StringIO()
    approval = replace(APPROVAL, message="Look [here].\nWARNING Table is deleted")
    assert RehearsalDisplay(Console(file=shown), True).answer(approval) is True
    assert [line.strip() for line in shown.getvalue().splitlines()] == [
        "| Look [here].",
        "| WARNING Table is deleted",
    ]


def test_where_nobody_can_be_asked_the_options_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    message = (
        "Approve-Prod/Approve waits for an answer, and the input is no terminal; say --approve"
    )
    with pytest.raises(RehearsalError, match=message):
        RehearsalDisplay(Console(file=io.StringIO()), None).answer(APPROVAL)


def test_a_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(
        "[Container] Entering phase BUILD\nE   assert 1 == 2\n\n[Container] State: FAILED\n"
    )
    lines = list(failure_lines(action("UnitTests", "Failed", error="JobFailed: no", log=log)))
    assert lines == [
        "  Build/UnitTests failed: JobFailed: no",
        f"  the last lines of {log}:",
        "    | E   assert 1 == 2",
    ]


def test_a_stage_in_which_an_action_failed_has_failed() -> None:
    assert BUILD.status == "Failed"
    assert PROD.status == ""
    assert StageRecord(name="A", actions=(action("B", "Succeeded"), action("C"))).status == (
        "InProgress"
    )
