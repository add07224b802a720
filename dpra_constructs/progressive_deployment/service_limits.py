"""What each service can do of a `TrafficShift`, as its own terms. Pure.

Sources: https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CanaryConfiguration.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-linearconfiguration.html,
https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_CreateDeploymentStrategy.html
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.progressive_deployment.traffic_shift import ShiftKind, TrafficShift

# CodeDeploy: first to last step of a canary or linear deployment.
_CODE_DEPLOY_MINUTES = 2_880
# ECS: between two steps, and after the last.
_ECS_MINUTES = 1_440
_ECS_LEAST_STEP_PERCENT = 3
# CloudFormation refuses an ECS service whose deployment takes longer than 33 hours.
_CLOUD_FORMATION_MINUTES = 33 * 60
# AppConfig: a whole deployment.
_APP_CONFIG_MINUTES = 1_440
_APP_CONFIG_LEAST_PERCENT = 1


def code_deploy_routing(where: str, shift: TrafficShift) -> dict[str, Any]:
    """Return CodeDeploy's traffic routing, for Lambda functions and for ECS services.

    Raises:
        InvalidArgumentError: the shift is outside CodeDeploy's limits.
    """
    if shift.kind is ShiftKind.ALL_AT_ONCE:
        return {"type": "AllAtOnce"}
    percent = Fraction(str(shift.percent))
    if percent.denominator != 1:
        raise InvalidArgumentError(
            where,
            f"the shift is {shift}, and CodeDeploy takes whole percents from 1 to 99",
            f"write {max(1, round(shift.percent))} percent",
        )
    if shift.minutes > _CODE_DEPLOY_MINUTES:
        raise _too_long(where, shift, "CodeDeploy", _CODE_DEPLOY_MINUTES, shift.minutes)
    kind = "Canary" if shift.kind is ShiftKind.CANARY else "Linear"
    return {
        "type": f"TimeBased{kind}",
        f"timeBased{kind}": {
            f"{kind.lower()}Percentage": int(percent),
            f"{kind.lower()}Interval": shift.interval_minutes,
        },
    }


def ecs_strategy(where: str, shift: TrafficShift, bake_minutes: int) -> dict[str, Any]:
    """Return the native deployment strategy of an ECS service.

    Args:
        where: what asks.
        shift: how traffic moves.
        bake_minutes: how long both versions run after the last step, 0 to 1440.

    Raises:
        InvalidArgumentError: the shift is outside the limits of ECS, or, with the bake, of
            CloudFormation.
    """
    if shift.kind is ShiftKind.ALL_AT_ONCE:
        return {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": bake_minutes}
    percent = Fraction(str(shift.percent))
    if (percent * 10).denominator != 1:
        raise InvalidArgumentError(
            where,
            f"the shift is {shift}, and ECS takes multiples of 0.1 percent",
            f"write {max(0.1, round(shift.percent, 1)):g} percent",
        )
    if shift.interval_minutes > _ECS_MINUTES:
        raise InvalidArgumentError(
            where,
            f"the shift is {shift}, and ECS waits at most {_ECS_MINUTES} minutes between two steps",
            "wait less",
        )
    taken = shift.minutes + bake_minutes
    if taken > _CLOUD_FORMATION_MINUTES:
        raise _too_long(
            where, shift, "CloudFormation", _CLOUD_FORMATION_MINUTES, taken, with_bake=True
        )
    strategy: dict[str, Any] = {"strategy": shift.kind.value, "bakeTimeInMinutes": bake_minutes}
    if shift.kind is ShiftKind.CANARY:
        strategy["canaryConfiguration"] = {
            "canaryPercent": float(percent),
            "canaryBakeTimeInMinutes": shift.interval_minutes,
        }
        return strategy
    if percent < _ECS_LEAST_STEP_PERCENT:
        raise InvalidArgumentError(
            where,
            f"the shift is {shift}, and a linear step of ECS has at least "
            f"{_ECS_LEAST_STEP_PERCENT} percent",
            f"write {_ECS_LEAST_STEP_PERCENT} percent or more, or a canary",
        )
    strategy["linearConfiguration"] = {
        "stepPercent": float(percent),
        "stepBakeTimeInMinutes": shift.interval_minutes,
    }
    return strategy


def app_config_growth(where: str, shift: TrafficShift) -> dict[str, Any]:
    """Return the growth of an AppConfig deployment.

    AppConfig divides the duration by the steps, so it is the interval times 100 / percent.

    Raises:
        InvalidArgumentError: the shift is a canary, or outside the limits of AppConfig.
    """
    if shift.kind is ShiftKind.ALL_AT_ONCE:
        return {"growthType": "LINEAR", "growthFactor": 100, "deploymentDurationInMinutes": 0}
    if shift.kind is ShiftKind.CANARY:
        raise InvalidArgumentError(
            where,
            f"the shift is {shift}, and AppConfig only grows by equal parts",
            f"write it like TrafficShift.linear({max(shift.percent, 1):g}, "
            f"Duration.minutes({shift.interval_minutes}))",
        )
    if shift.percent < _APP_CONFIG_LEAST_PERCENT:
        raise InvalidArgumentError(
            where,
            f"the shift is {shift}, and AppConfig grows by {_APP_CONFIG_LEAST_PERCENT} to 100 "
            "percent",
            f"write {_APP_CONFIG_LEAST_PERCENT} percent or more",
        )
    duration = math.ceil(shift.interval_minutes * 100 / Fraction(str(shift.percent)))
    if duration > _APP_CONFIG_MINUTES:
        raise _too_long(where, shift, "AppConfig", _APP_CONFIG_MINUTES, duration)
    return {
        "growthType": "LINEAR",
        "growthFactor": float(shift.percent),
        "deploymentDurationInMinutes": duration,
    }


def _too_long(
    where: str,
    shift: TrafficShift,
    service: str,
    limit_minutes: int,
    minutes: int,
    *,
    with_bake: bool = False,
) -> InvalidArgumentError:
    bake = ", with the bake," if with_bake else ","
    return InvalidArgumentError(
        where,
        f"the shift is {shift}, which takes {minutes} minutes{bake} and {service} allows "
        f"{limit_minutes}",
        "shift larger parts, or wait less between them",
    )
