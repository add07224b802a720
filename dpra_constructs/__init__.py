"""AWS CDK constructs for the Deployment Pipeline Reference Architecture (DPRA)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dpra_constructs.environments import DeploymentEnvironment, DeploymentTarget, Wave
from dpra_constructs.errors import DpraError, InvalidArgumentError, WaiverNeededError
from dpra_constructs.release import ManualApproval
from dpra_constructs.requirements import Requirement

if TYPE_CHECKING:
    from dpra_constructs.pipeline import (
        BetaStage,
        BuildStage,
        DeploymentPipeline,
        GammaStage,
        Limits,
        ProdWaves,
        SelfMutation,
        SourceStage,
    )

__all__ = [
    "BetaStage",
    "BuildStage",
    "DeploymentEnvironment",
    "DeploymentPipeline",
    "DeploymentTarget",
    "DpraError",
    "GammaStage",
    "InvalidArgumentError",
    "Limits",
    "ManualApproval",
    "ProdWaves",
    "Requirement",
    "SelfMutation",
    "SourceStage",
    "WaiverNeededError",
    "Wave",
]


def __getattr__(name: str) -> Any:
    """Import the constructs when they are asked for: the model works without aws_cdk."""
    if name in __all__:
        return getattr(import_module("dpra_constructs.pipeline"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
