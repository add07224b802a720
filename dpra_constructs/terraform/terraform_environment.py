"""The state of a Terraform configuration in a target, and the role that applies it."""

from __future__ import annotations

from aws_cdk import (
    Acknowledgment,
    CfnOutput,
    Duration,
    RemovalPolicy,
    Stack,
    Validations,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.release.runtime import names
from dpra_constructs.target_constructs import role_of_pipeline

_STATE = "terraform.tfstate"
_OLD_STATES_DAYS = 365


class TerraformEnvironment(Construct):
    """Lets the pipeline's `TerraformDeployment` apply a configuration in a target.

    A bucket for the state, encrypted with AWS KMS, with versions, kept when the stack is deleted;
    and a role that only the pipeline's action of this target may assume. The role may read and
    write the state, and nothing else: what the configuration makes, the team allows it with
    `role.add_to_policy(...)`.

    The pipeline gives the configuration the variable `health_alarm_name`, the name of the alarm
    that a bake reads. `ExternalHealth` (of `dpra_constructs.monitoring`) says that Terraform
    makes that alarm.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id, by which `TerraformDeployment` names it; one for each
            configuration.
        target: what the pipeline deploys to, as the application got it.

    Raises:
        InvalidArgumentError: an argument is not one of those.

    >>> from aws_cdk import App, Stack, aws_iam
    >>> from dpra_constructs import DeploymentTarget
    >>> from dpra_constructs.environments import PipelineIdentity
    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="prod", account="444444444444", region="us-west-2",
    ...     configuration={}, is_production=True)
    >>> stack = Stack(App(), "Terraform", env=target.env)
    >>> environment = TerraformEnvironment(stack, "Network", target=target)
    >>> _ = environment.role.add_to_policy(aws_iam.PolicyStatement(
    ...     actions=["sqs:CreateQueue", "sqs:DeleteQueue"],
    ...     resources=["arn:aws:sqs:us-west-2:444444444444:fruit"]))
    >>> environment.state_bucket_output_id
    'NetworkStateBucket'

    Source: https://developer.hashicorp.com/terraform/language/backend/s3
    """

    def __init__(self, scope: Construct, id: str, *, target: DeploymentTarget) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.name(where, id, "id")
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        super().__init__(scope, id)
        stack = Stack.of(self)
        place = (target.pipeline.name, target.environment, target.region)
        #: The bucket of the state.
        self.state_bucket = s3.Bucket(
            self,
            "State",
            # With the key aws/s3: who may read the bucket in its account may decrypt.
            encryption=s3.BucketEncryption.KMS_MANAGED,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(_OLD_STATES_DAYS),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
        )
        Validations.of(self.state_bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="Only one role writes the state, once in a release, and its versions are "
                "kept; data events of AWS CloudTrail show who read it",
            )
        )
        #: The role that the pipeline's action assumes.
        self.role = iam.Role(
            self,
            "Role",
            role_name=names.terraform_role_name(*place, id),
            description=f"Lets the pipeline {target.pipeline.name} apply {id} with Terraform",
            assumed_by=role_of_pipeline(
                stack.partition, target, names.terraform_action_role_name(*place, id)
            ),
        )
        bucket = self.state_bucket.bucket_arn
        for actions, resource in (
            (["s3:ListBucket"], bucket),
            (["s3:GetObject", "s3:PutObject"], f"{bucket}/{_STATE}"),
            (["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], f"{bucket}/{_STATE}.tflock"),
        ):
            self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        #: The id of the output that gives the bucket's name to the pipeline.
        self.state_bucket_output_id = f"{id}StateBucket"
        CfnOutput(self, self.state_bucket_output_id, value=self.state_bucket.bucket_name)
