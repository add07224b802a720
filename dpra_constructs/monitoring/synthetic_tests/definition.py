"""The alarm of a synthetic test, and its name. Pure."""

from __future__ import annotations

import hashlib
import re

from dpra_constructs.monitoring.health_alarms.definition import AlarmDefinition, Measure

NAMESPACE = "CloudWatchSynthetics"
#: The dimension of its metrics.
CANARY_NAME = "CanaryName"
# Its function is `cwsyn-<name>-<id of 36 characters>`, and Lambda takes 64.
_LONGEST_NAME = 21
_HASH_LENGTH = 6


def canary_name(pipeline: str, environment: str, path: str) -> str:
    """Return the name of a canary, one of its own in the account and region.

    Args:
        pipeline: its name.
        environment: its name.
        path: of the construct; the last part of it is kept readable.

    >>> canary_name("fruit-api", "prod", "fruit-api-prod-us-west-2/Api/Prices")
    'prices-85f5ce'
    """
    readable = re.sub(r"[^a-z0-9]+", "-", path.rpartition("/")[2].lower()).strip("-")
    key = "\n".join((pipeline, environment, path))
    digest = hashlib.sha256(key.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{readable[: _LONGEST_NAME - _HASH_LENGTH - 1].strip('-') or 'test'}-{digest}"


def failing(schedule_minutes: int = 1) -> AlarmDefinition:
    """Define the alarm on the runs that fail.

    Args:
        schedule_minutes: how often the test runs.
    """
    return AlarmDefinition(
        id="Failing",
        says="The synthetic test fails",
        why="A version that does not do what users come for, also while no user is there. Two of "
        "three runs have to fail, so that one lost packet is no outage",
        namespace=NAMESPACE,
        measures={"success": Measure("SuccessPercent", "Average")},
        expression="success",
        threshold=100,
        comparison="LessThanThreshold",
        period_seconds=60 * schedule_minutes,
        missing="missing",
        missing_because="a test that was just made has not run yet; one that no longer runs shows "
        "INSUFFICIENT_DATA",
    )
