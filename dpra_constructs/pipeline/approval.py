"""The stage in which a person lets a release into production, and what surrounds the approval."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise

import jsii
from aws_cdk import Duration, pipelines
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from dpra_constructs.build_actions import Permission
from dpra_constructs.pipeline.approver_policies import approver_policies
from dpra_constructs.pipeline.deployed_stacks import DeployedStack
from dpra_constructs.pipeline.invoke_step import ArtifactAccess, InvokeStep, invoked_function
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.permissions import allow
from dpra_constructs.pipeline.plan import APPROVAL_STAGE, PipelinePlan
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.release import ManualApproval
from dpra_constructs.release.manual_approval import APPROVE, CHECK, SUMMARIZE
from dpra_constructs.release.pipeline_permissions import JOB_RESULTS, resource_of
from dpra_constructs.release.runtime.change_summary import publishing_role_of
from dpra_constructs.release.runtime.message import link

#: The artifact with the summary, and the namespace of its variables.
CHANGES = "Changes"
_EXECUTION = "#{codepipeline.PipelineExecutionId}"
# As long as a function may run: CloudFormation makes a change set for each stack of production.
_SUMMARY_SECONDS = 900
_SUMMARY_MIB = 512


class Approval:
    """Makes the actions of the approval's stage, and the functions and policies that they need."""

    def __init__(
        self,
        scope: Construct,
        plan: PipelinePlan,
        approval: ManualApproval,
        *,
        pipeline: codepipeline.Pipeline,
        access: ArtifactAccess,
        key: kms.Key,
        logs: EncryptedLogs,
    ) -> None:
        self._scope = scope
        self._plan = plan
        self._approval = approval
        self._pipeline = pipeline
        self._access = access
        self._key = key
        self._logs = logs
        self._summary: InvokeStep | None = None
        if approval.approvers:
            approver_policies(scope, plan.pipeline, approval.approvers)

    def steps(
        self,
        source: pipelines.CodePipelineSource,
        authors: str,
        assembly: pipelines.FileSet,
    ) -> list[pipelines.Step]:
        """Return the actions, each after the one before.

        Args:
            source: where the commit comes from.
            authors: those of the commit, as a variable of the build.
            assembly: what the build makes.
        """
        commit = source.source_attribute(self._plan.repository.revision_attribute)
        approve = _ApprovalStep(self._approval, self._topic(), self._plan, commit)
        steps: list[pipelines.Step] = [approve]
        if self._approval.show_changes:
            self._summary = self._summarize(commit, authors, assembly)
            steps.insert(0, self._summary)
        if self._approval.forbid_author:
            steps.append(self._check(authors))
        for first, then in pairwise(steps):
            then.add_step_dependency(first)
        return steps

    def read(self, stacks: Iterable[DeployedStack]) -> None:
        """Make the function of the summary: it reads production by the roles that deploy there."""
        if not self._summary:
            return
        roles: dict[str, None] = {}
        for role in (stack.deploying_role for stack in stacks):
            if role:
                roles.update(dict.fromkeys([role, publishing_role_of(role)]))
        plan = self._plan
        function = release_function(
            self._scope,
            "SummarizeChanges",
            pipeline=plan.pipeline.name,
            module="change_summary",
            description=f"Shows what a release of {plan.pipeline.name} changes in production",
            permissions=[JOB_RESULTS],
            statements_besides=[allow(["sts:AssumeRole"], list(roles))] if roles else [],
            logs=self._logs,
            environment={
                "STAGES": json.dumps([each.stage_id for each in plan.targets if each.is_production])
            },
            timeout_seconds=_SUMMARY_SECONDS,
            memory_mib=_SUMMARY_MIB,
        )
        self._summary.call(
            invoked_function(
                self._scope,
                "SummarizeChanges",
                function,
                self._pipeline,
                access=self._access,
                writes=True,
            )
        )

    def _summarize(self, commit: str, authors: str, assembly: pipelines.FileSet) -> InvokeStep:
        told = {
            "pipeline": self._plan.pipeline.name,
            "execution": _EXECUTION,
            "commit": commit,
            "authors": authors,
        }
        return InvokeStep(SUMMARIZE, None, json.dumps(told), reads=assembly, writes=CHANGES)

    def _check(self, authors: str) -> pipelines.Step:
        name = self._plan.pipeline.name
        function = release_function(
            self._scope,
            "CheckApprover",
            pipeline=name,
            module="check_approver",
            description=f"Lets nobody approve their own commit into production of {name}",
            permissions=[
                JOB_RESULTS,
                Permission(
                    actions=["codepipeline:ListActionExecutions"],
                    resources=[resource_of(name)],
                ),
            ],
            logs=self._logs,
        )
        told = {
            "pipeline": name,
            "execution": _EXECUTION,
            "stage": APPROVAL_STAGE,
            "action": APPROVE,
            "authors": authors,
        }
        return InvokeStep(
            CHECK,
            invoked_function(self._scope, "CheckApprover", function, self._pipeline),
            json.dumps(told),
        )

    def _topic(self) -> sns.ITopic | None:
        approval = self._approval
        if isinstance(approval.topic, str):
            return sns.Topic.from_topic_arn(self._scope, "ApprovalTopic", approval.topic)
        if approval.topic is not None or not approval.notify:
            return approval.topic
        topic = sns.Topic(self._scope, "ApprovalTopic", master_key=self._key, enforce_ssl=True)
        for address in approval.notify:
            topic.add_subscription(subscriptions.EmailSubscription(address))
        return topic


@jsii.implements(pipelines.ICodePipelineActionFactory)
class _ApprovalStep(pipelines.Step):
    """The manual approval of CDK Pipelines takes no timeout; this one does."""

    def __init__(
        self,
        approval: ManualApproval,
        topic: sns.ITopic | None,
        plan: PipelinePlan,
        commit: str,
    ) -> None:
        super().__init__(APPROVE)
        self._approval = approval
        self._topic = topic
        self._text = "\n".join(_text(approval, commit))
        self._link = approval.review_url or (
            f"#{{{CHANGES}.Link}}"
            if approval.show_changes
            else link(plan.pipeline.region, plan.pipeline.name, _EXECUTION)
        )
        self._discover_referenced_outputs({"text": self._text})

    def produce_action(
        self, stage: codepipeline.IStage, options: pipelines.ProduceActionOptions
    ) -> pipelines.CodePipelineActionFactoryResult:
        """Add the action; called by CDK Pipelines."""
        minutes = self._approval.timeout_minutes
        stage.add_action(
            codepipeline_actions.ManualApprovalAction(
                action_name=options.action_name,
                run_order=options.run_order,
                additional_information=self._text,
                external_entity_link=self._link,
                notification_topic=self._topic,
                timeout=Duration.minutes(minutes) if minutes else None,
            )
        )
        return pipelines.CodePipelineActionFactoryResult(run_orders_consumed=1)


def _text(approval: ManualApproval, commit: str) -> Sequence[str]:
    """Return what the reviewer reads, in the action and in the mail."""
    lines = [approval.message] if approval.message else []
    if not approval.show_changes:
        return [*lines, f"Commit {commit}", f"Execution {_EXECUTION}"]
    lines.append(f"#{{{CHANGES}.Text}}")
    # The action has one link, and that is the team's.
    return [*lines, f"#{{{CHANGES}.Link}}"] if approval.review_url else lines
