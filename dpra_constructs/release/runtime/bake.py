"""The bake: watches the health alarm of every region of a wave, after its deployment.

A Lambda invoke action of CodePipeline. Each call reads every region once, judges, and returns
success, failure, or a continuation token with which CodePipeline calls again. The token is the
only state, so a call that is repeated with the same token does the same.

A region that could not be read never counts as healthy, and every region that is not healthy is
named, whatever the others say. A person may override it, for one execution and with a reason; who
did so is recorded elsewhere (`override.py`). In a ROLLBACK execution it settles, reports and does
not fail, as soon as CodePipeline has said that it is one. Source of the job's events and results:
https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Lock
from typing import Any

from . import names
from .bake_parameters import BadParametersError, Bake, Progress, parameters, progress
from .bake_readings import Reading, deployment_times, read_alarm
from .bake_verdict import (
    LONGEST_MESSAGE,
    LONGEST_SUMMARY,
    Outcome,
    cut,
    failure_message,
    judge,
)
from .health_sources import VARIABLE, read_source, sources_of
from .override import reason_to_go_on

__all__ = [
    "BadParametersError",
    "Bake",
    "Outcome",
    "Progress",
    "Reading",
    "deployment_times",
    "failure_message",
    "handle",
    "handler",
    "judge",
    "overridden",
    "parameters",
    "progress",
    "read_alarm",
    "session_name",
    "step",
]

_LONGEST_SESSION_NAME = 64
# All at once, so that regions that do not answer do not add up to the function's timeout.
_MOST_THREADS = 50
_LONGEST_READING_SECONDS = 60
# How many minutes pass in one, where the pipeline is rehearsed; not set in AWS.
_TIME_SCALE = "DPRA_TIME_SCALE"


def _no_secret(name: str) -> str:
    raise RuntimeError(f"there is nothing that reads the secret {name}")


def step(
    bake: Bake,
    token: str | None,
    *,
    codepipeline: Any,
    open_cloudwatch: Callable[[str], Any],
    read_secret: Callable[[str], str] = _no_secret,
    clock: Callable[[], float] = time.time,
    partition: str = "aws",
    emit: Callable[[str], None] = print,
    longest_seconds: float = _LONGEST_READING_SECONDS,
) -> Outcome:
    """Read everything once, and decide.

    Args:
        bake: what to watch.
        token: the continuation token, or None in the first call.
        codepipeline: a client in the pipeline's region.
        read_secret: returns a secret's text, for the bake's sources; may raise as clients do.
        open_cloudwatch: makes a client with the gate role of a region; may raise as clients do.
        clock: seconds since 1970.
        partition: of AWS, for links.
        emit: takes lines of CloudWatch's embedded metric format.
        longest_seconds: what is not read within them counts as unreadable.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    now = _now(clock)
    before = progress(bake, token, now)
    if before.rolls_back is None:
        try:
            rolls_back, deployed = deployment_times(codepipeline, bake, now)
        except (BotoCoreError, ClientError, RuntimeError) as error:
            problem = f"CodePipeline does not say what was deployed: {error}"
            readings = (Reading(problem=problem),) * len(bake.watched)
            return judge(bake, before, readings, now, partition)
        before = replace(before, rolls_back=rolls_back, deployed=deployed)

    def read(reader: Callable[[], Reading]) -> Reading:
        began = _now(clock)
        try:
            reading = reader()
        except (BotoCoreError, ClientError, RuntimeError) as error:
            return Reading(problem=str(error), at=began)
        return replace(reading, at=began)

    def alarm_reader(region: str, deployed: int) -> Callable[[], Reading]:
        return lambda: read_alarm(open_cloudwatch(region), bake.alarm(region), deployed)

    def source_reader(source: Mapping[str, Any]) -> Callable[[], Reading]:
        # A source may see every region, so it counts from the first that was deployed to.
        return lambda: read_source(source, min(before.deployed), read_secret)

    readers = [
        *map(alarm_reader, bake.regions, before.deployed),
        *map(source_reader, bake.sources),
    ]
    pool = ThreadPoolExecutor(max_workers=min(_MOST_THREADS, len(readers)))
    reads = [pool.submit(read, reader) for reader in readers]
    wait(reads, timeout=longest_seconds)
    # Not waited for: a server that sends a byte now and then would hold up the whole bake.
    pool.shutdown(wait=False, cancel_futures=True)
    late = Reading(problem=f"it was not read within {longest_seconds:g} seconds")
    readings = tuple(each.result() if each.done() else late for each in reads)
    now = _now(clock)
    for watched, reading in zip(bake.watched, readings, strict=True):
        emit(_metric(bake, watched, reading, now))
    return judge(bake, before, readings, now, partition)


def handle(
    event: dict[str, Any],
    *,
    codepipeline: Any,
    open_cloudwatch: Callable[[Bake, str], Any],
    clock: Callable[[], float] = time.time,
    partition: str = "aws",
    emit: Callable[[str], None] = print,
    time_scale: float = 1.0,
    read_marker: Callable[[Bake], str] = lambda bake: "",
    sources: str = "",
    read_secret: Callable[[str], str] = _no_secret,
) -> None:
    """Take one call of CodePipeline, and tell it the result."""
    job = event["CodePipeline.job"]
    data = job["data"]
    try:
        bake = parameters(
            data["actionConfiguration"]["configuration"].get("UserParameters", "null"),
            time_scale,
        )
        bake = replace(bake, sources=sources_of(sources, bake.stage))
    except BadParametersError as error:
        _fail(codepipeline, job["id"], "ConfigurationError", str(error))
        return
    if reason := overridden(bake, read_marker, clock, emit):
        emit(f"Bake of {bake.stage} is overridden in {bake.execution}: {reason}")
        summary = cut(f"Overridden by a person: {reason}", LONGEST_SUMMARY)
        done = {"jobId": job["id"], "executionDetails": {"summary": summary}}
        _put(codepipeline.put_job_success_result, done)
        return
    try:
        outcome = step(
            bake,
            data.get("continuationToken"),
            codepipeline=codepipeline,
            open_cloudwatch=lambda region: open_cloudwatch(bake, region),
            read_secret=read_secret,
            clock=clock,
            partition=partition,
            emit=emit,
        )
    except Exception as error:
        # CodePipeline waits for a day for a function that ends without a result.
        _fail(codepipeline, job["id"], "JobFailed", f"The bake itself broke: {error!r}")
        raise
    if outcome.failures:
        message = failure_message(bake, outcome)
        emit(message)
        _fail(codepipeline, job["id"], "JobFailed", message)
        return
    result: dict[str, Any] = {"jobId": job["id"]}
    if outcome.token is not None:
        result["continuationToken"] = outcome.token
    result["executionDetails"] = {"summary": outcome.summary}
    _put(codepipeline.put_job_success_result, result)


def overridden(
    bake: Bake,
    read_marker: Callable[[Bake], str],
    clock: Callable[[], float],
    emit: Callable[[str], None],
) -> str | None:
    """Return why a person lets the release pass, or None; what cannot be read is no override."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        value = read_marker(bake)
    except (BotoCoreError, ClientError) as error:
        emit(f"Whether the bake is overridden could not be read: {error}")
        return None
    return reason_to_go_on(value, stage=bake.stage, execution=bake.execution, now=clock())


def handler(event: dict[str, Any], context: Any) -> None:
    """Run in Lambda."""
    import boto3
    from botocore.config import Config

    # Without any answer, a call takes 14 s for the marker, 2 x 60 s for CodePipeline, 60 s for all
    # regions and sources, and 60 s for the result: less than the function's timeout, after which
    # nobody would know its result.
    patient = Config(
        connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4}
    )
    quick = Config(
        connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}
    )
    partition = context.invoked_function_arn.split(":")[1]
    sts = boto3.client("sts", config=quick)
    # Clients may be used by several threads, but not made.
    making = Lock()

    def open_cloudwatch(bake: Bake, region: str) -> Any:
        role = names.gate_role_name(bake.pipeline, bake.environment, region)
        given = sts.assume_role(
            RoleArn=names.role_arn(partition, bake.account, role),
            RoleSessionName=session_name(bake.pipeline),
            DurationSeconds=900,
        )["Credentials"]
        with making:
            return boto3.client(
                "cloudwatch",
                region_name=region,
                aws_access_key_id=given["AccessKeyId"],
                aws_secret_access_key=given["SecretAccessKey"],
                aws_session_token=given["SessionToken"],
                config=quick,
            )

    ssm = boto3.client("ssm", config=quick)

    def read_marker(bake: Bake) -> str:
        name = names.override_parameter_name(bake.pipeline)
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])

    sources = os.environ.get(VARIABLE, "")
    secrets = boto3.client("secretsmanager", config=quick) if sources else None

    def read_secret(name: str) -> str:
        assert secrets is not None  # only sources ask for one
        return str(secrets.get_secret_value(SecretId=name)["SecretString"])

    handle(
        event,
        codepipeline=boto3.client("codepipeline", config=patient),
        open_cloudwatch=open_cloudwatch,
        partition=partition,
        time_scale=float(os.environ.get(_TIME_SCALE, "1")),
        read_marker=read_marker,
        sources=sources,
        read_secret=read_secret,
    )


def session_name(pipeline: str) -> str:
    """Return the name by which CloudTrail shows the bake."""
    return f"bake-{pipeline}"[:_LONGEST_SESSION_NAME]


def _fail(codepipeline: Any, job: str, kind: str, message: str) -> None:
    details = {"type": kind, "message": cut(message, LONGEST_MESSAGE)}
    _put(codepipeline.put_job_failure_result, {"jobId": job, "failureDetails": details})


def _put(operation: Callable[..., Any], result: dict[str, Any]) -> None:
    """Give a result; a job that has one already was called twice with the same token."""
    from botocore.exceptions import ClientError

    try:
        operation(**result)
    except ClientError as error:
        if error.response["Error"]["Code"] not in (
            "InvalidJobStateException",
            "JobNotFoundException",
        ):
            raise


def _metric(bake: Bake, watched: str, reading: Reading, now: int) -> str:
    """Return a line of the embedded metric format, which CloudWatch Logs turns into metrics.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    readable = reading.problem is None
    dimension = "Region" if watched in bake.regions else "HealthSource"
    return json.dumps(
        {
            "_aws": {
                "Timestamp": now,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "DPRA",
                        "Dimensions": [["Pipeline", "Environment", dimension]],
                        "Metrics": [
                            {"Name": "Healthy", "Unit": "Count"},
                            {"Name": "Unreadable", "Unit": "Count"},
                        ],
                    }
                ],
            },
            "Pipeline": bake.pipeline,
            "Environment": bake.environment,
            dimension: watched,
            "Stage": bake.stage,
            "Execution": bake.execution,
            "State": reading.state or None,
            "Problem": reading.problem,
            "Healthy": int(readable and reading.state == "OK" and reading.alarmed_at is None),
            "Unreadable": int(not readable),
        },
    )


def _now(clock: Callable[[], float]) -> int:
    return int(clock() * 1000)
