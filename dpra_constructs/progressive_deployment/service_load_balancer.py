"""The load balancer of a service: two target groups, and rules by which ECS shifts traffic."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from dpra_constructs.monitoring import ApplicationLogs


def listener_port(certificate: acm.ICertificate | None) -> int:
    """Return the port that clients ask."""
    return 443 if certificate else 80


class ServiceLoadBalancer(Construct):
    """An application load balancer with the groups `blue` and `green`.

    The one of them that has the traffic changes with every deployment: ECS writes the weights of
    the rule, and of the one of the test listener.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        port: int,
        test_port: int | None,
        health_check_path: str,
        certificate: acm.ICertificate | None,
        internet_facing: bool,
        logs: ApplicationLogs,
        deletion_protection: bool,
    ) -> None:
        super().__init__(scope, id)
        self._certificate = certificate
        security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Asked by clients, asks the tasks",
            allow_all_outbound=False,
        )
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            vpc=vpc,
            internet_facing=internet_facing,
            security_group=security_group,
            drop_invalid_header_fields=True,
            deletion_protection=deletion_protection,
        )
        logs.access_log_of_load_balancer(self.load_balancer)
        self.blue = self._target_group("Blue", vpc, port, health_check_path)
        self.green = self._target_group("Green", vpc, port, health_check_path)
        self.listener = self._listener("Listener", listener_port(certificate), internet_facing)
        if internet_facing:
            Validations.of(security_group).acknowledge(
                Acknowledgment(
                    id="AwsSolutions-EC23",
                    reason="internet_facing=True: everybody may ask the load balancer, at the port "
                    "of its listener alone; the tasks are asked by the load balancer alone.",
                )
            )
        self.rule = self._rule("Production", self.listener)
        self.test_listener, self.test_rule = None, None
        if test_port is not None:
            # Open to nobody: who may test, the team lets in.
            self.test_listener = self._listener("TestListener", test_port, False)
            self.test_rule = self._rule("Test", self.test_listener)

    @property
    def listeners(self) -> list[elbv2.ApplicationListener]:
        """All listeners."""
        return [each for each in (self.listener, self.test_listener) if each]

    def shifting_role(self) -> iam.Role:
        """Make the role by which ECS registers tasks, and writes the weights of the rule.

        Source:
        https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
        """
        rules = [each for each in (self.rule, self.test_rule) if each]
        role = iam.Role(
            self,
            "ShiftingRole",
            assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"),
            description="Lets Amazon ECS shift traffic between two target groups",
            inline_policies={
                "Shifts": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=[
                                "elasticloadbalancing:DescribeListeners",
                                "elasticloadbalancing:DescribeRules",
                                "elasticloadbalancing:DescribeTargetGroups",
                                "elasticloadbalancing:DescribeTargetHealth",
                            ],
                            resources=["*"],
                        ),
                        iam.PolicyStatement(
                            actions=[
                                "elasticloadbalancing:DeregisterTargets",
                                "elasticloadbalancing:RegisterTargets",
                            ],
                            resources=[self.blue.target_group_arn, self.green.target_group_arn],
                        ),
                        iam.PolicyStatement(
                            actions=["elasticloadbalancing:ModifyListener"],
                            resources=[each.listener_arn for each in self.listeners],
                        ),
                        iam.PolicyStatement(
                            actions=["elasticloadbalancing:ModifyRule"],
                            resources=[each.listener_rule_arn for each in rules],
                        ),
                    ]
                )
            },
        )
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="Elastic Load Balancing describes its resources only to permissions on *; "
                "what changes them names each resource.",
            )
        )
        return role

    def _listener(self, id: str, port: int, open_to_all: bool) -> elbv2.ApplicationListener:
        certificate = self._certificate
        return elbv2.ApplicationListener(
            self,
            id,
            load_balancer=self.load_balancer,
            port=port,
            protocol=elbv2.ApplicationProtocol.HTTPS
            if certificate
            else elbv2.ApplicationProtocol.HTTP,
            certificates=[certificate] if certificate else None,
            ssl_policy=elbv2.SslPolicy.TLS13_12_EXT2_PQ if certificate else None,
            open=open_to_all,
            default_action=elbv2.ListenerAction.fixed_response(404),
        )

    def _rule(self, id: str, listener: elbv2.ApplicationListener) -> elbv2.ApplicationListenerRule:
        return elbv2.ApplicationListenerRule(
            self,
            id,
            listener=listener,
            priority=1,
            conditions=[elbv2.ListenerCondition.path_patterns(["/*"])],
            action=elbv2.ListenerAction.weighted_forward(
                [
                    elbv2.WeightedTargetGroup(target_group=self.blue, weight=1),
                    elbv2.WeightedTargetGroup(target_group=self.green, weight=0),
                ]
            ),
        )

    def _target_group(
        self, id: str, vpc: ec2.IVpc, port: int, health_check_path: str
    ) -> elbv2.ApplicationTargetGroup:
        return elbv2.ApplicationTargetGroup(
            self,
            id,
            vpc=vpc,
            port=port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.IP,
            deregistration_delay=Duration.seconds(30),
            health_check=elbv2.HealthCheck(
                path=health_check_path,
                healthy_http_codes="200",
                interval=Duration.seconds(15),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )
