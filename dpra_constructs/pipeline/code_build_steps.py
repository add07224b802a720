"""The CodeBuild steps of the pipeline: build actions, synth and tests, all on the same clone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack, Stage, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from constructs import Construct

from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.buildspec import partial_buildspec, report_group_name
from dpra_constructs.build_actions.cdk_synth import CLOUD_ASSEMBLY
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.kept_reports import EVIDENCE, EXECUTION, EXECUTION_ID
from dpra_constructs.build_actions.packed_file import LONGEST_BUILDSPEC
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.source_layout_check import COMMITS_VARIABLE
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.other_deployers import ExternalDeployment
from dpra_constructs.pipeline import database_migrations, fault_injections
from dpra_constructs.pipeline.build_order import inputs_of
from dpra_constructs.pipeline.code_build_environment import (
    acknowledge_image,
    build_environment,
    cache_of,
    decryption,
)
from dpra_constructs.pipeline.evidence import EvidenceStore
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.permissions import acknowledge_permissions, pipeline_arn, statements
from dpra_constructs.pipeline.pipeline_action_step import PipelineActionStep
from dpra_constructs.pipeline.plan import PipelinePlan, PlannedStage
from dpra_constructs.pipeline.source_action import use_connection
from dpra_constructs.pipeline.stack_outputs import outputs_by_stack, outputs_for
from dpra_constructs.release.runtime import names
from dpra_constructs.source import ConnectedRepository
from dpra_constructs.test_actions import (
    BuildNetwork,
    DeployedTest,
    FaultInjection,
    rollback_check,
)

# `dpra build` reads it from the template: what carries it does not run on a workstation.
PUBLISHES_TAG = "dpra:publishes"
# Version, reports, variables and caches.
_REST_OF_BUILDSPEC = 1_000
# The check of the source takes seconds; CodeBuild takes no shorter timeout.
_SHORTEST_TIMEOUT_MINUTES = 5
# What stopping an experiment and installing nothing may take beyond the experiment itself.
_STOPPING_MINUTES = 10
# What asking the server, and cancelling, may take beyond the deployment itself.
_CANCELLING_MINUTES = 15


# In Base64, as a name may hold what is no JSON. Before anything of the repository runs.
READ_AUTHORS = (
    f"export {names.AUTHORS_VARIABLE}=\"$(git log -1 --format='%an <%ae>%n"
    "%(trailers:key=Co-authored-by,valueonly)' 2>/dev/null | head -n 50 | base64 | tr -d '\\n')\""
)


class CodeBuildSteps:
    """Makes the steps of a plan, and what each has beside it: report groups and a log group."""

    def __init__(
        self,
        scope: Construct,
        plan: PipelinePlan,
        source: pipelines.CodePipelineSource,
        logs: EncryptedLogs,
        evidence: EvidenceStore,
    ) -> None:
        self._scope = scope
        self._plan = plan
        self._source = source
        self._logs = logs
        self._evidence = evidence
        #: The outputs of build actions, each with its directory, once `synth` has been called.
        self.outputs: dict[str, tuple[str, pipelines.FileSet]] = {}
        #: The authors of the commit, as a variable of the build, once `synth` has been called.
        self.authors = ""
        self._actions: list[tuple[BuildAction, pipelines.CodeBuildStep]] = []
        self._tests: list[tuple[DeployedTest, pipelines.CodeBuildStep]] = []
        self._networks: list[tuple[BuildNetwork, pipelines.CodeBuildStep]] = []
        self._timeouts: dict[int, Duration] = {}
        repository = plan.repository
        # The CDK grants codestar-connections:UseConnection; connections with an ARN of
        # codeconnections, the service's name since 2024, are granted under that name.
        self._clone_policy = (
            [use_connection(repository)] if isinstance(repository, ConnectedRepository) else []
        )

    def _timeout(self, minutes: int) -> Duration:
        # Each is a call to the jsii kernel, and most builds have the same.
        if minutes not in self._timeouts:
            self._timeouts[minutes] = Duration.minutes(minutes)
        return self._timeouts[minutes]

    @cached_property
    def _read_execution(self) -> iam.PolicyStatement:
        """Lets a build ask whether it is part of a rollback."""
        arn = pipeline_arn(self._scope, self._plan.pipeline.name)
        return iam.PolicyStatement(actions=["codepipeline:GetPipelineExecution"], resources=[arn])

    def synth(self) -> pipelines.CodeBuildStep:
        """Make the steps of the build stage, and return the last, which waits for all others."""
        steps: dict[str, pipelines.Step] = {}
        outputs = self.outputs
        producers: dict[str, pipelines.Step] = {}
        *actions, (_, synth) = self._plan.build_runs
        check = self._plan.source_check
        # Read from the history of executions; the approval refers to the authors too.
        exported: dict[str, str] = {}
        for _, action in actions:
            step: pipelines.Step
            if isinstance(action, BuildAction):
                step = self._build_action(
                    action,
                    minutes=_SHORTEST_TIMEOUT_MINUTES
                    if action is check
                    else self._plan.build_minutes,
                    first=[READ_AUTHORS] if action is check else [],
                    additional_inputs=dict(outputs[name] for name in action.inputs),
                )
                for name, directory in action.outputs.items():
                    outputs[name] = (directory, step.add_output_directory(directory))
                    producers[name] = step
            else:
                read = outputs[action.input][1] if action.input else self._source.primary_output
                assert read is not None  # a source has a primary output
                step = PipelineActionStep(action, read, self._plan.pipeline.name)
                for name in inputs_of(action):
                    step.add_step_dependency(producers[name])
            if check and action is not check:
                step.add_step_dependency(steps[check.name])
            if check and action is check and isinstance(step, pipelines.CodeBuildStep):
                exported = {
                    each: step.exported_variable(each)
                    for each in (COMMITS_VARIABLE, names.AUTHORS_VARIABLE)
                }
            steps[action.name] = step
        assert isinstance(synth, BuildAction)  # the last of build_runs is
        last = self._build_action(
            synth,
            minutes=self._plan.build_minutes,
            first=[] if check else [READ_AUTHORS],
            additional_inputs=dict(outputs[name] for name in synth.inputs),
            primary_output_directory=CLOUD_ASSEMBLY,
        )
        for step in steps.values():
            last.add_step_dependency(step)
        if exported:
            # CDK Pipelines gives an action a namespace when another refers to its variables.
            last._discover_referenced_outputs(exported)
        self.authors = exported.get(names.AUTHORS_VARIABLE) or last.exported_variable(
            names.AUTHORS_VARIABLE
        )
        return last

    def after_build(self) -> None:
        """Finish the projects, which CDK Pipelines makes when the pipeline is built."""
        for action, step in self._actions:
            if any(permission.reason for permission in action.permissions):
                role = step.project.role
                assert role is not None  # a project that is not imported has one
                acknowledge_permissions(role, action.permissions)
            acknowledge_image(step, action.project or self._plan.project)
            if action.publishes:
                project = step.project.node.default_child
                assert isinstance(project, codebuild.CfnProject)
                project.tags.set_tag(PUBLISHES_TAG, "true")

        for test, step in self._tests:
            if any(permission.reason for permission in test.permissions):
                role = step.project.role
                assert role is not None  # a project that is not imported has one
                acknowledge_permissions(role, test.permissions)
            if test.project:
                acknowledge_image(step, test.project)
        for network, step in self._networks:
            project = step.project.node.default_child
            assert isinstance(project, codebuild.CfnProject)
            # Not by the CDK, which would let the build's role make interfaces anywhere.
            project.vpc_config = codebuild.CfnProject.VpcConfigProperty(
                vpc_id=network.vpc_id,
                subnets=list(network.subnet_ids),
                security_group_ids=list(network.security_group_ids),
            )

    def _build_action(
        self, action: BuildAction, *, minutes: int, first: Sequence[str] = (), **properties: Any
    ) -> pipelines.CodeBuildStep:
        project = action.project or self._plan.project
        step = self._step(
            action.name,
            project_name=f"{self._plan.pipeline.name}-Build-{action.name}",
            project=project,
            reports=action.reports,
            runtime_versions=action.runtime_versions,
            minutes=minutes,
            policy=[
                *decryption(action.secrets),
                *statements(self._scope, action.permissions),
            ],
            commands=list(action.commands),
            install_commands=[*first, *action.install],
            env=dict(action.environment),
            build_environment=build_environment(
                self._scope, f"Image-{action.name}", project, action.secrets
            ),
            cache=cache_of(project),
            **properties,
        )
        self._actions.append((action, step))
        return step

    def tests(
        self, stage: PlannedStage, target: DeploymentTarget, application: Stage
    ) -> list[pipelines.Step]:
        """Make the deployments by other deployers and the tests of one target, in their order."""
        if not stage.tests and not stage.deployments:
            return []
        outputs = outputs_by_stack(application)
        _refuse_names_of_stacks(stage, application)
        deployments: list[pipelines.Step] = []
        shared: dict[str, str] = {}
        for deployment in stage.deployments:
            step = self._deployment(deployment, stage, target, outputs)
            if deployments:
                step.add_step_dependency(deployments[-1])
            deployments.append(step)
            shared |= {each: step.exported_variable(each) for each in deployment.shared}
        tests: list[pipelines.Step] = [
            self._fault_injection(test, stage, target, application, outputs)
            if isinstance(test, FaultInjection)
            else self._test(_with(shared, test), stage, target, outputs)
            for test in stage.tests
        ]
        for test in tests if deployments else ():
            test.add_step_dependency(deployments[-1])
        return [*deployments, *tests]

    def _deployment(
        self,
        deployment: ExternalDeployment,
        stage: PlannedStage,
        target: DeploymentTarget,
        outputs: Mapping[str, Mapping[str, list[CfnOutput]]],
    ) -> pipelines.CodeBuildStep:
        properties: dict[str, Any] = {}
        network = deployment.network
        if name := deployment.role_name(target):
            permissions = network.permissions if network else ()
            properties["role"] = self._named_role(name, permissions)
        step = self._test(
            deployment.in_target(target),
            stage,
            target,
            outputs,
            minutes=deployment.timeout_minutes + _CANCELLING_MINUTES,
            **properties,
        )
        if network:
            self._networks.append((network, step))
        return step

    def _fault_injection(
        self,
        fault: FaultInjection,
        stage: PlannedStage,
        target: DeploymentTarget,
        application: Stage,
        outputs: Mapping[str, Mapping[str, list[CfnOutput]]],
    ) -> pipelines.CodeBuildStep:
        return self._test(
            fault_injections.in_target(fault, target, application),
            stage,
            target,
            outputs,
            role=self._named_role(fault_injections.role_name(target)),
            minutes=fault.timeout_minutes + _STOPPING_MINUTES,
        )

    def migrations(
        self, stage: PlannedStage, target: DeploymentTarget, application: Stage
    ) -> database_migrations.Migrations:
        """Make the migrations of one target, each after the stack of its database."""
        made = database_migrations.Migrations()
        if not stage.migrations:
            return made
        outputs = outputs_by_stack(application)
        networks = [each.network for each in stage.migrations if each.network]
        role = self._named_role(
            database_migrations.role_name(target),
            [permission for network in networks for permission in network.permissions],
        )
        for migration in stage.migrations:
            action = database_migrations.in_target(migration, target, application)
            url, *_ = outputs_for(action, target.stage_id, outputs).values()
            step = self._test(
                action, stage, target, outputs, ask=rollback_check.fail_unless_known, role=role
            )
            if migration.network:
                self._networks.append((migration.network, step))
            stack = database_migrations.stack_of_database(migration, target, application, url)
            made.add(migration, stack, step)
        return made

    def _named_role(self, name: str, permissions: Sequence[Permission] = ()) -> iam.Role:
        """Return the role by whose name a role of an environment trusts an action.

        The permissions are there before the project, which CodeBuild refuses without them.
        """
        found = self._scope.node.try_find_child(f"Role-{name}")
        if isinstance(found, iam.Role):
            return found
        needed = tuple(dict.fromkeys(permissions))
        role = iam.Role(
            self._scope,
            f"Role-{name}",
            role_name=name,
            assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
            inline_policies={
                "Network": iam.PolicyDocument(statements=statements(self._scope, needed))
            }
            if needed
            else None,
        )
        acknowledge_permissions(role, needed)
        return role

    def _test(
        self,
        test: DeployedTest,
        stage: PlannedStage,
        target: DeploymentTarget,
        outputs: Mapping[str, Mapping[str, list[CfnOutput]]],
        *,
        minutes: int | None = None,
        ask: Callable[[str, str], str] = rollback_check.skip_in_rollback,
        **properties: Any,
    ) -> pipelines.CodeBuildStep:
        pipeline = self._plan.pipeline.name
        install, commands, environment = test.install, test.command, dict(test.environment)
        policy = [*decryption(test.secrets), *statements(self._scope, test.permissions)]
        if not test.run_on_rollback:
            check = ask(pipeline, test.name)
            install = [check, *rollback_check.unless_rollback(install)]
            commands = rollback_check.unless_rollback(commands)
            environment[EXECUTION] = EXECUTION_ID
            policy.append(self._read_execution)
        project_name = f"{pipeline}-{stage.name}-{test.name}-{target.region}"
        # What a test leaves out costs no call to the jsii kernel.
        if test.project or test.secrets:
            project = test.project or CodeBuildProject()
            properties |= {
                "build_environment": build_environment(
                    self._scope, f"Image-{project_name}", project, test.secrets
                ),
                "cache": cache_of(project),
            }
        step = self._step(
            test.name,
            project_name=project_name,
            project=test.project or CodeBuildProject(),
            reports=test.reports,
            runtime_versions=test.runtime_versions,
            minutes=minutes or stage.time_budget_minutes,
            policy=policy,
            commands=list(commands),
            install_commands=list(install),
            env=environment,
            env_from_cfn_outputs=outputs_for(test, target.stage_id, outputs),
            **properties,
        )
        if test.permissions or test.project:
            self._tests.append((test, step))
        return step

    def _step(
        self,
        name: str,
        *,
        project_name: str,
        project: CodeBuildProject,
        reports: Sequence[Report],
        runtime_versions: Mapping[str, str],
        minutes: int | None,
        policy: Sequence[iam.PolicyStatement],
        **properties: Any,
    ) -> pipelines.CodeBuildStep:
        for report in reports:
            report_group(self._scope, project_name, report)
        self._logs.of_project(project_name)
        partial = partial_buildspec(
            reports=reports, runtime_versions=runtime_versions, cache_paths=project.cache_paths
        )
        if reports:
            kept = {EVIDENCE: self._evidence.address, EXECUTION: EXECUTION_ID}
            properties["env"] = {**properties["env"], **kept}
            policy = [*policy, self._evidence.written_by(project_name)]
        _refuse_long_commands(name, properties, partial)
        return pipelines.CodeBuildStep(
            name,
            input=self._source,
            project_name=project_name,
            timeout=self._timeout(minutes) if minutes else None,
            # A version alone says nothing, and each is a call to the jsii kernel.
            partial_build_spec=codebuild.BuildSpec.from_object(partial)
            if len(partial) > 1
            else None,
            role_policy_statements=[*self._clone_policy, *policy],
            **properties,
        )


def _refuse_long_commands(
    name: str, properties: Mapping[str, Any], partial: Mapping[str, Any]
) -> None:
    """Refuse what would fail when the pipeline is deployed."""
    commands = [properties["install_commands"], properties["commands"], partial.get("phases")]
    count = len(json.dumps(commands, indent=2)) + _REST_OF_BUILDSPEC
    if count > LONGEST_BUILDSPEC:
        raise InvalidArgumentError(
            f'action "{name}"',
            f"its commands make a buildspec of about {count:,} characters, and CodeBuild takes "
            f"{LONGEST_BUILDSPEC:,}",
            "put them into a script of the repository, and run that; or run several actions",
        )


def report_group(scope: Construct, project_name: str, report: Report) -> codebuild.ReportGroup:
    """Make the report group that a project's buildspec names."""
    return codebuild.ReportGroup(
        scope,
        f"Reports-{project_name}-{report.name}",
        report_group_name=report_group_name(project_name, report),
        type=codebuild.ReportGroupType.CODE_COVERAGE
        if report.is_coverage
        else codebuild.ReportGroupType.TEST,
        removal_policy=RemovalPolicy.DESTROY,
        delete_reports=True,
    )


def _with(variables: Mapping[str, str], test: DeployedTest) -> DeployedTest:
    """Return a test with variables that a deployment before it has given."""
    if not variables:
        return test
    return replace(test, environment={**test.environment, **variables})


def _refuse_names_of_stacks(stage: PlannedStage, application: Stage) -> None:
    """Refuse a test with the name of a stack: CDK Pipelines keeps both in one graph."""
    stacks = {each.node.id for each in application.node.find_all() if isinstance(each, Stack)}
    for test in (*stage.tests, *stage.deployments):
        if test.name in stacks:
            raise InvalidArgumentError(
                f'{type(test).__name__} "{test.name}"',
                f"the application has a stack {test.name!r}, and both become actions "
                f"of {stage.name}",
                f'give the test another name, like name="{test.name}Test"',
            )
