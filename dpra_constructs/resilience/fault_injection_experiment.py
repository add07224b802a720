"""An experiment of AWS FIS in a deployed target, which the pipeline may start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Acknowledgment, CfnOutput, Stack, Stage, Token, Validations
from aws_cdk import aws_fis as fis
from aws_cdk import aws_iam as iam
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring import DeploymentHealth
from dpra_constructs.release.runtime import names
from dpra_constructs.target_constructs import first_of_target, role_of_pipeline

_SERVICE = "fis.amazonaws.com"
_OF_STAGE = "_dpra_fault_injection_experiments"


class FaultInjectionExperiment(Construct):
    """A fault that `FaultInjection` injects while gamma is tested (DPRA-GAMMA-RESILIENCE).

    An experiment template of AWS FIS, whose stop condition is the alarm of the target's
    `DeploymentHealth`, and a role through which the pipeline may start it, follow it, stop it and
    read the alarm. All experiments of a target share the role, and stand in one stack.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id, by which `FaultInjection` names it: 1 to 40 letters, digits and
            hyphens.
        target: what the pipeline deploys to, as the application got it.
        health: the health of the target.
        role: what AWS FIS may do; it trusts `fis.amazonaws.com`.
        actions: what AWS FIS does, as `aws_fis.CfnExperimentTemplate` takes it.
        targets: what it does it to, as `aws_fis.CfnExperimentTemplate` takes it.
        description: what the experiment shows.
        log_configuration: where AWS FIS logs, as `aws_fis.CfnExperimentTemplate` takes it.

    Raises:
        InvalidArgumentError: an argument is not one of those, the health is that of another
            target, or another experiment of the target has the id or stands in another stack.

    Source: https://docs.aws.amazon.com/fis/latest/userguide/experiment-templates.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        health: DeploymentHealth,
        role: iam.IRole,
        actions: Mapping[str, Any],
        targets: Mapping[str, Any] | None = None,
        description: str = "",
        log_configuration: Any = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.name(where, id, "id")
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        arguments.instance(
            where, "health", health, DeploymentHealth, 'DeploymentHealth(self, "Health", ...)'
        )
        if health.target != target:
            raise InvalidArgumentError(
                where,
                f"health is that of {health.target.stage_id}, and its target is {target.stage_id}",
                "give the DeploymentHealth of the same application",
            )
        if not hasattr(role, "role_arn"):
            raise InvalidArgumentError(
                where,
                f"role={arguments.shown(role)} is no role",
                'write it like role=iam.Role(self, "Faults", '
                'assumed_by=iam.ServicePrincipal("fis.amazonaws.com"))',
            )
        if not isinstance(actions, Mapping) or not actions:
            raise InvalidArgumentError(
                where,
                f"actions={arguments.shown(actions)} is not a mapping with at least one action",
                'write it like actions={"wait": {"actionId": "aws:fis:wait", '
                '"parameters": {"duration": "PT5M"}}}',
            )
        stage, stack = Stage.of(scope), Stack.of(scope)
        others = self.of(stage)
        first = first_of_target(where, id, stack, others, "experiments of a target")
        super().__init__(scope, id)
        setattr(stage, _OF_STAGE, {**others, id: self})
        #: The target whose experiment this is.
        self.target = target
        #: The template of AWS FIS.
        self.template = fis.CfnExperimentTemplate(
            self,
            "Template",
            description=description or f"{id} of {target.pipeline.name}",
            role_arn=role.role_arn,
            stop_conditions=[{"source": "aws:cloudwatch:alarm", "value": health.alarm.alarm_arn}],
            actions=dict(actions),
            targets=dict(targets or {}),
            log_configuration=log_configuration,
            tags={"Name": f"{target.stage_id}-{id}"},
        )
        #: The id of the output that gives the template's id to the pipeline.
        self.output_id = f"{id}TemplateId"
        CfnOutput(self, self.output_id, value=self.template.ref)
        #: The role through which the pipeline starts the experiments of the target.
        self.starter_role: iam.Role = first.starter_role if first else self._starter_role(stack)
        self.starter_role.add_to_policy(
            iam.PolicyStatement(
                actions=["fis:StartExperiment"],
                resources=[
                    stack.format_arn(
                        service="fis",
                        resource="experiment-template",
                        resource_name=self.template.ref,
                    )
                ],
            )
        )

    def _starter_role(self, stack: Stack) -> iam.Role:
        target = self.target
        pipeline = target.pipeline
        place = (pipeline.name, target.environment, target.region)
        experiments = stack.format_arn(service="fis", resource="experiment", resource_name="*")
        service_role = f"aws-service-role/{_SERVICE}/AWSServiceRoleForFIS"
        role = iam.Role(
            self,
            "StarterRole",
            role_name=names.experiment_role_name(*place),
            description=f"Lets the pipeline {pipeline.name} start its experiments",
            assumed_by=role_of_pipeline(stack.partition, target, names.injection_role_name(*place)),
            inline_policies={
                "Follow": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=[
                                "fis:StartExperiment",
                                "fis:GetExperiment",
                                "fis:StopExperiment",
                            ],
                            resources=[experiments],
                        ),
                        # AWS FIS makes its role in an account with the first experiment.
                        iam.PolicyStatement(
                            actions=["iam:CreateServiceLinkedRole"],
                            resources=[
                                stack.format_arn(
                                    service="iam",
                                    region="",
                                    resource="role",
                                    resource_name=service_role,
                                )
                            ],
                            conditions={
                                "StringEquals": {"iam:AWSServiceName": "fis.amazonaws.com"}
                            },
                        ),
                        iam.PolicyStatement(
                            actions=["cloudwatch:DescribeAlarms"],
                            resources=["*"],
                            conditions={"StringEquals": {"aws:RequestedRegion": target.region}},
                        ),
                    ]
                )
            },
        )
        # As cdk-nag shows it: a literal by a feature flag, else a reference.
        partition = stack.partition
        shown = "<AWS::Partition>" if Token.is_unresolved(partition) else partition
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="CloudWatch returns composite alarms only to permissions that are scoped "
                "to *; the action only reads alarms",
            ),
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::arn:{shown}:fis:"
                f"{target.region}:{target.account}:experiment/*]",
                reason="AWS FIS makes the id of an experiment when it starts; the templates from "
                "which one may be started are named one by one",
            ),
        )
        return role

    @staticmethod
    def of(stage: Stage | None) -> Mapping[str, FaultInjectionExperiment]:
        """Return the experiments of a `cdk.Stage`, by their ids."""
        found: Mapping[str, FaultInjectionExperiment] = getattr(stage, _OF_STAGE, {})
        return found
