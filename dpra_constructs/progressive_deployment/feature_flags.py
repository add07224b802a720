"""Feature flags whose changes reach a part of the clients at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_appconfig as appconfig
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.progressive_deployment import service_limits
from dpra_constructs.progressive_deployment.deployed_progressively import record
from dpra_constructs.progressive_deployment.flag import Flag, flag_key, flag_set
from dpra_constructs.progressive_deployment.traffic_shift import TrafficShift

# https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_CreateEnvironment.html
_MOST_ALARMS = 5
_LONGEST_BAKE_MINUTES = 1_440
# https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Validator.html
_LONGEST_SCHEMA = 32_768
_FLAGS, _FREEFORM = "AWS.AppConfig.FeatureFlags", "AWS.Freeform"


class FeatureFlags(Construct):
    """Flags or configuration that AWS AppConfig deploys progressively (DPRA-PROD-PROGRESSIVE).

    A change reaches a part of the clients after the other, as `shift` says, while AppConfig
    watches the alarms: when one fires, all clients get the configuration before.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id, 1 to 40 letters, digits and hyphens; the profile's name too.
        target: what the pipeline deploys to, as the application got it.
        shift: how a change reaches the clients: linear or all at once.
        alarms: 1 to 5 that roll a change back, like `health.alarm`.
        flags: feature flags by name; not together with `configuration`.
        configuration: JSON of any form, not together with `flags`; it needs `schema`.
        schema: the JSON schema (draft 4) that every version of `configuration` is checked by.
        bake: how long the alarms are watched after all clients have it, 0 to 1440 whole minutes.
        key: encrypts it; without it one is made.

    Raises:
        InvalidArgumentError: an argument is not one of those, or the shift is a canary or outside
            the limits of AppConfig.

    >>> from aws_cdk import App, Duration, Stack, aws_cloudwatch
    >>> from dpra_constructs import DeploymentTarget
    >>> from dpra_constructs.environments import PipelineIdentity
    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="prod", account="444444444444", region="us-west-2",
    ...     configuration={}, is_production=True)
    >>> stack = Stack(App(), "Api", env=target.env)
    >>> errors = aws_cloudwatch.Metric(namespace="Fruit", metric_name="Errors")
    >>> alarm = errors.create_alarm(stack, "Errors", threshold=1, evaluation_periods=2)
    >>> flags = FeatureFlags(
    ...     stack, "Flags", target=target, alarms=[alarm],
    ...     shift=TrafficShift.linear(20, Duration.minutes(5)),
    ...     flags={"newList": Flag(False, {"rows": 20})})
    >>> flags.strategy.deployment_duration_in_minutes
    25

    Source:
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-deployment-strategy.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        shift: TrafficShift,
        alarms: Iterable[cloudwatch.IAlarm | cloudwatch.CfnAlarm],
        flags: Mapping[str, Flag] | None = None,
        configuration: Mapping[str, Any] | None = None,
        schema: Mapping[str, Any] | None = None,
        bake: Duration | None = None,
        key: kms.IKey | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.name(where, id, "id")
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        arguments.instance(
            where, "shift", shift, TrafficShift, "TrafficShift.linear(20, Duration.minutes(5))"
        )
        watched = _alarms(where, alarms)
        content, validator = _content(where, flags, configuration, schema)
        growth = service_limits.app_config_growth(where, shift)
        bake_minutes = 10
        if bake is not None:
            bake_minutes = arguments.whole(
                where, "bake", bake, at_least=0, at_most=_LONGEST_BAKE_MINUTES
            )
        super().__init__(scope, id)
        name = f"{target.pipeline.name}-{target.environment}"[:64]
        #: How a change reaches the clients.
        self.shift = shift
        #: Encrypts the configuration.
        self.key: kms.IKey = key or kms.Key(
            self,
            "Key",
            description=f"Feature flags of {target.environment} of {target.pipeline.name}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if target.is_production else RemovalPolicy.DESTROY,
        )
        #: The AppConfig application, environment and profile: `ref` of each is its id.
        self.application = appconfig.CfnApplication(self, "Application", name=name)
        role = self._alarm_role()
        self.environment = appconfig.CfnEnvironment(
            self,
            "Environment",
            application_id=self.application.ref,
            name=target.environment,
            monitors=[
                appconfig.CfnEnvironment.MonitorsProperty(
                    alarm_arn=each.attr_arn
                    if isinstance(each, cloudwatch.CfnAlarm)
                    else each.alarm_arn,
                    alarm_role_arn=role.role_arn,
                )
                for each in watched
            ],
        )
        self.profile = appconfig.CfnConfigurationProfile(
            self,
            "Profile",
            application_id=self.application.ref,
            name=id,
            location_uri="hosted",
            type=_FLAGS if flags is not None else _FREEFORM,
            kms_key_identifier=self.key.key_arn,
            validators=[
                appconfig.CfnConfigurationProfile.ValidatorsProperty(
                    type="JSON_SCHEMA", content=validator
                )
            ]
            if validator
            else None,
        )
        self.version = appconfig.CfnHostedConfigurationVersion(
            self,
            "Version",
            application_id=self.application.ref,
            configuration_profile_id=self.profile.ref,
            content=content,
            content_type="application/json",
        )
        self.strategy = appconfig.CfnDeploymentStrategy(
            self,
            "Strategy",
            name=f"{name}-{id}"[:64],
            replicate_to="NONE",
            deployment_duration_in_minutes=growth["deploymentDurationInMinutes"],
            growth_factor=growth["growthFactor"],
            growth_type=growth["growthType"],
            final_bake_time_in_minutes=bake_minutes,
        )
        self.deployment = appconfig.CfnDeployment(
            self,
            "Deployment",
            application_id=self.application.ref,
            environment_id=self.environment.ref,
            configuration_profile_id=self.profile.ref,
            configuration_version=self.version.ref,
            deployment_strategy_id=self.strategy.ref,
            kms_key_identifier=self.key.key_arn,
        )
        if shift.is_progressive:
            record(self)

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a program read the configuration, of this environment alone."""
        self.key.grant(grantee, "kms:Decrypt")
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
            resource_arns=[
                Stack.of(self).format_arn(
                    service="appconfig",
                    resource="application",
                    resource_name=f"{self.application.ref}/environment/{self.environment.ref}"
                    f"/configuration/{self.profile.ref}",
                )
            ],
        )

    def _alarm_role(self) -> iam.Role:
        stack = Stack.of(self)
        role = iam.Role(
            self,
            "AlarmRole",
            assumed_by=iam.ServicePrincipal(
                "appconfig.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
            description="Lets AWS AppConfig read the alarms that roll a change back",
            inline_policies={
                "Reads": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["cloudwatch:DescribeAlarms"],
                            resources=["*"],
                            conditions={"StringEquals": {"aws:RequestedRegion": stack.region}},
                        )
                    ]
                )
            },
        )
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="CloudWatch returns composite alarms, like that of DeploymentHealth, only "
                "to permissions on *; the action only reads alarms, and those of this region alone",
            )
        )
        return role


def _alarms(where: str, given: object) -> tuple[cloudwatch.IAlarm | cloudwatch.CfnAlarm, ...]:
    alarms = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if not 1 <= len(alarms) <= _MOST_ALARMS or not all(
        isinstance(each, cloudwatch.CfnAlarm) or hasattr(each, "alarm_arn") for each in alarms
    ):
        raise InvalidArgumentError(
            where,
            f"alarms={arguments.shown(given)} is not a sequence of 1 to {_MOST_ALARMS} alarms, "
            "which AppConfig takes",
            "write it like alarms=[health.alarm]",
        )
    return alarms


def _content(
    where: str,
    flags: Mapping[str, Flag] | None,
    configuration: Mapping[str, Any] | None,
    schema: Mapping[str, Any] | None,
) -> tuple[str, str | None]:
    """Return the content of the version, and the schema that it is checked by."""
    if (flags is None) == (configuration is None):
        raise InvalidArgumentError(
            where,
            "it has flags and configuration, or neither",
            "give flags={...}, or configuration={...} with its schema",
        )
    if flags is not None:
        if schema is not None:
            raise InvalidArgumentError(
                where,
                "schema is given with flags, which AppConfig checks by its own",
                "leave it out",
            )
        if not isinstance(flags, Mapping) or not flags:
            raise InvalidArgumentError(
                where,
                f"flags={arguments.shown(flags)} is not a mapping of names to flags",
                'write it like flags={"newList": Flag(False)}',
            )
        for name, flag in flags.items():
            flag_key(where, "flags", name)
            arguments.instance(where, f"flags[{name!r}]", flag, Flag, "Flag(False)")
        return json.dumps(flag_set(flags), sort_keys=True), None
    if not isinstance(schema, Mapping) or not schema:
        raise InvalidArgumentError(
            where,
            f"schema={arguments.shown(schema)} is not a JSON schema, by which configuration is "
            "checked before any client gets it",
            'write it like schema={"type": "object", "required": ["rows"]}',
        )
    text = _json(where, "schema", schema)
    if len(text) > _LONGEST_SCHEMA:
        raise InvalidArgumentError(
            where,
            f"schema has {len(text)} characters, and AppConfig takes {_LONGEST_SCHEMA}",
            "shorten it, or split the configuration into several",
        )
    return _json(where, "configuration", configuration), text


def _json(where: str, argument: str, value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            where, f"{argument} cannot be written as JSON: {error}", "write it as JSON has it"
        ) from None
