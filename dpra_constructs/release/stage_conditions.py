"""Conditions of pipeline stages: what has to hold to enter one, or after it.

CodePipeline takes at most one condition of each kind for a stage, with up to five rules that all
have to hold. Pipelines of type V2 alone have them. Pure; `properties` are those of CloudFormation.
Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works-conditions.html
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.deployment_window import DeploymentWindow

MOST_RULES = 5
RESULTS = {
    "BeforeEntry": ("FAIL", "SKIP"),
    "OnSuccess": ("ROLLBACK", "FAIL"),
    "OnFailure": ("ROLLBACK", "RETRY"),
}
#: Rules that an entry condition with the result SKIP takes.
SKIP_RULES = ("LambdaInvoke", "VariableCheck")
RETRY_MODES = ("FAILED_ACTIONS", "ALL_ACTIONS")
MOST_COMMANDS = 50
LONGEST_COMMAND = 1_000
LONGEST_VALUE = 10_000
ALARM_STATES = ("ALARM", "INSUFFICIENT_DATA", "OK")
OPERATORS = ("CONTAINS", "EQ", "MATCHES", "NE")
_RULE_NAME = r"[A-Za-z0-9.@_-]{1,100}"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,254}")
_VARIABLE = re.compile(r"#\{[A-Za-z0-9@_-]+\.[A-Za-z0-9@_.-]+\}")
# A bake of its own is an action; a rule of the service has no timeout that could be set.
_LONGEST_WAIT_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Rule(ABC):
    """What a condition checks; use `LambdaInvoke`, `VariableCheck` and the others.

    Args:
        name: 1 to 100 letters, digits and `. @ _ -`, only once in the pipeline.
        region: where the rule's resource is; without it the pipeline's.
        role_arn: the role that the check runs with; without it the pipeline's, which then gets
            the rule's permissions.
        input_artifacts: names of the pipeline's artifacts that the check reads.
    """

    PROVIDER: ClassVar[str]

    name: str
    _: KW_ONLY
    region: str | None = None
    role_arn: str | None = None
    input_artifacts: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        where = self.where
        if not isinstance(self.name, str) or not re.fullmatch(_RULE_NAME, self.name):
            raise InvalidArgumentError(
                where,
                f"name={arguments.shown(self.name)} is not the name of a rule: 1 to 100 of A-Z a-z "
                "0-9 . @ _ -",
                'write it like "Healthy"',
            )
        if self.region is not None:
            arguments.region(where, self.region)
        if self.role_arn is not None and not _ROLE_ARN.fullmatch(str(self.role_arn)):
            raise InvalidArgumentError(
                where,
                f"role_arn={arguments.shown(self.role_arn)} is not the ARN of a role",
                "write it like arn:aws:iam::ACCOUNT:role/NAME",
            )
        artifacts = arguments.texts(where, "input_artifacts", self.input_artifacts)
        object.__setattr__(self, "input_artifacts", artifacts)
        self.check()

    @property
    def where(self) -> str:
        """How messages name it."""
        return f'{type(self).__name__} "{self.name}"'

    @abstractmethod
    def check(self) -> None:
        """Refuse what the rule of the service does not take."""

    @property
    @abstractmethod
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""

    @property
    def commands(self) -> tuple[str, ...]:
        """What the rule runs."""
        return ()

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs, in a pipeline of that name."""
        return ()

    def permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the pipeline's role needs for it, and no more."""
        if self.role_arn is not None:
            return (Permission(actions=["sts:AssumeRole"], resources=[self.role_arn]),)
        return self.own_permissions(pipeline)

    @property
    def place(self) -> str:
        """Region and account in an ARN of the rule's resource."""
        return f"{self.region or '{region}'}:{{account}}"

    @property
    def properties(self) -> dict[str, Any]:
        """The rule as CloudFormation's RuleDeclaration."""
        rendered = {
            "Name": self.name,
            "RuleTypeId": {
                "Category": "Rule",
                "Owner": "AWS",
                "Provider": self.PROVIDER,
                "Version": "1",
            },
            "Configuration": dict(self.configuration),
            "Commands": list(self.commands),
            "InputArtifacts": [{"Name": artifact} for artifact in self.input_artifacts],
            "Region": self.region,
            "RoleArn": self.role_arn,
        }
        return {key: value for key, value in rendered.items() if value}


@dataclass(frozen=True, slots=True)
class LambdaInvoke(Rule):
    """A Lambda function decides.

    Args:
        function: its name, in the pipeline's account.
        user_parameters: text that the function is given, up to 10,000 characters.

    >>> LambdaInvoke("Calendar", function="fruit-calendar").properties["Configuration"]
    {'FunctionName': 'fruit-calendar'}
    """

    PROVIDER: ClassVar[str] = "LambdaInvoke"

    _: KW_ONLY
    function: str
    user_parameters: str | None = None

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        _matching(self.where, "function", self.function, _FUNCTION, "a Lambda function's name")
        if self.user_parameters is not None:
            _short(self.where, "user_parameters", self.user_parameters)

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        given = {"FunctionName": self.function}
        if self.user_parameters is not None:
            given["UserParameters"] = self.user_parameters
        return given

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs."""
        function = f"arn:{{partition}}:lambda:{self.place}:function:{self.function}"
        return (Permission(actions=["lambda:InvokeFunction"], resources=[function]),)


@dataclass(frozen=True, slots=True)
class VariableCheck(Rule):
    """A variable of the pipeline or of an action has, or has not, a value.

    Args:
        variable: like `#{SourceVariables.BranchName}`.
        value: a text, or with MATCHES a regular expression of Java.
        operator: EQ, NE, CONTAINS or MATCHES.

    >>> VariableCheck("Trunk", variable="#{Source.BranchName}", value="main").properties["Name"]
    'Trunk'
    """

    PROVIDER: ClassVar[str] = "VariableCheck"

    _: KW_ONLY
    variable: str
    value: str
    operator: str = "EQ"

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        _matching(
            self.where, "variable", self.variable, _VARIABLE, "a variable like #{Source.BranchName}"
        )
        _short(self.where, "value", self.value)
        arguments.one_of(self.where, "operator", self.operator, OPERATORS)

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        return {"Variable": self.variable, "Value": self.value, "Operator": self.operator}


@dataclass(frozen=True, slots=True)
class CodeBuild(Rule):
    """A build succeeds.

    Args:
        project: the CodeBuild project's name.
        environment: environment variables as text; no secrets, as they stand in the template.
        primary_source: the input artifact with the buildspec, where there are several.

    >>> CodeBuild("Licences", project="licences", input_artifacts=["Source"]).configuration
    {'ProjectName': 'licences'}
    """

    PROVIDER: ClassVar[str] = "CodeBuild"

    _: KW_ONLY
    project: str
    environment: Mapping[str, str] = field(default_factory=dict)
    primary_source: str | None = None

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        _matching(self.where, "project", self.project, _PROJECT, "a CodeBuild project's name")
        environment = arguments.plain(self.where, "environment", self.environment)
        object.__setattr__(self, "environment", environment)
        if len(self.input_artifacts) > 1 and self.primary_source is None:
            raise InvalidArgumentError(
                self.where,
                f"it has {len(self.input_artifacts)} input_artifacts, and no primary_source",
                f'say which has the buildspec, like primary_source="{self.input_artifacts[0]}"',
            )
        if self.primary_source is not None and self.primary_source not in self.input_artifacts:
            raise InvalidArgumentError(
                self.where,
                f"primary_source={self.primary_source!r} is none of its input_artifacts",
                "add it to input_artifacts",
            )

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        given = {"ProjectName": self.project}
        if self.primary_source is not None:
            given["PrimarySource"] = self.primary_source
        if self.environment:
            given["EnvironmentVariables"] = json.dumps(
                [
                    {"name": name, "value": value, "type": "PLAINTEXT"}
                    for name, value in self.environment.items()
                ]
            )
        return given

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs."""
        project = f"arn:{{partition}}:codebuild:{self.place}:project/{self.project}"
        return (
            Permission(
                actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild"], resources=[project]
            ),
        )


@dataclass(frozen=True, slots=True)
class Commands(Rule):
    """Commands succeed, in a build environment that CodePipeline starts.

    Args:
        run: 1 to 50 commands, each of one line and up to 1,000 characters.

    >>> Commands("Ready", run=["./ready.sh"], input_artifacts=["Source"]).properties["Commands"]
    ['./ready.sh']
    """

    PROVIDER: ClassVar[str] = "Commands"

    _: KW_ONLY
    run: Sequence[str]

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        run = arguments.some_texts(self.where, "run", self.run)
        object.__setattr__(self, "run", run)
        if len(run) > MOST_COMMANDS:
            raise InvalidArgumentError(
                self.where,
                f"run has {len(run)} commands, and the rule takes {MOST_COMMANDS}",
                "put them into a script",
            )
        for each in run:
            if "\n" in each or len(each) > LONGEST_COMMAND:
                raise InvalidArgumentError(
                    self.where,
                    f"run has {arguments.shown(each)}, which is more than one line of "
                    f"{LONGEST_COMMAND} characters",
                    "put it into a script",
                )

    @property
    def commands(self) -> tuple[str, ...]:
        """What the rule runs."""
        return tuple(self.run)

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        return {}

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs: to write its log."""
        group = f"arn:{{partition}}:logs:{self.place}:log-group:/aws/codepipeline/{pipeline}"
        return (
            Permission(
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[group, f"{group}:*"],
                reason="CodePipeline names the log streams of a Commands rule when it runs",
            ),
        )


@dataclass(frozen=True, slots=True)
class CloudWatchAlarm(Rule):
    """An alarm is in one of some states. The bake of a deployment is not this: see `Wave`.

    Args:
        alarm: its name.
        states: ALARM, OK, INSUFFICIENT_DATA; without them as the service has it for the kind of
            condition.
        wait_minutes: how long it may take to reach one of them, up to a day; without it not at
            all.
        composite: whether it is a composite alarm, for which the permission has no narrower
            resource.

    >>> CloudWatchAlarm("Calm", alarm="db-load", states=["OK"], wait_minutes=5).configuration
    {'AlarmName': 'db-load', 'AlarmStates': 'OK', 'WaitTime': '5'}
    """

    PROVIDER: ClassVar[str] = "CloudWatchAlarm"

    _: KW_ONLY
    alarm: str
    states: Sequence[str] = ()
    wait_minutes: int | None = None
    composite: bool = False

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        alarm = arguments.text(self.where, "alarm", self.alarm)
        if len(alarm) > 255:
            raise InvalidArgumentError(
                self.where,
                f"alarm has {len(alarm)} characters, and a name has at most 255",
                "give the alarm's name",
            )
        states = arguments.texts(self.where, "states", self.states)
        for state in states:
            arguments.one_of(self.where, "states", state, ALARM_STATES)
        arguments.unique(self.where, "states", states)
        object.__setattr__(self, "states", states)
        check = arguments.optional(arguments.count(1, _LONGEST_WAIT_MINUTES))
        check(self.where, "wait_minutes", self.wait_minutes)
        arguments.flag(self.where, "composite", self.composite)

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        given = {"AlarmName": self.alarm}
        if self.states:
            given["AlarmStates"] = ",".join(self.states)
        if self.wait_minutes is not None:
            given["WaitTime"] = str(self.wait_minutes)
        return given

    def own_permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the check itself needs."""
        if self.composite:
            return (
                Permission(
                    actions=["cloudwatch:DescribeAlarms"],
                    resources=["*"],
                    reason="CloudWatch returns composite alarms only to permissions that are "
                    "scoped to *; the action only reads alarms",
                ),
            )
        alarm = f"arn:{{partition}}:cloudwatch:{self.place}:alarm:{self.alarm}"
        return (Permission(actions=["cloudwatch:DescribeAlarms"], resources=[alarm]),)


@dataclass(frozen=True, slots=True)
class OpenWindow(Rule):
    """The deployment window is open; waits until it is.

    Args:
        window: the days and hours.

    >>> window = DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin")
    >>> OpenWindow("Window", window=window).configuration
    {'Cron': '* * 9-15 ? * MON-THU', 'TimeZone': 'Europe/Berlin'}
    """

    PROVIDER: ClassVar[str] = "DeploymentWindow"

    _: KW_ONLY
    window: DeploymentWindow

    def check(self) -> None:
        """Refuse what the rule of the service does not take."""
        arguments.instance(
            self.where, "window", self.window, DeploymentWindow, "DeploymentWindow(...)"
        )

    @property
    def configuration(self) -> Mapping[str, str]:
        """What the rule of the service is told."""
        return {"Cron": self.window.expression, "TimeZone": self.window.time_zone}


@dataclass(frozen=True, slots=True)
class StageCondition(ABC):
    """Rules that all have to hold; use `EntryCondition`, `SuccessCondition`, `FailureCondition`."""

    KIND: ClassVar[str]

    rules: Sequence[Rule]
    _: KW_ONLY
    result: str = ""

    def __post_init__(self) -> None:
        """Check the values and freeze the rules."""
        where = type(self).__name__
        object.__setattr__(self, "result", self.result or RESULTS[self.KIND][0])
        arguments.one_of(where, "result", self.result, RESULTS[self.KIND])
        if isinstance(self.rules, str) or not isinstance(self.rules, Sequence):
            raise InvalidArgumentError(
                where,
                f"rules={arguments.shown(self.rules)} is no sequence of rules",
                'write it like rules=[LambdaInvoke("Ready", function="ready")]',
            )
        for rule in self.rules:
            arguments.instance(where, "rules", rule, Rule, 'LambdaInvoke("Ready", function="f")')
        object.__setattr__(self, "rules", tuple(self.rules))
        self.check(where)

    def check(self, where: str) -> None:
        """Refuse numbers and kinds of rules that the service does not take."""
        if not 1 <= len(self.rules) <= MOST_RULES:
            raise InvalidArgumentError(
                where,
                f"it has {len(self.rules)} rules, and CodePipeline takes 1 to {MOST_RULES}",
                "check several things in one function",
            )
        arguments.unique(where, "the names of rules", [rule.name for rule in self.rules])

    @property
    def properties(self) -> dict[str, Any]:
        """The stage's property of CloudFormation that is named by `KIND`."""
        return _properties(self.result, self.rules)

    def permissions(self, pipeline: str) -> tuple[Permission, ...]:
        """Return what the pipeline's role needs, and no more."""
        return tuple(
            dict.fromkeys(each for rule in self.rules for each in rule.permissions(pipeline))
        )


@dataclass(frozen=True, slots=True)
class EntryCondition(StageCondition):
    """What has to hold before a stage begins; never for a stage that rolls back.

    Args:
        rules: 1 to 5 rules.
        result: what happens otherwise: FAIL, or SKIP with `LambdaInvoke` and `VariableCheck`
            alone.

    >>> EntryCondition([Commands("Ready", run=["./ready.sh"])]).result
    'FAIL'
    """

    KIND: ClassVar[str] = "BeforeEntry"

    def check(self, where: str) -> None:
        """Refuse rules with which the service does not skip."""
        # Not super(): dataclasses with slots are made anew, and it would be of the first one.
        StageCondition.check(self, where)
        other = [rule.name for rule in self.rules if rule.PROVIDER not in SKIP_RULES]
        if self.result == "SKIP" and other:
            raise InvalidArgumentError(
                where,
                f"result=SKIP with {', '.join(other)}, and CodePipeline skips by "
                f"{' and '.join(SKIP_RULES)} alone",
                'let a function decide, or use result="FAIL"',
            )


@dataclass(frozen=True, slots=True)
class SuccessCondition(StageCondition):
    """What has to hold after a stage has succeeded.

    Args:
        rules: 1 to 5 rules.
        result: what happens otherwise: ROLLBACK or FAIL.

    >>> SuccessCondition([CloudWatchAlarm("Calm", alarm="db-load")]).result
    'ROLLBACK'
    """

    KIND: ClassVar[str] = "OnSuccess"


@dataclass(frozen=True, slots=True)
class FailureCondition(StageCondition):
    """What happens when a stage fails.

    Args:
        rules: up to 5 rules; without any the result holds for every failure.
        result: ROLLBACK, or RETRY without rules.
        retry_mode: for RETRY, FAILED_ACTIONS or ALL_ACTIONS.

    >>> FailureCondition().properties
    {'Result': 'ROLLBACK'}
    """

    KIND: ClassVar[str] = "OnFailure"

    rules: Sequence[Rule] = ()
    _: KW_ONLY
    retry_mode: str | None = None

    def check(self, where: str) -> None:
        """Refuse what excludes each other."""
        if self.rules:
            StageCondition.check(self, where)
        if self.result != "RETRY":
            if self.retry_mode is not None:
                raise InvalidArgumentError(
                    where,
                    f"retry_mode={self.retry_mode!r} is given, and the result is {self.result}",
                    'leave it out, or use result="RETRY"',
                )
            return
        if self.rules:
            raise InvalidArgumentError(
                where,
                "result=RETRY with rules, and CodePipeline retries without conditions alone",
                "leave the rules out",
            )
        arguments.one_of(where, "retry_mode", self.retry_mode or RETRY_MODES[0], RETRY_MODES)

    @property
    def properties(self) -> dict[str, Any]:
        """The stage's property `OnFailure` of CloudFormation."""
        if self.result == "RETRY":
            mode = self.retry_mode or RETRY_MODES[0]
            return {"Result": "RETRY", "RetryConfiguration": {"RetryMode": mode}}
        if not self.rules:
            return {"Result": self.result}
        return _properties(self.result, self.rules)


def _properties(result: str, rules: Sequence[Rule]) -> dict[str, Any]:
    return {"Conditions": [{"Result": result, "Rules": [rule.properties for rule in rules]}]}


def _matching(
    where: str, argument: str, value: object, pattern: re.Pattern[str], what: str
) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidArgumentError(
            where, f"{argument}={arguments.shown(value)} is not {what}", f"correct {argument}"
        )


def _short(where: str, argument: str, value: object) -> None:
    text = arguments.text(where, argument, value)
    if len(text) > LONGEST_VALUE:
        raise InvalidArgumentError(
            where,
            f"{argument} has {len(text)} characters, and CodePipeline takes {LONGEST_VALUE}",
            "shorten it",
        )
