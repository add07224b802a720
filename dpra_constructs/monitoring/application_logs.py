"""The logs of a deployed target: encrypted, kept for a stated time, and not public."""

from __future__ import annotations

import json

from aws_cdk import Acknowledgment, ArnFormat, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.resource_policies import for_log_groups

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# Names of $context that both kinds of API have; none holds what a client sent in its body.
_ACCESS_LOG = json.dumps(
    {
        name: f"$context.{name}"
        for name in ("requestId", "requestTime", "httpMethod", "status", "responseLatency")
    }
)


class ApplicationLogs(Construct):
    """Makes the log groups and access logs of a stack (DPRA-GAMMA-MONITORING).

    One key encrypts the log groups, and is rotated each year. What is logged is kept when the
    stack of production is removed.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id.
        target: what the pipeline deploys to, as the application got it.
        retention: how long logs are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400,
            545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days; 90 without it.

    Raises:
        InvalidArgumentError: an argument is not one of those.

    >>> from aws_cdk import App, Stack
    >>> from dpra_constructs import DeploymentTarget
    >>> from dpra_constructs.environments import PipelineIdentity
    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="prod", account="444444444444", region="us-west-2",
    ...     configuration={}, is_production=True)
    >>> logs = ApplicationLogs(Stack(App(), "Api", env=target.env), "Logs", target=target)
    >>> logs.log_group("Function").node.id
    'Function'

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        retention: Duration | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        self._days = _days(where, retention)
        super().__init__(scope, id)
        self._removal = RemovalPolicy.RETAIN if target.is_production else RemovalPolicy.DESTROY
        stack = Stack.of(self)
        #: The key of the log groups.
        self.key = kms.Key(
            self,
            "Key",
            description=f"Logs of {target.environment} of {target.pipeline.name}",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        # CloudFormation names the groups after their stack.
        groups = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{stack.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement.from_json(for_log_groups(target.region, groups))
        )

    def log_group(self, id: str) -> logs.LogGroup:
        """Make a log group, for `log_group=` of a function or of a container's log driver.

        Args:
            id: its construct id, below this construct.
        """
        group = logs.LogGroup(
            self, id, encryption_key=self.key, removal_policy=self._removal, retention=None
        )
        resource = group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        resource.retention_in_days = self._days
        return group

    def access_log_of_http_api(self, stage: apigatewayv2.HttpStage) -> logs.LogGroup:
        """Log who asked an HTTP API for what, and what came of it.

        Raises:
            InvalidArgumentError: it is no stage of an HTTP API.
        """
        where = "ApplicationLogs.access_log_of_http_api"
        arguments.instance(where, "stage", stage, apigatewayv2.HttpStage, "self.stage")
        resource = stage.node.default_child
        assert isinstance(resource, apigatewayv2.CfnStage)
        group = self.log_group(f"Access-{stage.node.id}")
        resource.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.log_group_arn, format=_ACCESS_LOG
        )
        return group

    def access_log_of_rest_api(self, stage: apigateway.Stage) -> logs.LogGroup:
        """Log who asked a REST API for what, and what came of it.

        API Gateway needs the account's CloudWatch role for it, which `cloud_watch_role` of
        `aws_cdk.aws_apigateway.RestApi` sets.

        Raises:
            InvalidArgumentError: it is no stage of a REST API.
        """
        where = "ApplicationLogs.access_log_of_rest_api"
        arguments.instance(where, "stage", stage, apigateway.Stage, "self.api.deployment_stage")
        resource = stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)
        group = self.log_group(f"Access-{stage.node.id}")
        resource.access_log_setting = apigateway.CfnStage.AccessLogSettingProperty(
            destination_arn=group.log_group_arn, format=_ACCESS_LOG
        )
        return group

    def access_log_of_load_balancer(
        self, load_balancer: elbv2.ApplicationLoadBalancer
    ) -> s3.Bucket:
        """Log who asked a load balancer for what, to a bucket: it writes nowhere else.

        Raises:
            InvalidArgumentError: it is no application load balancer.
        """
        where = "ApplicationLogs.access_log_of_load_balancer"
        arguments.instance(
            where, "load_balancer", load_balancer, elbv2.ApplicationLoadBalancer, "self.balancer"
        )
        bucket = s3.Bucket(
            self,
            f"Access-{load_balancer.node.id}",
            # Load balancers deliver access logs to no bucket with a key of the customer's.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(self._days))],
            removal_policy=self._removal,
        )
        Validations.of(bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="It keeps access logs itself; logging the access to them would not end.",
            )
        )
        load_balancer.log_access_logs(bucket)
        return bucket


def _days(where: str, retention: Duration | None) -> int:
    if retention is None:
        return 90
    days = arguments.whole(where, "retention", retention, at_least=1, at_most=3653, unit="days")
    if days not in _RETENTION_DAYS:
        allowed = ", ".join(map(str, _RETENTION_DAYS))
        longer = next(each for each in _RETENTION_DAYS if each > days)
        raise InvalidArgumentError(
            where,
            f"retention={days} days is none that CloudWatch Logs has: {allowed}",
            f"write retention=Duration.days({longer})",
        )
    return days
