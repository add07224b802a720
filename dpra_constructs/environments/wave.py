"""One wave of production: regions that are deployed to together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.health_sources import HealthSource
from dpra_constructs.release.health_sources.health_source import read_health_sources
from dpra_constructs.release.stage_conditions import SuccessCondition

if TYPE_CHECKING:
    from aws_cdk import Duration

# A Lambda invoke action, which carries the bake, may run for a day; an hour of it is kept for
# settling and reporting.
LONGEST_BAKE_MINUTES = 23 * 60


def bake_minutes(where: str, bake: Duration | None) -> int | None:
    """Return a bake time as whole minutes; raise InvalidArgumentError where it cannot be one."""
    if bake is None:
        return None
    return arguments.whole(where, "bake", bake, at_least=1, at_most=LONGEST_BAKE_MINUTES)


def check_max_parallel(where: str, count: object) -> None:
    """Refuse what is no number of regions."""
    arguments.optional(arguments.count(1, 50))(where, "max_parallel", count)


@dataclass(frozen=True, slots=True)
class Wave:
    """Regions that production deploys to in parallel, after the waves before it (DPRA-PROD-WAVES).

    Args:
        name: its pipeline stage is `Prod-<name>`; 1 to 40 letters, digits and hyphens.
        regions: names of AWS regions, at least one.
        bake: how long the `DeploymentHealth` of each region is watched before the next wave
            begins, in whole minutes, up to 23 hours; at least as long as its alarms need to show
            a new version. Without it `ProdWaves` needs a waiver.
        max_parallel: how many regions are deployed to at once, in their order here; the next ones
            follow after the tests of these, and the bake after all. Without it all at once.
        on_success: what has to hold after the bake, like
            `SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])`; else the wave rolls
            back, or fails. A condition to enter it is `ProdWaves(before_entry=)`: here a rollback
            would have to pass it too.
        health_sources: monitors outside CloudWatch that the bake watches too, like
            `DatadogMonitor` or `DynatraceProblems`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import Duration
    >>> Wave("one-box", ["us-west-2"], bake=Duration.hours(1)).bake_minutes
    60
    """

    name: str
    regions: Sequence[str]
    _: KW_ONLY
    bake: Duration | None = field(default=None, compare=False, repr=False)
    on_success: SuccessCondition | None = None
    max_parallel: int | None = None
    health_sources: Sequence[HealthSource] = ()
    bake_minutes: int | None = field(init=False)

    def __post_init__(self) -> None:
        """Check the values and freeze the regions."""
        where = f'Wave "{self.name}"'
        arguments.name(where, self.name)
        object.__setattr__(self, "regions", arguments.regions(where, self.regions))
        if not self.regions:
            raise InvalidArgumentError(
                where, "regions is empty", 'name at least one region, like ["us-west-2"]'
            )
        if self.on_success is not None:
            example = 'SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")])'
            arguments.instance(where, "on_success", self.on_success, SuccessCondition, example)
        check_max_parallel(where, self.max_parallel)
        object.__setattr__(self, "bake_minutes", bake_minutes(where, self.bake))
        sources = read_health_sources(where, self.health_sources, bakes=self.bake is not None)
        object.__setattr__(self, "health_sources", sources)
