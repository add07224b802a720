"""Where the application is deployed: environments, their targets, and the waves of production."""

from dpra_constructs.environments.deployment_environment import DeploymentEnvironment
from dpra_constructs.environments.deployment_target import DeploymentTarget, PipelineIdentity
from dpra_constructs.environments.wave import Wave

__all__ = ["DeploymentEnvironment", "DeploymentTarget", "PipelineIdentity", "Wave"]
