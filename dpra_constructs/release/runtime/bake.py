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
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import quote

from . import names
from .override import reason_to_go_on

#: After so long without being read, a region fails the bake.
UNREADABLE_SECONDS = 5 * 60
#: What is older than this when the bake ends is read again before it succeeds.
FRESH_SECONDS = 2 * 60
# Limits of CodePipeline: PutJobFailureResult's message, ExecutionDetails' summary.
_LONGEST_MESSAGE = 5_000
_LONGEST_SUMMARY = 2_048
_LONGEST_REASON = 300
_LONGEST_SESSION_NAME = 64
# All at once, so that regions that do not answer do not add up to the function's timeout.
_MOST_THREADS = 50
# An alarm that changes more often than this in one bake cannot be followed.
_MOST_PAGES = 50
_MINUTE = 60_000
# How many minutes pass in one, where the pipeline is rehearsed; not set in AWS.
_TIME_SCALE = "DPRA_TIME_SCALE"
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bake:
    """What the action's UserParameters say: what to watch, and for how long.

    Attributes:
        minute: how many milliseconds count as a minute: fewer in a rehearsal.
    """

    pipeline: str
    stage: str
    environment: str
    account: str
    regions: tuple[str, ...]
    bake_minutes: int
    settle_minutes: int
    execution: str
    minute: float = _MINUTE

    def alarm(self, region: str) -> str:
        """Return the name of a region's health alarm."""
        return names.health_alarm_name(self.pipeline, self.environment, region)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What the continuation token holds; times are milliseconds since 1970.

    Attributes:
        started: when the bake began.
        rolls_back: whether this is a ROLLBACK execution; None until CodePipeline has said it.
        deployed: by region, since when alarms count, by CodePipeline's clock.
        read: by region, when its alarm was last read; at first when the bake began.
    """

    started: int
    rolls_back: bool | None
    deployed: tuple[int, ...]
    read: tuple[int, ...]

    def token(self) -> str:
        """Return it as the continuation token: for 40 regions about half of what may be kept."""
        values = [self.started, self.rolls_back, list(self.deployed), list(self.read)]
        return json.dumps(values, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one call saw of one region's alarm.

    Attributes:
        problem: why it could not be read; the rest says nothing then.
        state: OK, ALARM or INSUFFICIENT_DATA.
        reason: CloudWatch's reason for the state.
        alarmed_at: when it first went into ALARM after the deployment, if it did.
        alarm_reason: CloudWatch's reason for that.
        at: when it was read.
    """

    problem: str | None = None
    state: str = ""
    reason: str = ""
    alarmed_at: int | None = None
    alarm_reason: str = ""
    at: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a call ends: `failures` fail the action, a `token` continues it, neither is success."""

    summary: str
    failures: tuple[str, ...] = ()
    failed_regions: tuple[str, ...] = ()
    token: str | None = None


class BadParametersError(ValueError):
    """The action's UserParameters are not those of a bake."""


def parameters(text: str, time_scale: float = 1.0) -> Bake:
    """Read the action's UserParameters.

    Args:
        text: what CodePipeline gives.
        time_scale: how many minutes pass in one.

    Raises:
        BadParametersError: they are not those that the pipeline is synthesized with.
    """
    try:
        given = json.loads(text)
        bake = Bake(
            pipeline=str(given["pipeline"]),
            stage=str(given["stage"]),
            environment=str(given["environment"]),
            account=str(given["account"]),
            regions=tuple(str(region) for region in given["regions"]),
            bake_minutes=int(given["bake_minutes"]),
            settle_minutes=int(given["settle_minutes"]),
            execution=str(given["execution"]),
            minute=_MINUTE / time_scale,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadParametersError(
            f"UserParameters are not those of a bake: {type(error).__name__} {error}"
        ) from error
    if not bake.regions or bake.bake_minutes < 1 or bake.settle_minutes < 0:
        raise BadParametersError(f"UserParameters name no regions or no time: {text}")
    return bake


def progress(bake: Bake, token: str | None, now: int) -> Progress:
    """Return what the token holds; begin anew without one, or with one that is not understood.

    Beginning anew is safe: it watches for the whole time again, from the same deployment on.
    """
    try:
        started, rolls_back, deployed, read = json.loads(token or "null")
        kept = Progress(
            started=int(started),
            rolls_back=None if rolls_back is None else bool(rolls_back),
            deployed=tuple(map(int, deployed)),
            read=tuple(map(int, read)),
        )
        if len(kept.read) == len(bake.regions) and len(kept.deployed) in (0, len(bake.regions)):
            return kept
    except (ValueError, TypeError):
        pass
    return Progress(started=now, rolls_back=None, deployed=(), read=(now,) * len(bake.regions))


def judge(
    bake: Bake, before: Progress, readings: tuple[Reading, ...], now: int, partition: str = "aws"
) -> Outcome:
    """Decide from what was read; pure.

    Args:
        bake: what is watched.
        before: what the token held.
        readings: one for each region, in the order of `bake.regions`.
        now: the time at which the readings were complete, in milliseconds.
        partition: of AWS, for links.
    """
    after = replace(
        before,
        read=tuple(
            now if reading.problem is None else min(earlier, now)
            for earlier, reading in zip(before.read, readings, strict=True)
        ),
    )
    # A clock that is behind the one that began the bake makes it longer, never shorter.
    elapsed = max(0, now - before.started)
    settled = elapsed >= bake.settle_minutes * bake.minute
    notes = [
        (region, _note(bake, reading, now - read, settled))
        for region, reading, read in zip(bake.regions, readings, after.read, strict=True)
    ]
    if before.rolls_back:
        if not settled:
            return Outcome(summary=_watching(bake, elapsed, "rolled back"), token=after.token())
        seen = "; ".join(
            f"{region} {reading.problem or reading.state}"
            for region, reading in zip(bake.regions, readings, strict=True)
        )
        return Outcome(summary=_cut(f"Rolled back, and settled: {seen}", _LONGEST_SUMMARY))
    if failed := [(region, note) for region, note in notes if note]:
        return Outcome(
            summary="unhealthy",
            failures=tuple(
                f"{bake.account} {region}: {bake.alarm(region)} {note}. "
                f"{_link(partition, region, bake.alarm(region))}"
                for region, note in failed
            ),
            failed_regions=tuple(region for region, _ in failed),
        )
    healthy = all(
        reading.problem is None
        and reading.state == "OK"
        and now - reading.at <= FRESH_SECONDS * 1000
        for reading in readings
    )
    if settled and healthy and elapsed >= bake.bake_minutes * bake.minute:
        return Outcome(
            summary=f"Healthy for {bake.bake_minutes} minutes in {len(bake.regions)} regions"
        )
    return Outcome(summary=_watching(bake, elapsed, "deployed"), token=after.token())


def _note(bake: Bake, reading: Reading, unread: int, settled: bool) -> str | None:
    """Return what is wrong with a region, or None."""
    if reading.problem is not None:
        if unread >= UNREADABLE_SECONDS / 60 * bake.minute:
            minutes = int(unread // bake.minute)
            return f"could not be read for {minutes} minutes: {_short(reading.problem)}"
        return None
    if reading.alarmed_at is not None:
        return (
            f"went into ALARM after the deployment, at {_time(reading.alarmed_at)}: "
            f"{_short(reading.alarm_reason)}"
        )
    if reading.state != "OK" and settled:
        since = " since before the deployment" if reading.state == "ALARM" else ""
        return (
            f"is in {reading.state}{since}, and {bake.settle_minutes} minutes to settle are over: "
            f"{_short(reading.reason)}"
        )
    return None


def deployment_times(codepipeline: Any, bake: Bake, now: int) -> tuple[bool, tuple[int, ...]]:
    """Ask CodePipeline whether this is a rollback, and when each region was deployed to.

    An attempt of this bake that has ended counts too: what it saw does not fail its retry.
    """
    execution = codepipeline.get_pipeline_execution(
        pipelineName=bake.pipeline, pipelineExecutionId=bake.execution
    )["pipelineExecution"]
    ended: dict[str, int] = {}
    earlier_bake, this_bake = 0, now
    for action in _pages(
        lambda more: codepipeline.list_action_executions(
            pipelineName=bake.pipeline,
            filter={"pipelineExecutionId": bake.execution},
            **({"nextToken": more} if more else {}),
        ),
        "actionExecutionDetails",
        "nextToken",
    ):
        if action.get("stageName") != bake.stage:
            continue
        given = action.get("input", {})
        if action.get("actionName") == names.BAKE_ACTION:
            if action.get("status") == "InProgress":
                this_bake = _milliseconds(action["startTime"])
            else:
                earlier_bake = max(earlier_bake, _milliseconds(action["lastUpdateTime"]))
        elif given.get("actionTypeId", {}).get("category") == "Deploy":
            region = given.get("region", "")
            ended[region] = max(ended.get(region, 0), _milliseconds(action["lastUpdateTime"]))
    deployed = tuple(max(ended.get(each, this_bake), earlier_bake) for each in bake.regions)
    return execution.get("executionType") == "ROLLBACK", deployed


def read_alarm(cloudwatch: Any, name: str, deployed: int) -> Reading:
    """Read the state of an alarm, and whether it went into ALARM since the deployment.

    The history shows what happened between two calls; CloudWatch may write it late, so the state's
    own time counts too.
    """
    alarms = [
        alarm
        for alarm in cloudwatch.describe_alarms(
            AlarmNames=[name], AlarmTypes=["CompositeAlarm"]
        ).get("CompositeAlarms", [])
        if alarm.get("AlarmName") == name
    ]
    if not alarms:
        return Reading(problem="the alarm does not exist")
    state, reason = alarms[0].get("StateValue"), alarms[0].get("StateReason", "")
    if state not in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        return Reading(problem=f"CloudWatch gives its state as {state!r}")
    first: tuple[int, str] | None = None
    since = alarms[0].get("StateTransitionedTimestamp")
    if state == "ALARM" and since and _milliseconds(since) >= deployed:
        first = _milliseconds(since), reason
    for item in _pages(
        lambda more: cloudwatch.describe_alarm_history(
            AlarmName=name,
            # Without it, CloudWatch returns the history of metric alarms alone.
            AlarmTypes=["CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromtimestamp(deployed / 1000, UTC),
            ScanBy="TimestampAscending",
            **({"NextToken": more} if more else {}),
        ),
        "AlarmHistoryItems",
        "NextToken",
    ):
        at = _milliseconds(item["Timestamp"])
        if at < deployed or item.get("AlarmName", name) != name:
            continue
        new_state, new_reason = _transition(item)
        if new_state is None:
            return Reading(problem=f"its history at {_time(at)} cannot be understood")
        if new_state == "ALARM" and (first is None or at <= first[0]):
            first = at, new_reason
    return Reading(
        state=state,
        reason=reason,
        alarmed_at=first[0] if first else None,
        alarm_reason=first[1] if first else "",
    )


def _transition(item: dict[str, Any]) -> tuple[str | None, str]:
    """Return the new state of a history item, and its reason."""
    summary = item.get("HistorySummary", "")
    try:
        new = json.loads(item["HistoryData"])["newState"]
        return str(new["stateValue"]), str(new.get("stateReason", summary))
    except (KeyError, ValueError, TypeError):
        # CloudWatch cuts data that is too long.
        said = re.search(r" to (OK|ALARM|INSUFFICIENT_DATA)\b", summary)
        return (said[1] if said else None), summary


def step(
    bake: Bake,
    token: str | None,
    *,
    codepipeline: Any,
    open_cloudwatch: Callable[[str], Any],
    clock: Callable[[], float] = time.time,
    partition: str = "aws",
    emit: Callable[[str], None] = print,
) -> Outcome:
    """Read everything once, and decide.

    Args:
        bake: what to watch.
        token: the continuation token, or None in the first call.
        codepipeline: a client in the pipeline's region.
        open_cloudwatch: makes a client with the gate role of a region; may raise as clients do.
        clock: seconds since 1970.
        partition: of AWS, for links.
        emit: takes lines of CloudWatch's embedded metric format.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    now = _now(clock)
    before = progress(bake, token, now)
    if before.rolls_back is None:
        try:
            rolls_back, deployed = deployment_times(codepipeline, bake, now)
        except (BotoCoreError, ClientError, RuntimeError) as error:
            problem = f"CodePipeline does not say what was deployed: {error}"
            readings = (Reading(problem=problem),) * len(bake.regions)
            return judge(bake, before, readings, now, partition)
        before = replace(before, rolls_back=rolls_back, deployed=deployed)

    def read(region: str, deployed: int) -> Reading:
        began = _now(clock)
        try:
            reading = read_alarm(open_cloudwatch(region), bake.alarm(region), deployed)
        except (BotoCoreError, ClientError, RuntimeError) as error:
            return Reading(problem=str(error), at=began)
        return replace(reading, at=began)

    with ThreadPoolExecutor(max_workers=min(_MOST_THREADS, len(bake.regions))) as pool:
        readings = tuple(pool.map(read, bake.regions, before.deployed))
    now = _now(clock)
    for region, reading in zip(bake.regions, readings, strict=True):
        emit(_metric(bake, region, reading, now))
    return judge(bake, before, readings, now, partition)


def failure_message(bake: Bake, outcome: Outcome) -> str:
    """Return what the console shows: every region's name first, then as much detail as fits.

    >>> bake = Bake(pipeline="fruit-api", stage="Prod-rest", environment="prod", account="4",
    ...     regions=("us-west-2",), bake_minutes=60, settle_minutes=5, execution="e")
    >>> print(failure_message(bake, Outcome(summary="", failures=("4 us-west-2: it burns.",),
    ...     failed_regions=("us-west-2",))))
    Bake of Prod-rest failed in 1 of 1 regions: us-west-2
    4 us-west-2: it burns.
    """
    lines = [
        f"Bake of {bake.stage} failed in {len(outcome.failed_regions)} of {len(bake.regions)} "
        f"regions: {', '.join(outcome.failed_regions)}",
        *outcome.failures,
    ]
    return _cut("\n".join(lines), _LONGEST_MESSAGE)


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
) -> None:
    """Take one call of CodePipeline, and tell it the result."""
    job = event["CodePipeline.job"]
    data = job["data"]
    try:
        bake = parameters(
            data["actionConfiguration"]["configuration"].get("UserParameters", "null"),
            time_scale,
        )
    except BadParametersError as error:
        _fail(codepipeline, job["id"], "ConfigurationError", str(error))
        return
    if reason := overridden(bake, read_marker, clock, emit):
        emit(f"Bake of {bake.stage} is overridden in {bake.execution}: {reason}")
        summary = _cut(f"Overridden by a person: {reason}", _LONGEST_SUMMARY)
        done = {"jobId": job["id"], "executionDetails": {"summary": summary}}
        _put(codepipeline.put_job_success_result, done)
        return
    try:
        outcome = step(
            bake,
            data.get("continuationToken"),
            codepipeline=codepipeline,
            open_cloudwatch=lambda region: open_cloudwatch(bake, region),
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

    # Without any answer, a call takes 14 s for the marker, 2 x 60 s for CodePipeline, 45 s for all
    # regions and 60 s for the result: less than the function's timeout, after which nobody would
    # know its result.
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

    handle(
        event,
        codepipeline=boto3.client("codepipeline", config=patient),
        open_cloudwatch=open_cloudwatch,
        partition=partition,
        time_scale=float(os.environ.get(_TIME_SCALE, "1")),
        read_marker=read_marker,
    )


def session_name(pipeline: str) -> str:
    """Return the name by which CloudTrail shows the bake."""
    return f"bake-{pipeline}"[:_LONGEST_SESSION_NAME]


def _fail(codepipeline: Any, job: str, kind: str, message: str) -> None:
    details = {"type": kind, "message": _cut(message, _LONGEST_MESSAGE)}
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


def _pages(
    call: Callable[[str | None], dict[str, Any]], items: str, token: str
) -> Iterator[dict[str, Any]]:
    more: str | None = None
    for _ in range(_MOST_PAGES):
        page = call(more)
        yield from page.get(items, [])
        more = page.get(token)
        if not more:
            return
    raise RuntimeError(f"{items} has more than {_MOST_PAGES} pages")


def _metric(bake: Bake, region: str, reading: Reading, now: int) -> str:
    """Return a line of the embedded metric format, which CloudWatch Logs turns into metrics.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    readable = reading.problem is None
    return json.dumps(
        {
            "_aws": {
                "Timestamp": now,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "DPRA",
                        "Dimensions": [["Pipeline", "Environment", "Region"]],
                        "Metrics": [
                            {"Name": "Healthy", "Unit": "Count"},
                            {"Name": "Unreadable", "Unit": "Count"},
                        ],
                    }
                ],
            },
            "Pipeline": bake.pipeline,
            "Environment": bake.environment,
            "Region": region,
            "Stage": bake.stage,
            "Execution": bake.execution,
            "State": reading.state or None,
            "Problem": reading.problem,
            "Healthy": int(readable and reading.state == "OK" and reading.alarmed_at is None),
            "Unreadable": int(not readable),
        },
    )


def _watching(bake: Bake, elapsed: int, what: str) -> str:
    minutes = bake.settle_minutes if what == "rolled back" else bake.bake_minutes
    return f"{what}; watched for {int(elapsed // bake.minute)} of {minutes} minutes"


def _link(partition: str, region: str, alarm: str) -> str:
    console = _CONSOLES.get(partition, _CONSOLES["aws"])
    return (
        f"https://{region}.{console}/cloudwatch/home?region={region}"
        f"#alarmsV2:alarm/{quote(alarm, safe='')}"
    )


def _now(clock: Callable[[], float]) -> int:
    return int(clock() * 1000)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _short(reason: str) -> str:
    return _cut(" ".join(reason.split()) or "no reason given", _LONGEST_REASON)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
