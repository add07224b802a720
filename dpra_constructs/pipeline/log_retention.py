"""How long CloudWatch Logs keeps logs: it knows certain numbers of days only. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from aws_cdk import Duration

DEFAULT_DAYS = 365
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_ALLOWED = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def retention_days(where: str, log_retention: Duration | None) -> int:
    """Return a retention as days.

    Raises:
        InvalidArgumentError: CloudWatch Logs does not know it.
    """
    if log_retention is None:
        return DEFAULT_DAYS
    days = arguments.whole(
        where,
        "log_retention",
        log_retention,
        at_least=_ALLOWED[0],
        at_most=_ALLOWED[-1],
        unit="days",
    )
    if days not in _ALLOWED:
        longer = next(each for each in _ALLOWED if each > days)
        raise InvalidArgumentError(
            where,
            f"log_retention={days} days, and CloudWatch Logs knows "
            f"{', '.join(map(str, _ALLOWED))} only",
            f"write it like log_retention=Duration.days({longer})",
        )
    return days
