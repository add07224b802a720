"""One tool that runs in the build stage, as a value that every reader shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from dpra_constructs import arguments
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.secret_reference import (
    SecretsManagerSecret,
    SecureParameter,
    secret,
)
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.requirements import Requirement

# https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, reports/file-format
_TEST_FORMATS = frozenset(
    {
        "CUCUMBERJSON",
        "JUNITXML",
        "NUNIT3XML",
        "NUNITXML",
        "TESTNGXML",
        "VISUALSTUDIOTRX",
    }
)
_COVERAGE_FORMATS = frozenset({"CLOVERXML", "COBERTURAXML", "JACOCOXML", "SIMPLECOV"})


@dataclass(frozen=True, slots=True)
class Report:
    """Test or coverage results that a tool writes, published to a CodeBuild report group.

    Args:
        name: part of the report group's name; 1 to 40 letters, digits and hyphens.
        files: paths or glob patterns of the result files.
        format: for tests CUCUMBERJSON, JUNITXML, NUNITXML, NUNIT3XML, TESTNGXML or
            VISUALSTUDIOTRX; for coverage CLOVERXML, COBERTURAXML, JACOCOXML or SIMPLECOV.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> Report("unit-tests", ["reports/junit.xml"]).is_coverage
    False
    """

    name: str
    files: Sequence[str]
    _: KW_ONLY
    format: str = "JUNITXML"

    def __post_init__(self) -> None:
        """Check the values and freeze the files."""
        where = f'Report "{self.name}"'
        arguments.name(where, self.name)
        files = arguments.texts(where, "files", self.files)
        for path in files:
            arguments.relative_path(where, "files", path)
        if not files:
            raise InvalidArgumentError(
                where, "files is empty", 'name the result files, like ["reports/junit.xml"]'
            )
        object.__setattr__(self, "files", files)
        arguments.one_of(where, "format", self.format, _TEST_FORMATS | _COVERAGE_FORMATS)

    @property
    def is_coverage(self) -> bool:
        """Whether these are coverage results rather than test results."""
        return self.format in _COVERAGE_FORMATS


@runtime_checkable
class ToBuildAction(Protocol):
    """What `BuildStage(actions=)` takes: anything that can say which `BuildAction` it is.

    A `BuildAction` is one itself; a typed action of your own needs this one method.
    """

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        ...


@dataclass(frozen=True, slots=True)
class BuildAction:
    """Any tool, run in the build stage beside the others, on a full clone of the commit.

    Each command is one line of the shell or several; the first that fails, fails the action.

    Args:
        name: the action's name in the pipeline; 1 to 40 letters, digits and hyphens.
        commands: what to run, at least one.
        install: what to run before, to install the tool in a pinned version.
        environment: environment variables as text. They stand in the template, so names that
            say that the value is a secret, like `SONAR_TOKEN`, are refused.
        secrets: environment variables whose values the build gets when it starts, each a
            `SecretsManagerSecret` or `SecureParameter`.
        reports: results to publish.
        outputs: directories that the commands make, by a name for each: `{"dist": "dist"}`.
            The synth action finds each in the same place, so that the application is packaged
            from what was built (DPRA-BUILD-PACKAGE).
        inputs: names of outputs of other build actions; this one runs after those, and finds each
            in the directory in which it was made.
        runtime_versions: of the build image, like `{"python": "3.14"}`; without it the image's
            own default.
        meets: the requirements of the DPRA that hold because of this action.
        permissions: what its role may do beyond reading the source and writing results.
        project: where it runs; without it as the `BuildStage` says.
        publishes: whether it writes to a place that others read, like a registry; such an action
            runs in the pipeline alone, not in `dpra build`, and not for pull requests.
        pushes: the repositories of Amazon ECR that it pushes images to, in the pipeline's account
            and region, each with the name of the profile of AWS Signer that they are signed with,
            or None. What it writes into an output as `image.json` is sealed, and verified there
            before each deployment.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> BuildAction("Licences", commands=["./check-licences.sh"]).name
    'Licences'
    """

    name: str
    _: KW_ONLY
    commands: Sequence[str]
    install: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretsManagerSecret | SecureParameter] = field(default_factory=dict)
    reports: Sequence[Report] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[str] = ()
    runtime_versions: Mapping[str, str] = field(default_factory=dict)
    meets: Sequence[Requirement] = ()
    permissions: Sequence[Permission] = ()
    project: CodeBuildProject | None = None
    publishes: bool = False
    pushes: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        where = f'BuildAction "{self.name}"'
        arguments.name(where, self.name)
        object.__setattr__(self, "commands", commands(where, "commands", self.commands))
        object.__setattr__(self, "install", arguments.texts(where, "install", self.install))
        object.__setattr__(
            self, "environment", arguments.plain(where, "environment", self.environment)
        )
        object.__setattr__(self, "secrets", _secrets(where, self.secrets, self.environment))
        object.__setattr__(self, "reports", reports(where, self.reports))
        object.__setattr__(
            self,
            "runtime_versions",
            arguments.variables(where, "runtime_versions", self.runtime_versions),
        )
        if not isinstance(self.outputs, Mapping):
            raise InvalidArgumentError(
                where,
                f"outputs={self.outputs!r} is not a mapping of names to directories",
                'write it like outputs={"dist": "dist"}',
            )
        for output, directory in self.outputs.items():
            arguments.name(where, output, "outputs")
            arguments.relative_path(where, f"outputs[{output!r}]", directory)
        object.__setattr__(self, "outputs", MappingProxyType(dict(self.outputs)))
        object.__setattr__(self, "inputs", arguments.names(where, "inputs", self.inputs))
        for argument, kind, example in (
            ("meets", Requirement, "[Requirement.BUILD_SCA]"),
            ("permissions", Permission, "[Permission(actions=[...], resources=[...])]"),
        ):
            values = instances(where, argument, getattr(self, argument), kind, example)
            object.__setattr__(self, argument, values)
        arguments.optional(CodeBuildProject)(where, "project", self.project)
        arguments.flag(where, "publishes", self.publishes)
        object.__setattr__(self, "pushes", _pushes(where, self.pushes, self.publishes))

    def to_build_action(self) -> BuildAction:
        """Return itself."""
        return self


def commands(where: str, argument: str, given: object) -> tuple[str, ...]:
    """Return commands as a tuple of at least one."""
    checked = arguments.texts(where, argument, given)
    if not checked:
        raise InvalidArgumentError(
            where, f"{argument} is empty", f'say what to run, like {argument}=["make lint"]'
        )
    return checked


def instances(
    where: str, argument: str, given: object, kind: type, example: str
) -> tuple[Any, ...]:
    """Return values of one type as a tuple."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidArgumentError(
            where,
            f"{argument}={arguments.shown(given)} is no sequence",
            f"write it as a list: {argument}={example}",
        )
    values = tuple(given)
    for value in values:
        arguments.instance(where, argument, value, kind, example)
    return values


def _secrets(
    where: str, given: object, environment: Mapping[str, str]
) -> Mapping[str, SecretsManagerSecret | SecureParameter]:
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(
            where,
            f"secrets is of type {type(given).__name__}, and no mapping of names to references",
            'write it like secrets={"SONAR_TOKEN": SecureParameter("/acme/sonar-token")}',
        )
    checked = {
        variable: secret(where, f"secrets[{variable!r}]", value)
        for variable, value in given.items()
    }
    arguments.variables(where, "secrets", dict.fromkeys(checked, ""))
    if both := sorted(checked.keys() & environment.keys()):
        raise InvalidArgumentError(
            where, f"{', '.join(both)} stands in secrets and in environment", "keep it in secrets"
        )
    return MappingProxyType(checked)


def _pushes(where: str, given: object, publishes: bool) -> Mapping[str, str | None]:
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(
            where,
            f"pushes={arguments.shown(given)} is not a mapping of repositories to signing profiles",
            'write it like pushes={"acme/fruit": None}',
        )
    for repository, profile in given.items():
        arguments.text(where, "pushes", repository)
        if profile is not None:
            arguments.text(where, f"pushes[{repository!r}]", profile)
    if given and not publishes:
        raise InvalidArgumentError(
            where,
            f"pushes has {', '.join(given)}, and publishes is False",
            "write publishes=True, so that it runs in the pipeline alone",
        )
    return MappingProxyType(dict(given))


def reports(where: str, given: object) -> tuple[Report, ...]:
    """Return reports as a tuple without duplicate names."""
    if not isinstance(given, Sequence) or not all(isinstance(each, Report) for each in given):
        raise InvalidArgumentError(
            where,
            f"reports={given!r} is not a sequence of Report",
            'write it like reports=[Report("unit-tests", ["reports/junit.xml"])]',
        )
    arguments.unique(where, "reports", [report.name for report in given])
    return tuple(given)
