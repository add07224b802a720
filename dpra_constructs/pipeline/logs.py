"""The log groups of the pipeline: encrypted with its key, and kept for a stated time."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from dpra_constructs.resource_policies import for_log_groups


class EncryptedLogs:
    """Makes log groups; the key lets CloudWatch Logs encrypt those with the pipeline's prefix.

    They go with what writes them, so that an action that comes back finds its name free.
    """

    def __init__(self, scope: Construct, key: kms.Key, pipeline: str, days: int) -> None:
        self._scope = scope
        self._key = key
        self._key_arn = key.key_arn
        self._pipeline = pipeline
        self._days = days
        stack = Stack.of(scope)
        region = stack.region
        groups = f"arn:{stack.partition}:logs:{region}:{stack.account}:log-group:"
        key.add_to_resource_policy(
            iam.PolicyStatement.from_json(
                for_log_groups(
                    region,
                    [
                        f"{groups}/aws/{service}/{pipeline}-*"
                        for service in ("codebuild", "lambda", "vendedlogs/states")
                    ],
                )
            )
        )

    def of_project(self, project: str) -> logs.CfnLogGroup:
        """Make the group that CodeBuild writes to for a project, by the name that it chooses."""
        return self._group(f"Logs-{project}", f"/aws/codebuild/{project}")

    def of_stage(self, stage: str) -> codebuild.LoggingOptions:
        """Make the group of a stage whose projects CDK Pipelines names, and have them use it."""
        id = f"{self._pipeline}-{stage}"
        group = logs.LogGroup(
            self._scope,
            f"Logs-{id}",
            log_group_name=self.name_of_stage(stage),
            encryption_key=self._key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        resource = group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        resource.retention_in_days = self._days
        return codebuild.LoggingOptions(
            cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=group)
        )

    def name_of_stage(self, stage: str) -> str:
        """Return the name of the group of a stage whose projects CDK Pipelines names."""
        return f"/aws/codebuild/{self._pipeline}-{stage}"

    def of_function(self, function: str) -> logs.CfnLogGroup:
        """Make the group that Lambda writes to for a function."""
        return self._group(f"Logs-{function}", f"/aws/lambda/{function}")

    def of_state_machine(self, machine: str) -> logs.CfnLogGroup:
        """Make the group of a state machine; the prefix keeps its resource policies few."""
        return self._group(f"Logs-{machine}-Machine", f"/aws/vendedlogs/states/{machine}")

    def _group(self, id: str, name: str) -> logs.CfnLogGroup:
        # By its CloudFormation type: a call to the jsii kernel for each, and nothing besides.
        return logs.CfnLogGroup(
            self._scope,
            id,
            log_group_name=name,
            kms_key_id=self._key_arn,
            retention_in_days=self._days,
        )
