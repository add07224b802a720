"""What teams put into their own stacks so that the pipeline can see whether they are healthy."""

from dpra_constructs.monitoring.deployment_health import DeploymentHealth

__all__ = ["DeploymentHealth"]
