"""The managed policies by which some may approve, and all others may not."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.pipeline.plan import APPROVAL_STAGE
from dpra_constructs.release.approvers import (
    PermissionSet,
    allow_document,
    approval_arn,
    approver_arns,
    deny_statement,
)
from dpra_constructs.release.manual_approval import APPROVE


def approver_policies(
    scope: Construct, pipeline: PipelineIdentity, approvers: Sequence[str | PermissionSet]
) -> None:
    """Make both policies, and attach the one that allows to the roles among the approvers.

    Permission sets, and permissions boundaries, take a customer managed policy by its name.
    """
    partition = Stack.of(scope).partition
    arn = approval_arn(
        partition=partition,
        region=pipeline.region,
        account=pipeline.account,
        pipeline=pipeline.name,
        stage=APPROVAL_STAGE,
        action=APPROVE,
    )
    # The names of IAM know no regions.
    own = f"{pipeline.name}-{pipeline.region}"
    iam.CfnManagedPolicy(
        scope,
        "ApproversPolicy",
        managed_policy_name=f"{own}-approve",
        description=f"Sees the pipeline {pipeline.name} and approves its releases",
        policy_document=allow_document(arn),
        roles=[each.rpartition("/")[2] for each in approvers if isinstance(each, str)] or None,
    )
    only = iam.CfnManagedPolicy(
        scope,
        "OnlyApproversPolicy",
        managed_policy_name=f"{own}-only-approvers",
        description=f"Lets nobody but the approvers approve releases of {pipeline.name}",
        policy_document={
            "Version": "2012-10-17",
            "Statement": [
                deny_statement(
                    arn, approver_arns(approvers, partition=partition, account=pipeline.account)
                )
            ],
        },
    )
    CfnOutput(
        scope,
        "OnlyApprovers",
        description="Give this policy to whoever could approve by other permissions",
        value=only.ref,
    )
