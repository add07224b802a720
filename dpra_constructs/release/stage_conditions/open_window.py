"""The rule that waits for a deployment window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.release.deployment_window import DeploymentWindow
from dpra_constructs.release.stage_conditions.rule import Rule


@dataclass(frozen=True, slots=True)
class OpenWindow(Rule):
    """The deployment window is open; waits until it is.

    Args:
        window: the days and hours.

    >>> window = DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin")
    >>> OpenWindow("Window", window=window).configuration
    {'Cron': '* * 9-15 ? * MON-THU', 'TimeZone': 'Europe/Berlin'}
    """

    PROVIDER: ClassVar[str] = "DeploymentWindow"

    _: KW_ONLY
    window: DeploymentWindow

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        arguments.instance(
            self.where, "window", self.window, DeploymentWindow, "DeploymentWindow(...)"
        )

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        return {"Cron": self.window.expression, "TimeZone": self.window.time_zone}
