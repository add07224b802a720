"""Deployments by other deployers than CloudFormation: after a region's stacks, before its tests."""

from dpra_constructs.other_deployers.external_deployment import ExternalDeployment
from dpra_constructs.other_deployers.octopus_deployment import OctopusDeployment
from dpra_constructs.other_deployers.spinnaker_pipeline import SpinnakerPipeline
from dpra_constructs.other_deployers.terraform_deployment import TerraformDeployment

__all__ = ["ExternalDeployment", "OctopusDeployment", "SpinnakerPipeline", "TerraformDeployment"]
