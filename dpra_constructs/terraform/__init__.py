"""What teams put into their own stacks so that the pipeline can deploy with Terraform."""

from dpra_constructs.terraform.terraform_environment import TerraformEnvironment

__all__ = ["TerraformEnvironment"]
