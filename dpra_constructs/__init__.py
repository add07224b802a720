"""AWS CDK constructs for the Deployment Pipeline Reference Architecture (DPRA)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dpra_constructs.environments import DeploymentEnvironment, DeploymentTarget, Wave
from dpra_constructs.errors import DpraError, InvalidArgumentError, WaiverNeededError
from dpra_constructs.release import (
    ChangeCalendar,
    DeploymentWindow,
    ManualApproval,
    PermissionSet,
    SlackChannel,
    TeamsChannel,
)
from dpra_constructs.requirements import Requirement

if TYPE_CHECKING:
    from dpra_constructs.pipeline.beta_stage import BetaStage
    from dpra_constructs.pipeline.build_stage import BuildStage
    from dpra_constructs.pipeline.definitions import SelfMutation
    from dpra_constructs.pipeline.deployment_pipeline import DeploymentPipeline
    from dpra_constructs.pipeline.gamma_stage import GammaStage
    from dpra_constructs.pipeline.limits import Limits
    from dpra_constructs.pipeline.prod_waves import ProdWaves
    from dpra_constructs.pipeline.source_stage import SourceStage

__all__ = [
    "BetaStage",
    "BuildStage",
    "ChangeCalendar",
    "DeploymentEnvironment",
    "DeploymentPipeline",
    "DeploymentTarget",
    "DeploymentWindow",
    "DpraError",
    "GammaStage",
    "InvalidArgumentError",
    "Limits",
    "ManualApproval",
    "PermissionSet",
    "ProdWaves",
    "Requirement",
    "SelfMutation",
    "SlackChannel",
    "SourceStage",
    "TeamsChannel",
    "WaiverNeededError",
    "Wave",
]


# Imported when they are asked for, so that the model works without aws_cdk.
_MODULES = {
    "BetaStage": "beta_stage",
    "BuildStage": "build_stage",
    "DeploymentPipeline": "deployment_pipeline",
    "GammaStage": "gamma_stage",
    "Limits": "limits",
    "ProdWaves": "prod_waves",
    "SelfMutation": "definitions",
    "SourceStage": "source_stage",
}


def __getattr__(name: str) -> Any:
    """Import a construct."""
    if name in _MODULES:
        return getattr(import_module(f"dpra_constructs.pipeline.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
