"""Holds an update of the pipeline back while a release is on its way through production.

Runs in the self-mutation build, before `cdk deploy`. An update that changes the pipeline's
structure makes CodePipeline fail the stages in which actions run, and takes the target of a
rollback away, so it waits until no release is between its approval and its last wave. An update
that leaves the pipeline itself as it is does not wait.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

_PIPELINE = "AWS::CodePipeline::Pipeline"
_RUNNING = ("InProgress", "Stopping")


def structures(template: dict[str, Any]) -> dict[str, Any]:
    """Return the pipelines of a template: by logical id, all that CodePipeline is told."""
    return {
        logical_id: resource.get("Properties")
        for logical_id, resource in template.get("Resources", {}).items()
        if resource.get("Type") == _PIPELINE
    }


def releases_under_way(
    codepipeline: Any, pipeline: str, approval: str | None, waves: list[str]
) -> list[str]:
    """Return the ids of the executions that have been approved and have not passed all waves.

    One that still waits for its approval has changed nothing in production, and is not counted.
    """
    state = codepipeline.get_pipeline_state(name=pipeline)
    stages = {stage["stageName"]: stage for stage in state["stageStates"]}
    candidates: dict[str, None] = {}
    for name in waves:
        stage = stages.get(name, {})
        inbound = [*stage.get("inboundExecutions", []), stage.get("inboundExecution")]
        for execution in (stage.get("latestExecution"), *inbound):
            if execution:
                candidates[execution["pipelineExecutionId"]] = None
    if approval:
        # Between the approval and the first wave it is in neither.
        approved = stages.get(approval, {}).get("latestExecution")
        if approved and approved["status"] == "Succeeded":
            candidates[approved["pipelineExecutionId"]] = None
    return [
        execution
        for execution in candidates
        if codepipeline.get_pipeline_execution(
            pipelineName=pipeline, pipelineExecutionId=execution
        )["pipelineExecution"]["status"]
        in _RUNNING
    ]


def deployed_template(cloudformation: Any, stack: str) -> dict[str, Any]:
    """Return the template that the stack has now."""
    body = cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else dict(body)


def guard(
    *,
    codepipeline: Any,
    cloudformation: Any,
    pipeline: str,
    stack: str,
    template: dict[str, Any],
    approval: str | None,
    waves: list[str],
    wait_seconds: float,
    poll_seconds: float,
    clock: Any = time,
) -> str | None:
    """Return None once the update may go on, or the message with which to fail."""
    if structures(deployed_template(cloudformation, stack)) == structures(template):
        print("The pipeline itself does not change: no need to wait.", flush=True)
        return None
    deadline = clock.monotonic() + wait_seconds
    while True:
        releases = releases_under_way(codepipeline, pipeline, approval, waves)
        if not releases:
            print("No release is under way in production: the pipeline is updated.", flush=True)
            return None
        shown = ", ".join(releases)
        if clock.monotonic() >= deadline:
            return (
                f"This commit changes the pipeline {pipeline}, and release {shown} is still on "
                f"its way through production after {wait_seconds / 60:g} minutes. "
                f"Retry the stage after release {shown}."
            )
        print(f"Waiting for release {shown}, which is on its way through production.", flush=True)
        clock.sleep(poll_seconds)


def main(argv: list[str]) -> str | None:
    """Run the guard with the clients of this build; return the message with which to fail."""
    # Here, because the library's users import this module without having boto3.
    import boto3

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", required=True)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--template", required=True, type=Path)
    parser.add_argument("--approval")
    parser.add_argument("--wave", action="append", default=[])
    parser.add_argument("--wait-seconds", type=float, default=55 * 60)
    parser.add_argument("--poll-seconds", type=float, default=30)
    options = parser.parse_args(argv)
    return guard(
        codepipeline=boto3.client("codepipeline"),
        cloudformation=boto3.client("cloudformation"),
        pipeline=options.pipeline,
        stack=options.stack,
        template=json.loads(options.template.read_text()),
        approval=options.approval,
        waves=options.wave,
        wait_seconds=options.wait_seconds,
        poll_seconds=options.poll_seconds,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
