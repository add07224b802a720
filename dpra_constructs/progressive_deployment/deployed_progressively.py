"""What a target deploys progressively, as the pipeline asks for it (DPRA-PROD-PROGRESSIVE)."""

from __future__ import annotations

from aws_cdk import Stage
from constructs import Construct

_OF_STAGE = "_dpra_deployed_progressively"


def record(construct: Construct) -> None:
    """Keep that a construct of a `cdk.Stage` deploys progressively, at that stage."""
    stage = Stage.of(construct)
    setattr(stage, _OF_STAGE, (*deployed_progressively(stage), construct))


def deployed_progressively(stage: Stage | None) -> tuple[Construct, ...]:
    """Return the constructs of a `cdk.Stage` that deploy progressively."""
    found = getattr(stage, _OF_STAGE, ())
    return found if isinstance(found, tuple) else ()
