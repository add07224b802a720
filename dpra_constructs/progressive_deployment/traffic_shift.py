"""How traffic moves from the version before to the new one: one value for every service. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from aws_cdk import Duration

_WHERE = "TrafficShift"
# The longest of all services: CodeDeploy's. Each service's own limits are checked where it is used.
_LONGEST_MINUTES = 2_880


class ShiftKind(Enum):
    """The three ways in which traffic moves."""

    CANARY = "CANARY"
    """A part first, and after a while all the rest."""
    LINEAR = "LINEAR"
    """The same part again and again."""
    ALL_AT_ONCE = "ALL_AT_ONCE"
    """Everything in one step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrafficShift:
    """How traffic moves to a new version inside a region (DPRA-PROD-PROGRESSIVE).

    Made by `canary`, `linear` or `all_at_once`, and taken by every construct of
    `dpra_constructs.progressive_deployment`, each of which refuses what its service cannot do.

    Args:
        kind: how it moves.
        percent: how much moves at a time, above 0 and below 100; 100 if all moves at once.
        interval_minutes: how long is waited between two steps, 1 to 2880; 0 if there is one step.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import Duration
    >>> TrafficShift.canary(10, Duration.minutes(5)).steps
    ((0, 10.0), (5, 100.0))
    >>> str(TrafficShift.linear(25, Duration.minutes(2)))
    '25 % every 2 minutes'

    Source: https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
    """

    kind: ShiftKind
    percent: float
    interval_minutes: int

    def __post_init__(self) -> None:
        """Check the values."""
        arguments.instance(_WHERE, "kind", self.kind, ShiftKind, "ShiftKind.CANARY")
        if self.kind is ShiftKind.ALL_AT_ONCE:
            if (self.percent, self.interval_minutes) != (100, 0):
                raise InvalidArgumentError(
                    _WHERE,
                    f"percent={self.percent!r} and interval_minutes={self.interval_minutes!r} are "
                    "given, and all at once has one step of 100 percent",
                    "write it like TrafficShift.all_at_once()",
                )
            return
        _check_percent(self.percent)
        arguments.count(1, _LONGEST_MINUTES)(_WHERE, "interval_minutes", self.interval_minutes)

    @classmethod
    def canary(cls, percent: float, interval: Duration) -> TrafficShift:
        """Move a part first, and after a while all the rest.

        Args:
            percent: the part that moves first, above 0 and below 100.
            interval: how long is waited then, 1 minute to 2880 minutes (48 hours).

        Raises:
            InvalidArgumentError: an argument is not one of those.
        """
        return cls(kind=ShiftKind.CANARY, percent=percent, interval_minutes=_minutes(interval))

    @classmethod
    def linear(cls, percent: float, interval: Duration) -> TrafficShift:
        """Move the same part again and again; the last step takes what is left.

        Args:
            percent: the part that moves in each step, above 0 and below 100.
            interval: how long is waited between two steps, 1 minute to 2880 minutes (48 hours).

        Raises:
            InvalidArgumentError: an argument is not one of those.
        """
        return cls(kind=ShiftKind.LINEAR, percent=percent, interval_minutes=_minutes(interval))

    @classmethod
    def all_at_once(cls) -> TrafficShift:
        """Move everything in one step."""
        return cls(kind=ShiftKind.ALL_AT_ONCE, percent=100, interval_minutes=0)

    @classmethod
    def for_target(
        cls,
        target: DeploymentTarget,
        shift: TrafficShift,
        *,
        all_at_once_in: Iterable[str] = ("beta",),
    ) -> TrafficShift:
        """Choose by environment: all at once where no customer is, progressive elsewhere.

        Args:
            target: what the pipeline deploys to, as the application got it.
            shift: how traffic moves in the other environments.
            all_at_once_in: names of environments in which everything moves in one step; never
                the one of production.

        Raises:
            InvalidArgumentError: an argument is not one of those.

        >>> from aws_cdk import Duration
        >>> from dpra_constructs.environments import PipelineIdentity
        >>> target = DeploymentTarget(
        ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
        ...     environment="beta", account="222222222222", region="us-west-2",
        ...     configuration={}, is_production=False)
        >>> str(TrafficShift.for_target(target, TrafficShift.canary(10, Duration.minutes(5))))
        'all at once'
        """
        where = "TrafficShift.for_target"
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        arguments.instance(
            where, "shift", shift, TrafficShift, "TrafficShift.canary(10, Duration.minutes(5))"
        )
        names = arguments.names(where, "all_at_once_in", all_at_once_in)
        if target.environment not in names:
            return shift
        if target.is_production:
            raise InvalidArgumentError(
                where,
                f"all_at_once_in has {target.environment!r}, which is production",
                "leave it out, or give production TrafficShift.all_at_once() where you mean it",
            )
        return cls.all_at_once()

    @property
    def is_progressive(self) -> bool:
        """Whether a part of the traffic still has the version before for a while."""
        return self.kind is not ShiftKind.ALL_AT_ONCE

    @property
    def steps(self) -> tuple[tuple[int, float], ...]:
        """When the new version has how much: minutes after the begin, and percent."""
        if self.kind is ShiftKind.CANARY:
            return ((0, float(self.percent)), (self.interval_minutes, 100.0))
        part = Fraction(str(self.percent))
        return tuple(
            (step * self.interval_minutes, float(min(part * (step + 1), Fraction(100))))
            for step in range(math.ceil(100 / part))
        )

    @property
    def minutes(self) -> int:
        """How many minutes lie between the first step and the last."""
        return self.steps[-1][0]

    def __str__(self) -> str:
        if self.kind is ShiftKind.ALL_AT_ONCE:
            return "all at once"
        plural = "" if self.interval_minutes == 1 else "s"
        time = f"{self.interval_minutes} minute{plural}"
        if self.kind is ShiftKind.CANARY:
            return f"{self.percent:g} %, the rest after {time}"
        return f"{self.percent:g} % every {time}"


def _check_percent(percent: object) -> None:
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 < percent < 100:
        raise InvalidArgumentError(
            _WHERE,
            f"percent={arguments.shown(percent)} is not a number above 0 and below 100",
            "write it like TrafficShift.canary(10, Duration.minutes(5)), and "
            "TrafficShift.all_at_once() where everything is to move in one step",
        )


def _minutes(interval: Duration) -> int:
    return arguments.whole(_WHERE, "interval", interval, at_least=1, at_most=_LONGEST_MINUTES)
