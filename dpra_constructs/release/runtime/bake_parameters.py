"""What the bake is told by its action, and what it keeps between two calls."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import names

MINUTE = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Bake:
    """What the action's UserParameters say: what to watch, and for how long.

    Attributes:
        minute: how many milliseconds count as a minute: fewer in a rehearsal.
        sources: monitors outside CloudWatch, as `health_sources` reads them.
    """

    pipeline: str
    stage: str
    environment: str
    account: str
    regions: tuple[str, ...]
    bake_minutes: int
    settle_minutes: int
    execution: str
    minute: float = MINUTE
    sources: tuple[Mapping[str, Any], ...] = ()

    @property
    def watched(self) -> tuple[str, ...]:
        """What it reads in each call: the regions, then the names of the sources."""
        return (*self.regions, *(str(source["name"]) for source in self.sources))

    @property
    def watched_text(self) -> str:
        """What a message calls all of it."""
        return "regions and health sources" if self.sources else "regions"

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
        read: by region and source, when it was last read; at first when the bake began.
    """

    started: int
    rolls_back: bool | None
    deployed: tuple[int, ...]
    read: tuple[int, ...]

    def token(self) -> str:
        """Return it as the continuation token: for 40 regions about half of what may be kept."""
        values = [self.started, self.rolls_back, list(self.deployed), list(self.read)]
        return json.dumps(values, separators=(",", ":"))


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
            minute=MINUTE / time_scale,
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
        if len(kept.read) == len(bake.watched) and len(kept.deployed) in (0, len(bake.regions)):
            return kept
    except (ValueError, TypeError):
        pass
    return Progress(started=now, rolls_back=None, deployed=(), read=(now,) * len(bake.watched))
