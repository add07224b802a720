"""Starts a pipeline of Spinnaker by its Gate, and waits for its end.

A parameter names the pipeline's execution and action: a retry follows the run that is there, or
takes the one that succeeded, and a rollback, which is another execution, runs the pipeline again
with the old commit.
Source: https://spinnaker.io/docs/reference/api/
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

if __package__:
    from .deployer_api import Api, ApiError, State, follow

_COMMIT_LENGTH = 12
_MARKER = "dpra_execution"
_MOST_RUNS = 100
_SUCCEEDED = ("SUCCEEDED",)
# FAILED_CONTINUE is the state of a stage whose failure its author ignores.
_FAILED = ("TERMINAL", "CANCELED", "STOPPED", "SKIPPED", "FAILED_CONTINUE")


def run_pipeline(
    api: Any,
    *,
    application: str,
    pipeline: str,
    parameters: Mapping[str, str],
    marker: str,
    minutes: float,
    clock: Any = time,
) -> str | None:
    """Run a pipeline; return why it failed, or None."""
    found = api.get(
        f"/applications/{quote(application, safe='')}/pipelines?limit={_MOST_RUNS}&expand=true"
    )
    own = [
        each
        for each in found
        if each.get("name") == pipeline
        and ((each.get("trigger") or {}).get("parameters") or {}).get(_MARKER) == marker
    ]
    run = ""
    if own:
        newest = max(own, key=lambda each: int(each.get("buildTime") or 0))
        state = state_of(api, newest)
        if state.succeeded is not False:
            print(f"{newest['id']} is of an earlier attempt: {state.text}", flush=True)
            run = str(newest["id"])
    if not run:
        made = api.send(
            "POST",
            f"/pipelines/{quote(application, safe='')}/{quote(pipeline, safe='')}",
            {"type": "manual", "parameters": {**parameters, _MARKER: marker}},
        )
        run = str(made["ref"]).rpartition("/")[2]
        print(f"{run} of {pipeline} of {application} is started", flush=True)
    path = f"/pipelines/{quote(run, safe='')}"
    started = clock.monotonic()

    def ask() -> Any:
        try:
            return state_of(api, api.get(path))
        except ApiError as error:
            # What was just started is not everywhere yet.
            if error.status == 404 and clock.monotonic() - started < 60:
                return State(f"{run} is not to be seen yet")
            raise

    return follow(
        ask,
        lambda: api.send("PUT", f"{path}/cancel?reason={quote('took too long')}"),
        minutes=minutes,
        clock=clock,
    )


def state_of(api: Any, run: Mapping[str, Any]) -> Any:
    """Return the state of a run, with the stages that failed."""
    status = str(run["status"])
    text = f"{run['id']} is {status}"
    failed = [
        str(stage.get("name"))
        for stage in run.get("stages") or ()
        if stage.get("status") in ("TERMINAL", "STOPPED", "CANCELED")
    ]
    waits = [
        str(stage.get("name"))
        for stage in run.get("stages") or ()
        if stage.get("type") == "manualJudgment" and stage.get("status") == "RUNNING"
    ]
    if failed:
        text += f" in {', '.join(failed)}"
    if waits:
        text += f", and waits for a person in {', '.join(waits)}"
    text = api.safe(text)
    if status in _SUCCEEDED:
        return State(text, succeeded=True)
    return State(text, succeeded=False if status in _FAILED else None)


def main(argv: list[str]) -> int:
    """Run the pipeline for this build's commit; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "application", "pipeline", "parameters"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    options = parser.parse_args(argv)
    token = os.environ["SPINNAKER_TOKEN"]
    commit = os.environ["CODEBUILD_RESOLVED_SOURCE_VERSION"]
    action = os.environ["CODEBUILD_BUILD_ID"].partition(":")[0]
    given = {
        name: value.replace("{commit}", commit[:_COMMIT_LENGTH])
        for name, value in json.loads(options.parameters).items()
    }
    try:
        problem = run_pipeline(
            Api(options.url, {"Authorization": f"Bearer {token}"}, token),
            application=options.application,
            pipeline=options.pipeline,
            parameters=given,
            marker=f"{action} in execution {os.environ['DPRA_EXECUTION']}",
            minutes=options.minutes,
        )
    except ApiError as error:
        problem = str(error)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        problem = f"the answer of {options.url} is not understood: {type(error).__name__}"
    print(f"{options.pipeline} of {options.application}: {problem or 'succeeded'}")
    return int(bool(problem))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
