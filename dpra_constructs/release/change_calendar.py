"""A change freeze: no release enters production while a calendar is closed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.stage_conditions import LambdaInvoke

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,128}")
_ARN = re.compile(r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:document/[a-zA-Z0-9_.-]{3,128}")


@dataclass(frozen=True, slots=True)
class ChangeCalendar:
    """Change calendars of AWS Systems Manager, all of which have to be open (DPRA-PROD-APPROVAL).

    Stands where a `DeploymentWindow` stands: on `Approve-Prod` and `Open-<wave>`. A release that
    comes while one is closed fails there; the next release, or a retry of the stage, tries again.

    Args:
        calendars: names in the pipeline's account and region, or ARNs of shared ones; at least
            one.
        name: the rule's name in the pipeline.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> ChangeCalendar(["year-end-freeze"]).user_parameters
    '{"calendars": ["year-end-freeze"]}'

    Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-change-calendar.html
    """

    calendars: Sequence[str]
    _: KW_ONLY
    name: str = "ChangeCalendar"

    def __post_init__(self) -> None:
        """Check the values and freeze the calendars."""
        where = "ChangeCalendar"
        calendars = arguments.some_texts(where, "calendars", self.calendars)
        for calendar in calendars:
            if not _NAME.fullmatch(calendar) and not _ARN.fullmatch(calendar):
                raise InvalidArgumentError(
                    where,
                    f"calendars has {arguments.shown(calendar)}, which is neither a calendar's "
                    "name nor its ARN",
                    'write it like "year-end-freeze" or arn:aws:ssm:REGION:ACCOUNT:document/NAME',
                )
        arguments.unique(where, "calendars", calendars)
        arguments.name(where, self.name)
        object.__setattr__(self, "calendars", calendars)

    @property
    def user_parameters(self) -> str:
        """What the function that asks them is told."""
        return json.dumps({"calendars": list(self.calendars)})

    def rule(self, function: str) -> LambdaInvoke:
        """Return the rule, with the name of the function that runs `runtime.change_calendar`."""
        return LambdaInvoke(self.name, function=function, user_parameters=self.user_parameters)

    @property
    def function_permissions(self) -> tuple[Permission, ...]:
        """What that function's role needs, beyond giving its result and writing its log."""
        own = "arn:{partition}:ssm:{region}:{account}:document/"
        return (
            Permission(
                actions=["ssm:GetCalendarState"],
                resources=[
                    calendar if calendar.startswith("arn:") else f"{own}{calendar}"
                    for calendar in self.calendars
                ],
            ),
        )
