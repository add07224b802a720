"""Runs an experiment of AWS FIS and fails unless it completes while the environment stays healthy.

The experiment has the health alarm as its stop condition; it is read here too, so that an
experiment that ends before AWS FIS has seen the alarm does not pass.
Source: https://docs.aws.amazon.com/fis/latest/userguide/experiments.html
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

if __package__:
    from .environment_cli import CallError, EnvironmentCli

_ENDED = ("completed", "stopped", "failed", "cancelled")
_POLL_SECONDS = 15
# How long in a row the experiment or the alarm may be unreadable.
_UNREADABLE_SECONDS = 5 * 60
_STOPPING_SECONDS = 5 * 60


def alarm_state(cli: Any, alarm: str) -> str:
    """Return the state of the composite alarm; MISSING where there is none."""
    found = cli(
        *("cloudwatch", "describe-alarms", "--alarm-names", alarm),
        *("--alarm-types", "CompositeAlarm"),
    ).get("CompositeAlarms", [])
    return str(found[0]["StateValue"]) if found else "MISSING"


def inject(
    cli: Any, *, template: str, alarm: str, minutes: float, token: str, clock: Any = time
) -> str | None:
    """Run the experiment; return why it failed, or None."""
    try:
        before = alarm_state(cli, alarm)
        if before != "OK":
            return f"not started: the health alarm {alarm} is {before} before it"
        experiment = cli(
            *("fis", "start-experiment", "--experiment-template-id", template),
            *("--client-token", token),
        )["experiment"]["id"]
    except CallError as error:
        return f"not started: {error}"
    print(f"Experiment {experiment} of template {template} runs.", flush=True)
    try:
        problem, status = _watch(cli, experiment, alarm, minutes, clock)
        ended = status in _ENDED
    except BaseException:
        _stop(cli, experiment, clock)
        raise
    if not ended:
        stopped = _stop(cli, experiment, clock)
        return f"experiment {experiment}: {problem}; {stopped}"
    return f"experiment {experiment}: {problem}" if problem else None


def _watch(
    cli: Any, experiment: str, alarm: str, minutes: float, clock: Any
) -> tuple[str | None, str]:
    """Return what is wrong, or None, and the experiment's last status."""
    deadline = clock.monotonic() + minutes * 60
    status, read_at = "pending", clock.monotonic()
    while True:
        try:
            state = cli("fis", "get-experiment", "--id", experiment)["experiment"]["state"]
            status = state["status"]
            health = alarm_state(cli, alarm)
            read_at = clock.monotonic()
        except CallError as error:
            if clock.monotonic() - read_at > _UNREADABLE_SECONDS:
                return f"it cannot be read: {error}", status
        else:
            if health != "OK":
                return f"the health alarm {alarm} is {health}", status
            if status == "completed":
                return None, status
            if status in _ENDED:
                return f"it is {status}: {state.get('reason', 'no reason is given')}", status
        if clock.monotonic() >= deadline:
            return f"it is {status} after {minutes:g} minutes", status
        clock.sleep(_POLL_SECONDS)


def _stop(cli: Any, experiment: str, clock: Any) -> str:
    """Stop the experiment, and say how that went."""
    deadline = clock.monotonic() + _STOPPING_SECONDS
    asked, last = False, "never read"
    while clock.monotonic() < deadline:
        try:
            if not asked:
                cli("fis", "stop-experiment", "--id", experiment)
                asked = True
            state = cli("fis", "get-experiment", "--id", experiment)["experiment"]["state"]
            last = state["status"]
            if last in _ENDED:
                return f"it is {last} now"
        except CallError as error:
            last = str(error)
        clock.sleep(_POLL_SECONDS)
    return f"it could not be stopped ({last}): stop it in the console"


def report(name: str, problem: str | None) -> ElementTree.Element:
    """Return the result as JUnit's XML."""
    suite = ElementTree.Element(
        "testsuite", name="resilience", tests="1", failures=str(int(bool(problem)))
    )
    case = ElementTree.SubElement(suite, "testcase", classname="resilience", name=name)
    if problem:
        ElementTree.SubElement(case, "failure", message=problem)
    return suite


def _ended_from_outside(number: int, frame: Any) -> None:
    raise SystemExit(f"signal {number}")


def main(argv: list[str]) -> int:
    """Run the experiment of this build; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("report", type=Path)
    parser.add_argument("--role", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--alarm", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _ended_from_outside)
    problem = inject(
        EnvironmentCli(options.role, options.region),
        template=os.environ["FIS_TEMPLATE"],
        alarm=options.alarm,
        minutes=options.minutes,
        # A build that is retried is another one, and so is its experiment.
        token=os.environ["CODEBUILD_BUILD_ID"].rpartition(":")[2],
    )
    options.report.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(report(options.name, problem)).write(options.report, encoding="unicode")
    print(f"{options.name} in {options.region}: {problem or 'the environment withstood it'}")
    return int(bool(problem))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
