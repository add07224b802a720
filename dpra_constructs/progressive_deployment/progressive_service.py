"""A service on Fargate whose requests move to new tasks a part at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_cdk import Acknowledgment, Annotations, Duration, Stack, Validations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.build_actions import PushedImage
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring import (
    ApplicationLogs,
    HealthAlarm,
    ServiceThresholds,
    TargetGroupThresholds,
    load_balancer_alarms,
    service_alarms,
    target_group_alarms,
)
from dpra_constructs.progressive_deployment import service_limits
from dpra_constructs.progressive_deployment.deployed_progressively import record
from dpra_constructs.progressive_deployment.rollback_alarms import RollbackAlarm, RollbackAlarms
from dpra_constructs.progressive_deployment.service_image import pull_statements
from dpra_constructs.progressive_deployment.service_load_balancer import (
    ServiceLoadBalancer,
    listener_port,
)
from dpra_constructs.progressive_deployment.traffic_shift import ShiftKind, TrafficShift

CONTAINER = "Application"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
_MEMORY_MIB: Mapping[int, Sequence[int]] = {
    256: (512, 1_024, 2_048),
    512: range(1_024, 4_096 + 1, 1_024),
    1_024: range(2_048, 8_192 + 1, 1_024),
    2_048: range(4_096, 16_384 + 1, 1_024),
    4_096: range(8_192, 30_720 + 1, 1_024),
    8_192: range(16_384, 61_440 + 1, 4_096),
    16_384: range(32_768, 122_880 + 1, 8_192),
}
_LONGEST_BAKE_MINUTES = 1_440
_SHORTEST_REASON = 15
_OF_TEST_TRAFFIC = (
    ecs.DeploymentLifecycleStage.TEST_TRAFFIC_SHIFT,
    ecs.DeploymentLifecycleStage.POST_TEST_TRAFFIC_SHIFT,
)
_STRATEGIES = {
    ShiftKind.CANARY: ecs.DeploymentStrategy.CANARY,
    ShiftKind.LINEAR: ecs.DeploymentStrategy.LINEAR,
    ShiftKind.ALL_AT_ONCE: ecs.DeploymentStrategy.BLUE_GREEN,
}


class ProgressiveService(Construct):
    """A container on Fargate that is deployed progressively (DPRA-PROD-PROGRESSIVE).

    Amazon ECS starts the tasks of a new version beside the old ones, and shifts the requests of a
    load balancer as `shift` says. For the time of `bake` the old tasks still run. When an alarm
    fires, a task does not start or a hook fails, the requests go back, and CloudFormation's
    deployment fails. `all_at_once` is blue/green: all requests move in one step, and may go back.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id.
        target: what the pipeline deploys to, as the application got it.
        shift: how requests move to a new version.
        logs: makes the log group, and the bucket of the load balancer's access log.
        image: by its digest, as `pushed_image()` reads it of what `EcrPush` has pushed.
        vpc: the network; its private subnets with egress get the tasks.
        port: at which the container listens, 1 to 65535.
        certificate: of the load balancer, which then speaks TLS.
        unencrypted_because: why there is none, 15 characters or more.
        bake: how long the old tasks still run when the new ones have all requests, 0 to 1440
            whole minutes.
        alarms: further ones that roll a deployment back, or the names of such that depend on the
            service; together at most 50.
        health_check_path: what the load balancer asks a task for; 200 is healthy.
        desired_count: how many tasks run, 1 to 5000.
        cpu: CPU units of a task: 256, 512, 1024, 2048, 4096, 8192 or 16384.
        memory_mib: memory of a task in MiB, of what Fargate has for that `cpu`.
        environment: environment variables of the container, none of them secret.
        secrets: further ones, each from Secrets Manager or Systems Manager.
        internet_facing: whether clients outside the network may ask the load balancer.
        cluster: the cluster; without it one is made.
        architecture: of the image; X86_64 without it.
        read_only: whether the container's root file system is read-only.
        test_port: of a second listener, at which the new tasks answer before any client asks them,
            1 to 65535; without it there is none. Nobody is let in but by
            `test_listener.connections`.
        thresholds: up to where the answers of the tasks are healthy; without it the defaults.
        service_thresholds: up to where the tasks are healthy; without it `desired_count` tasks.

    Raises:
        InvalidArgumentError: an argument is not one of those, the shift is outside the limits of
            ECS, or it ends before the alarms can stop it.

    >>> from aws_cdk import App, Duration, Stack, aws_ec2
    >>> from dpra_constructs import DeploymentTarget
    >>> from dpra_constructs.environments import PipelineIdentity
    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="prod", account="444444444444", region="us-west-2",
    ...     configuration={}, is_production=True)
    >>> stack = Stack(App(), "Web", env=target.env)
    >>> digest = "sha256:" + 64 * "0"
    >>> service = ProgressiveService(
    ...     stack, "Shop", target=target,
    ...     shift=TrafficShift.linear(25, Duration.minutes(5)),
    ...     logs=ApplicationLogs(stack, "Logs", target=target),
    ...     image=PushedImage(
    ...         repository="shop", digest=digest,
    ...         uri=f"111111111111.dkr.ecr.us-west-2.amazonaws.com/shop@{digest}"),
    ...     vpc=aws_ec2.Vpc(stack, "Network"), port=8080,
    ...     unencrypted_because="TLS ends at the proxy of the platform")
    >>> len(service.alarms)
    11

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        shift: TrafficShift,
        logs: ApplicationLogs,
        image: PushedImage,
        vpc: ec2.IVpc,
        port: int,
        certificate: acm.ICertificate | None = None,
        unencrypted_because: str | None = None,
        bake: Duration | None = None,
        alarms: Iterable[RollbackAlarm] = (),
        health_check_path: str = "/",
        desired_count: int = 2,
        cpu: int = 256,
        memory_mib: int = 512,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        internet_facing: bool = False,
        cluster: ecs.ICluster | None = None,
        architecture: ecs.CpuArchitecture | None = None,
        read_only: bool = True,
        test_port: int | None = None,
        thresholds: TargetGroupThresholds | None = None,
        service_thresholds: ServiceThresholds | None = None,
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
        arguments.instance(where, "image", image, PushedImage, "pushed_image(text)")
        arguments.count(1, 65_535)(where, "port", port)
        arguments.count(1, 5_000)(where, "desired_count", desired_count)
        arguments.flag(where, "internet_facing", internet_facing)
        arguments.flag(where, "read_only", read_only)
        _check_size(where, cpu, memory_mib)
        _check_encryption(where, certificate, unencrypted_because)
        _check_test_port(where, test_port, listener_port(certificate))
        if not isinstance(health_check_path, str) or not health_check_path.startswith("/"):
            raise InvalidArgumentError(
                where,
                f"health_check_path={arguments.shown(health_check_path)} does not begin with /",
                'write it like health_check_path="/health"',
            )
        variables = arguments.plain(where, "environment", environment or {})
        bake_minutes = _bake_minutes(where, bake)
        strategy = service_limits.ecs_strategy(where, shift, bake_minutes)
        pulls = pull_statements(where, image, Stack.of(scope).partition)
        super().__init__(scope, id)
        self._alarms = RollbackAlarms(where, self)
        self._alarms.add(alarms)
        #: How requests move to a new version.
        self.shift = shift
        #: The container's log group.
        self.log_group = logs.log_group(f"{id}Service")
        balancing = ServiceLoadBalancer(
            self,
            "Balancing",
            vpc=vpc,
            port=port,
            test_port=test_port,
            health_check_path=health_check_path,
            certificate=certificate,
            internet_facing=internet_facing,
            logs=logs,
            deletion_protection=target.is_production,
        )
        #: The load balancer, its listener, and the two target groups.
        self.load_balancer = balancing.load_balancer
        self.listener = balancing.listener
        self.target_groups = (balancing.blue, balancing.green)
        #: The listener for tests of a new version, or None without `test_port`.
        self.test_listener = balancing.test_listener
        _acknowledge_the_missing_certificate(balancing, certificate, unencrypted_because)
        #: The task definition; its `task_role` is what the container may do.
        self.task_definition = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=cpu,
            memory_limit_mib=memory_mib,
            execution_role=self._execution_role(pulls),
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=architecture or ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        #: The container.
        self.container = self.task_definition.add_container(
            CONTAINER,
            image=ecs.ContainerImage.from_registry(image.uri),
            port_mappings=[ecs.PortMapping(container_port=port)],
            environment=dict(variables) or None,
            secrets=dict(secrets or {}) or None,
            readonly_root_filesystem=read_only,
            logging=ecs.LogDriver.aws_logs(stream_prefix=id, log_group=self.log_group),
        )
        Annotations.of(self.container).acknowledge_warning(
            "@aws-cdk/aws-ecs:ecrImageRequiresPolicy",
            "The execution role has a policy for the one repository of the image.",
        )
        if variables:
            Validations.of(self.task_definition).acknowledge(
                Acknowledgment(
                    id="AwsSolutions-ECS2",
                    reason="The environment holds configuration that is no secret: names that "
                    "look like secrets are refused, and secrets come by reference.",
                )
            )
        #: The cluster.
        self.cluster = cluster or ecs.Cluster(
            self,
            "Cluster",
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENHANCED,
        )
        rolling_back = [
            *load_balancer_alarms(self.load_balancer),
            *target_group_alarms(balancing.blue, thresholds),
            *target_group_alarms(balancing.green, thresholds),
        ]
        self._alarms.add(rolling_back)
        self._alarms.check_time(shift, bake_minutes)
        tasks = ec2.SecurityGroup(
            self, "TasksSecurityGroup", vpc=vpc, description="Asked by the load balancer alone"
        )
        #: The service.
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=self.cluster,
            task_definition=self.task_definition,
            desired_count=desired_count,
            min_healthy_percent=100,
            assign_public_ip=False,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[tasks],
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            deployment_strategy=_STRATEGIES[shift.kind],
            bake_time=Duration.minutes(bake_minutes),
            canary_configuration=_steps(strategy.get("canaryConfiguration"), "canary"),
            linear_configuration=_steps(strategy.get("linearConfiguration"), "step"),
            deployment_alarms=ecs.DeploymentAlarmConfig(
                alarm_names=self._alarms.names, behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM
            ),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        self.service.load_balancer_target(
            container_name=CONTAINER,
            container_port=port,
            alternate_target=ecs.AlternateTarget(
                "Alternate",
                alternate_target_group=balancing.green,
                production_listener=ecs.ListenerRuleConfiguration.application_listener_rule(
                    balancing.rule
                ),
                test_listener=ecs.ListenerRuleConfiguration.application_listener_rule(
                    balancing.test_rule
                )
                if balancing.test_rule
                else None,
                role=balancing.shifting_role(),
            ),
        ).attach_to_application_target_group(balancing.blue)
        #: The ready-made alarms, for `DeploymentHealth`; those of the tasks roll nothing back, as
        #: they depend on the service.
        self.alarms: list[HealthAlarm] = [
            *rolling_back,
            *service_alarms(
                self.service, service_thresholds or ServiceThresholds(running_count=desired_count)
            ),
        ]
        if shift.is_progressive:
            record(self)

    def add_lifecycle_hook(
        self, function: lambda_.IFunction, stages: Iterable[ecs.DeploymentLifecycleStage]
    ) -> None:
        """Call a function at stages of a deployment; it answers `hookStatus`.

        Args:
            function: answers `{"hookStatus": "SUCCEEDED"}`, `"FAILED"` or `"IN_PROGRESS"`.
            stages: at which it is called; at those of test traffic with `test_port` alone.

        Raises:
            InvalidArgumentError: it is no function, there is no stage, or no test traffic.

        Source:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
        """
        where = self._alarms.where
        if not hasattr(function, "function_arn"):
            arguments.instance(where, "function", function, lambda_.Function, "self.check_function")
        chosen = list(stages)
        if not chosen or not all(isinstance(e, ecs.DeploymentLifecycleStage) for e in chosen):
            raise InvalidArgumentError(
                where,
                f"stages={arguments.shown(chosen)} are no stages of a deployment",
                "write it like stages=[ecs.DeploymentLifecycleStage.POST_SCALE_UP]",
            )
        tests = [each.name for each in chosen if each in _OF_TEST_TRAFFIC]
        if tests and self.test_listener is None:
            raise InvalidArgumentError(
                where,
                f"stages has {' and '.join(tests)}, and there is no listener for test traffic",
                "give the service test_port=8443, or choose POST_SCALE_UP",
            )
        role = iam.Role(
            self,
            f"Calls{function.node.id}",
            assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"),
            inline_policies={
                "Calls": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["lambda:InvokeFunction"], resources=[function.function_arn]
                        )
                    ]
                )
            },
        )
        self.service.add_lifecycle_hook(
            ecs.DeploymentLifecycleLambdaTarget(
                function, f"Hook{function.node.id}", lifecycle_stages=chosen, role=role
            )
        )

    def _execution_role(self, pulls: list[dict[str, Any]]) -> iam.Role:
        role = iam.Role(
            self,
            "ExecutionRole",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            inline_policies={"Pulls": iam.PolicyDocument.from_json({"Statement": pulls})},
        )
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="ecr:GetAuthorizationToken has no resources; the images that may be pulled "
                "are those of one repository.",
            )
        )
        return role


def _steps(configuration: Mapping[str, Any] | None, kind: str) -> ecs.TrafficShiftConfig | None:
    if configuration is None:
        return None
    return ecs.TrafficShiftConfig(
        step_percent=configuration[f"{kind}Percent"],
        step_bake_time=Duration.minutes(configuration[f"{kind}BakeTimeInMinutes"]),
    )


def _check_size(where: str, cpu: int, memory_mib: int) -> None:
    if cpu not in _MEMORY_MIB:
        raise InvalidArgumentError(
            where,
            f"cpu={arguments.shown(cpu)} is not one of {', '.join(map(str, _MEMORY_MIB))}",
            "choose one of them for cpu",
        )
    if memory_mib not in _MEMORY_MIB[cpu]:
        allowed = _MEMORY_MIB[cpu]
        raise InvalidArgumentError(
            where,
            f"memory_mib={arguments.shown(memory_mib)} is none that Fargate has for cpu={cpu}: "
            f"{allowed[0]}, {allowed[1]} and so on up to {allowed[-1]}",
            f"write it like memory_mib={allowed[0]}",
        )


def _check_encryption(
    where: str, certificate: acm.ICertificate | None, because: str | None
) -> None:
    if certificate is not None:
        if because is not None:
            raise InvalidArgumentError(
                where,
                "certificate and unencrypted_because are given, and only one of them can be true",
                "leave unencrypted_because out",
            )
        if not hasattr(certificate, "certificate_arn"):
            arguments.instance(
                where, "certificate", certificate, acm.Certificate, "Certificate(self, ...)"
            )
        return
    if not isinstance(because, str) or len(because.strip()) < _SHORTEST_REASON:
        raise InvalidArgumentError(
            where,
            "it has no certificate, so that requests to the load balancer would be readable",
            "give certificate=, or say in unencrypted_because why there is none, in "
            f"{_SHORTEST_REASON} characters or more",
        )


def _check_test_port(where: str, test_port: int | None, of_clients: int) -> None:
    if test_port is None:
        return
    arguments.count(1, 65_535)(where, "test_port", test_port)
    if test_port == of_clients:
        raise InvalidArgumentError(
            where,
            f"test_port={test_port} is the port that clients ask",
            "choose another one, like test_port=8443",
        )


def _bake_minutes(where: str, bake: Duration | None) -> int:
    if bake is None:
        return 10
    return arguments.whole(where, "bake", bake, at_least=0, at_most=_LONGEST_BAKE_MINUTES)


def _acknowledge_the_missing_certificate(
    balancing: ServiceLoadBalancer, certificate: acm.ICertificate | None, because: str | None
) -> None:
    if certificate is None:
        for listener in balancing.listeners:
            Validations.of(listener).acknowledge(
                Acknowledgment(id="AwsSolutions-ELB4", reason=str(because))
            )
