"""A Lambda function whose callers move to a new version a part at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from aws_cdk import ArnFormat, CfnCodeDeployLambdaAliasUpdate, CfnUpdatePolicy, Stack
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring import (
    AlarmDefinition,
    ApplicationLogs,
    FunctionThresholds,
    HealthAlarm,
    function_alarms,
)
from dpra_constructs.monitoring.health_alarms.functions import function_dimensions
from dpra_constructs.monitoring.health_alarms.health_alarm import health_alarms
from dpra_constructs.progressive_deployment import code_deploy, service_limits
from dpra_constructs.progressive_deployment.deployed_progressively import record
from dpra_constructs.progressive_deployment.rollback_alarms import RollbackAlarm, RollbackAlarms
from dpra_constructs.progressive_deployment.traffic_shift import TrafficShift

ALIAS = "live"
# What this construct sets itself, and what to do instead.
_OWN = {
    "log_group": "give logs=ApplicationLogs(...), which makes it",
    "log_retention": "give ApplicationLogs its retention",
    "current_version_options": "leave it out: a version goes when its successor has all traffic",
}
# Of the new version alone: throttles are counted before it is known which version is called.
_OF_THE_VERSION = ("ErrorRate", "Latency")


class ProgressiveFunction(Construct):
    """A Lambda function that is deployed progressively (DPRA-PROD-PROGRESSIVE).

    Each deployment publishes a version, to which CodeDeploy moves the alias `live` as `shift`
    says. When an alarm of the new version fires, a hook fails or a person stops the deployment, the
    alias goes back, CloudFormation's deployment fails, and the pipeline's stage with it. APIs
    integrate with `alias`, never with `function`.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id.
        target: what the pipeline deploys to, as the application got it.
        shift: how traffic moves to a new version.
        logs: makes the function's log group.
        alarms: further ones that roll a deployment back, or the names of such that depend on the
            alias; together at most 50. One that stays red stops the rollback and the fix as well.
        thresholds: up to where the function is healthy; without it the defaults.
        role: the function's role; without it one that may write the log. It is needed with `vpc`.
        code_signing_config: whose signatures the code has to have; without it they are not
            checked.
        options: what `aws_cdk.aws_lambda.Function` takes besides: `code`, `handler`, `runtime`,
            `environment`, `memory_size`, `timeout`, `vpc`, ...; `architecture` is ARM_64 without.

    Raises:
        InvalidArgumentError: an argument is not one of those, the shift is outside CodeDeploy's
            limits, or it ends before the alarms can stop it.

    >>> from aws_cdk import App, Duration, Stack, aws_lambda
    >>> from dpra_constructs import DeploymentTarget
    >>> from dpra_constructs.environments import PipelineIdentity
    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="prod", account="444444444444", region="us-west-2",
    ...     configuration={}, is_production=True)
    >>> stack = Stack(App(), "Api", env=target.env)
    >>> function = ProgressiveFunction(
    ...     stack, "Prices", target=target,
    ...     shift=TrafficShift.canary(10, Duration.minutes(10)),
    ...     logs=ApplicationLogs(stack, "Logs", target=target),
    ...     runtime=aws_lambda.Runtime.PYTHON_3_14, handler="index.handler",
    ...     code=aws_lambda.Code.from_inline("def handler(*_): ..."))
    >>> len(function.alarms)
    5

    Source:
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-rolling-deployments.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        shift: TrafficShift,
        logs: ApplicationLogs,
        alarms: Iterable[RollbackAlarm] = (),
        thresholds: FunctionThresholds | None = None,
        role: iam.IRole | None = None,
        code_signing_config: lambda_.ICodeSigningConfig | None = None,
        **options: Any,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        arguments.instance(
            where, "shift", shift, TrafficShift, "TrafficShift.canary(10, Duration.minutes(5))"
        )
        arguments.instance(
            where, "logs", logs, ApplicationLogs, 'ApplicationLogs(self, "Logs", target=target)'
        )
        limits = thresholds if thresholds is not None else FunctionThresholds()
        arguments.instance(where, "thresholds", limits, FunctionThresholds, "FunctionThresholds()")
        _check_options(where, options, role)
        routing = service_limits.code_deploy_routing(where, shift)
        super().__init__(scope, id)
        self._alarms = RollbackAlarms(where, self)
        self._alarms.add(alarms)
        #: How traffic moves to a new version.
        self.shift = shift
        #: The function's log group.
        self.log_group = logs.log_group(f"{id}Function")
        #: The function; its unpublished code takes no traffic.
        self.function = lambda_.Function(
            self,
            "Function",
            role=role or self._role(),
            log_group=self.log_group,
            code_signing_config=code_signing_config,
            **{"architecture": lambda_.Architecture.ARM_64, **options},
        )
        #: The version that is deployed.
        self.version = self.function.current_version
        #: What callers call, and what APIs integrate with.
        self.alias = lambda_.Alias(self, "Alias", alias_name=ALIAS, version=self.version)
        #: The ready-made alarms of the alias, and of the new version alone: for `DeploymentHealth`.
        self.alarms: list[HealthAlarm] = function_alarms(self.alias, limits)
        if shift.is_progressive:
            of_the_version = self._alarms_of_the_version(limits)
            self.alarms += of_the_version
            # Those of the alias are red after a bad release, and would stop the rollback too.
            self._alarms.add(of_the_version)
            record(self)
        self._alarms.check_time(shift)
        #: The CodeDeploy application.
        self.application = codedeploy.CfnApplication(self, "Application", compute_platform="Lambda")
        self._service_role = self._codedeploy_role(target)
        #: The CodeDeploy deployment group.
        self.deployment_group = codedeploy.CfnDeploymentGroup(
            self,
            "DeploymentGroup",
            application_name=self.application.ref,
            service_role_arn=self._service_role.attr_arn,
            deployment_config_name=code_deploy.deployment_config(self, "Lambda", routing),
            deployment_style={
                "deploymentType": "BLUE_GREEN",
                "deploymentOption": "WITH_TRAFFIC_CONTROL",
            },
            auto_rollback_configuration=code_deploy.ROLLBACK,
            alarm_configuration=self._alarm_configuration(),
        )
        self._hooks: dict[str, lambda_.IFunction] = {}
        # The alarms have to watch the new version before it has a single caller.
        self._shift_the_alias().add_resource_dependency(self.deployment_group)

    def add_alarms(self, *alarms: RollbackAlarm) -> None:
        """Let further alarms roll a deployment back.

        Args:
            alarms: alarms, or the names of such that depend on the alias.

        Raises:
            InvalidArgumentError: one is none, or there are more than 50.
        """
        self._alarms.add(alarms)
        self.deployment_group.alarm_configuration = self._alarm_configuration()
        self._service_role.policies = [self._deploys()]

    def add_pre_hook(self, function: lambda_.IFunction) -> None:
        """Call a function before traffic moves; the deployment goes on when it says so.

        It gets `DeploymentId` and `LifecycleEventHookExecutionId`, calls the new version, and
        answers within an hour by `codedeploy:PutLifecycleEventHookExecutionStatus`, which it is
        allowed here. The version is `self.version`.

        Raises:
            InvalidArgumentError: it is no function, or there is one already.
        """
        self._add_hook("PreHook", function)

    def add_post_hook(self, function: lambda_.IFunction) -> None:
        """Call a function after all traffic has moved; as `add_pre_hook`.

        Raises:
            InvalidArgumentError: it is no function, or there is one already.
        """
        self._add_hook("PostHook", function)

    def _role(self) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(role)
        return role

    def _alarms_of_the_version(self, thresholds: FunctionThresholds) -> list[HealthAlarm]:
        """Make the alarms that a few percent of bad calls among all would not reach."""
        return health_alarms(
            self.version,
            "version",
            version_definitions(thresholds),
            function_dimensions(self.function.function_name, ALIAS, self.version.version),
            # Another version has other alarms, which know nothing of the one before.
            name=f"{self.function.function_name}-{self.version.version}",
        )

    def _alarm_configuration(self) -> Any:
        return {
            "enabled": bool(self._alarms.names),
            "ignorePollAlarmFailure": False,
            "alarms": [{"name": name} for name in self._alarms.names],
        }

    def _codedeploy_role(self, target: DeploymentTarget) -> iam.CfnRole:
        role = code_deploy.service_role(
            self,
            f"Moves callers of {self.node.id} of {target.pipeline.name} to a new version",
            [],
        )
        self._service_role = role
        role.policies = [self._deploys()]
        return role

    def _deploys(self) -> Any:
        arn = self.function.function_arn
        return {
            "policyName": "Deploys",
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": [
                            "lambda:GetAlias",
                            "lambda:GetProvisionedConcurrencyConfig",
                            "lambda:UpdateAlias",
                        ],
                        "Resource": [arn, f"{arn}:{ALIAS}"],
                    },
                    *([self._alarms.read_by(self._service_role)] if self._alarms.names else []),
                ],
            },
        }

    def _add_hook(self, kind: str, function: lambda_.IFunction) -> None:
        where = self._alarms.where
        if not hasattr(function, "function_name"):
            arguments.instance(where, kind, function, lambda_.Function, "self.check_function")
        if kind in self._hooks:
            raise InvalidArgumentError(
                where, f"it has a {kind} already", "check everything in one function"
            )
        self._hooks[kind] = function
        stack = Stack.of(self)
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["codedeploy:PutLifecycleEventHookExecutionStatus"],
                resources=[
                    stack.format_arn(
                        service="codedeploy",
                        resource="deploymentgroup",
                        resource_name=f"{self.application.ref}/{self.deployment_group.ref}",
                        arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
            )
        )
        # Apart from the role: the hook's role names the deployment group, which names that role.
        invokes = iam.CfnPolicy(
            self,
            f"{kind}Policy",
            policy_name=f"Calls{kind}",
            roles=[self._service_role.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "lambda:InvokeFunction",
                        "Resource": function.function_arn,
                    }
                ],
            },
        )
        self._shift_the_alias().add_resource_dependency(invokes)

    def _shift_the_alias(self) -> lambda_.CfnAlias:
        resource = self.alias.node.default_child
        assert isinstance(resource, lambda_.CfnAlias)
        before, after = self._hooks.get("PreHook"), self._hooks.get("PostHook")
        resource.cfn_options.update_policy = CfnUpdatePolicy(
            code_deploy_lambda_alias_update=CfnCodeDeployLambdaAliasUpdate(
                application_name=self.application.ref,
                deployment_group_name=self.deployment_group.ref,
                before_allow_traffic_hook=before.function_name if before else None,
                after_allow_traffic_hook=after.function_name if after else None,
            )
        )
        return resource


def version_definitions(thresholds: FunctionThresholds) -> Iterator[AlarmDefinition]:
    """Yield the alarms of the new version alone."""
    for each in thresholds.definitions():
        if each.id in _OF_THE_VERSION:
            yield replace(each, says=f"The new version: {each.says}")


def _check_options(where: str, options: dict[str, Any], role: iam.IRole | None) -> None:
    for name, fix in _OWN.items():
        if name in options:
            raise InvalidArgumentError(where, f"{name} is set by this construct", fix)
    for name in ("code", "handler", "runtime"):
        if name not in options:
            raise InvalidArgumentError(
                where, f"{name} is missing", f"give {name} as aws_cdk.aws_lambda.Function takes it"
            )
    if "vpc" in options and role is None:
        raise InvalidArgumentError(
            where,
            "vpc is given without role, and a function in a network needs permissions there",
            "give a role with the permissions of AWSLambdaVPCAccessExecutionRole",
        )
