"""The pipeline: puts the stages together and hands them to the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Annotations, Duration, Stack, Stage, Token
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.artifact_integrity import ArtifactSigning, FunctionSigning
from dpra_constructs.artifact_integrity.runtime.signed_functions import profile_version_of
from dpra_constructs.environments import DeploymentTarget, PipelineIdentity
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.pipeline import engine
from dpra_constructs.pipeline.beta_stage import BetaStage
from dpra_constructs.pipeline.definitions import Chain, SelfMutation
from dpra_constructs.pipeline.deployed_stacks import DeployedStack
from dpra_constructs.pipeline.enforced_signing import enforce_signing
from dpra_constructs.pipeline.evidence import EvidenceRetention
from dpra_constructs.pipeline.gamma_stage import GammaStage
from dpra_constructs.pipeline.known_regions import unknown_regions
from dpra_constructs.pipeline.limits import Limits
from dpra_constructs.pipeline.plan import PipelinePlan, make_plan
from dpra_constructs.pipeline.prod_waves import ProdWaves
from dpra_constructs.pipeline.synthetic_tests import check_synthetic_tests
from dpra_constructs.progressive_deployment.deployed_progressively import deployed_progressively
from dpra_constructs.release import SlackChannel, TeamsChannel
from dpra_constructs.release.chat_channels import recipients
from dpra_constructs.requirements import Requirement, checked_waivers

# What was deployed a quarter ago may still be the last good release of a quiet service.
_SHORTEST_HORIZON_DAYS = 90
_LONGEST_HORIZON_DAYS = 3_650
_DAYS = 365
_STACKS = "dpra:stacks"


class DeploymentPipeline(Construct):
    """The pipeline that carries each trunk commit through the stages up to the last one.

    Args:
        scope: the pipeline stack, with a concrete account and region: the tools account.
        id: the construct's id.
        name: the pipeline's name, and the beginning of every stack's name.
        last_stage: where the pipeline ends: a `BetaStage`, `GammaStage` or `ProdWaves`, so that
            a team can adopt it stage by stage.
        execution_mode: SUPERSEDED, where the newest commit passes those that wait, or QUEUED.
            PARALLEL is refused, because such pipelines cannot roll back.
        self_mutation: how the pipeline updates itself when a commit changes it.
        rollback_horizon: how long artifacts are kept, and so how old a release can be that a
            stage is rolled back to; whole days, 90 to 3650; 365 without it.
        evidence_retention: how long the provenance, SBOMs and reports of each execution are kept;
            whole days, the rollback horizon to 3650. Without it 365 days, or the horizon where
            that is longer.
        evidence_lock: the mode of S3 Object Lock, in which no version of evidence can be deleted
            for as long: GOVERNANCE, but by who may bypass it, or COMPLIANCE, by nobody. Without
            it nothing is locked.
        waivers: for each requirement of all stages that does not hold, the reason. With a waiver
            of `Requirement.METRICS` there are no delivery metrics; `delivery_metrics` is None.
        notify: who hears of failures, rollbacks, approvals that are needed, exceeded time budgets
            and overrides: email addresses, each of which confirms its subscription once, and chat
            channels as `SlackChannel` or `TeamsChannel`. Other subscribers are added to
            `notifications`, the topic.
        limits: the quotas of AWS in the account; what exceeds one is refused with the numbers.
        signing: how artifacts are sealed, and whose seals are accepted; without it by a key of
            the pipeline's own. Nothing is sealed where the build stage waives
            DPRA-BUILD-SIGNATURE.

    Raises:
        InvalidArgumentError: an argument is not one of those, what `application` returned does
            not fit its target, a test's output is not there, or two stacks would be the same.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        last_stage: BetaStage | GammaStage | ProdWaves,
        execution_mode: codepipeline.ExecutionMode = codepipeline.ExecutionMode.SUPERSEDED,
        self_mutation: SelfMutation = SelfMutation.GUARDED,
        rollback_horizon: Duration | None = None,
        evidence_retention: Duration | None = None,
        evidence_lock: s3.ObjectLockMode | None = None,
        notify: Sequence[str | SlackChannel | TeamsChannel] = (),
        waivers: Mapping[Requirement, str] | None = None,
        limits: Limits = Limits(),  # noqa: B008
        signing: ArtifactSigning | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.name(where, name)
        if not isinstance(last_stage, BetaStage | GammaStage | ProdWaves):
            raise InvalidArgumentError(
                where,
                f"last_stage={arguments.shown(last_stage)} is not a BetaStage, GammaStage or "
                "ProdWaves",
                "give it the last stage that you have defined",
            )
        _check_execution_mode(where, execution_mode)
        arguments.instance(
            where, "self_mutation", self_mutation, SelfMutation, "SelfMutation.GUARDED"
        )
        arguments.instance(where, "limits", limits, Limits, "Limits(actions_per_stage=50)")
        horizon_days = _horizon_days(where, rollback_horizon)
        retention = _evidence_retention(where, evidence_retention, evidence_lock, horizon_days)
        told = recipients(where, notify)
        waived = checked_waivers(where, ("all",), waivers or {})
        stack = Stack.of(scope)
        if Token.is_unresolved(stack.account) or Token.is_unresolved(stack.region):
            raise InvalidArgumentError(
                where,
                f"its stack {stack.stack_name} has no concrete account and region, which "
                "cross-account roles need",
                'give the stack env=Environment(account="111111111111", region="us-west-2")',
            )
        chain = Chain.ending_with(last_stage.definition)
        identity = PipelineIdentity(name=name, account=stack.account, region=stack.region)
        self._notified = told
        self.plan: PipelinePlan = make_plan(
            chain, identity, self_mutation, _signing(where, chain, signing, identity.account)
        )
        super().__init__(scope, id)
        self._warn_of_what_is_unusual()
        scopes = _scopes(last_stage)
        applications = {
            target.stage_id: _application(where, chain, scopes[target.environment], target)
            for target in self.plan.targets
        }
        if self.plan.signing and self.plan.signing.functions:
            _enforce_signing(where, chain, self.plan, applications, self.plan.signing.functions)
        self._warn_of_what_moves_all_at_once(chain, applications)
        check_synthetic_tests(chain, self.plan, applications)
        built = engine.build(
            self,
            plan=self.plan,
            applications=applications,
            execution_mode=execution_mode,
            mutation=self_mutation,
            horizon_days=horizon_days,
            evidence_retention=retention,
            limits=limits,
            notify=told,
            publishes_metrics=Requirement.METRICS not in waived,
        )
        self.pipeline: codepipeline.Pipeline = built.pipeline
        self.artifact_bucket = built.artifact_bucket
        self.artifact_key = built.artifact_key
        self.evidence_bucket = built.evidence_bucket
        self.notifications = built.notifications
        self.budget_alarms = built.budget_alarms
        #: For people who resume a stopped line, and for those who override; None where neither is.
        self.resume_policy = built.policies.resume
        self.override_policy = built.policies.override
        self.delivery_metrics = built.delivery_metrics
        self._refuse_stacks_of_others(where, built.stacks)
        stack.add_metadata(f"DPRA::{name}", _metadata(chain, waived))

    def pipeline_outline(self) -> str:
        """Return the plan as text, for a review: stages and all that they run, in order.

        It has budgets, windows, conditions, approvals, bakes, rollbacks, and whom the pipeline
        notifies. `dpra_constructs.testing.pipeline_outline` shows what the template has.
        """
        return f"{self.plan}Notifies {self._notified.text}\n"

    def _warn_of_what_is_unusual(self) -> None:
        for region in unknown_regions(target.region for target in self.plan.targets):
            Annotations.of(self).add_warning_v2(
                f"dpra-constructs:unknown-region:{region}",
                f"Region {region} is unknown to this version of the CDK; check its spelling.",
            )

    def _warn_of_what_moves_all_at_once(
        self, chain: Chain, applications: Mapping[str, Stage]
    ) -> None:
        requirement = Requirement.PROD_PROGRESSIVE
        if any(requirement in definition.waivers for definition in chain.definitions):
            return
        at_once = [
            target.stage_id
            for target in self.plan.targets
            if target.is_production and not deployed_progressively(applications[target.stage_id])
        ]
        if at_once:
            Annotations.of(self).add_warning_v2(
                "dpra-constructs:not-progressive",
                f"Nothing of {', '.join(at_once)} is made by dpra_constructs."
                "progressive_deployment with a shift that is a canary or linear: deploy it by "
                "ProgressiveFunction or ProgressiveService, or waive "
                f"{requirement.value} in ProdWaves with the reason, or with what shifts traffic "
                "instead.",
            )

    def _refuse_stacks_of_others(self, where: str, stacks: list[DeployedStack]) -> None:
        """Refuse stacks that another pipeline of the app, or another target, deploys too."""
        root = self.node.root.node
        owner = f"pipeline {self.plan.pipeline.name} ({self.node.path})"
        owners: dict[str, str] = {}
        for entry in root.metadata:
            if entry.type == _STACKS:
                owners.update(dict.fromkeys(entry.data["stacks"], entry.data["owner"]))
        own: list[str] = []
        for each in stacks:
            stack = f"{each.name} in {each.account}/{each.region}"
            if stack in owners:
                raise InvalidArgumentError(
                    where,
                    f"stack {stack} is also deployed by {owners[stack]}",
                    "give one of the pipelines, or of the environments, another name, and leave "
                    "stack_name out",
                )
            owners[stack] = owner
            own.append(stack)
        root.add_metadata(_STACKS, {"owner": owner, "stacks": own})


def _signing(
    where: str, chain: Chain, signing: ArtifactSigning | None, account: str
) -> ArtifactSigning | None:
    if signing is not None:
        arguments.instance(where, "signing", signing, ArtifactSigning, "ArtifactSigning()")
        for profile in signing.functions.profiles if signing.functions else ():
            if profile_version_of(profile).account != account:
                raise InvalidArgumentError(
                    where,
                    f"signing has the profile {profile}, and the pipeline's account is {account}",
                    "deploy FunctionSigningProfile in the pipeline's account; what signs in "
                    "others goes into other_publishers",
                )
    if Requirement.BUILD_SIGNATURE not in chain.build.waivers:
        return signing or ArtifactSigning()
    if signing:
        raise InvalidArgumentError(
            where,
            f"signing is given, and the build stage waives {Requirement.BUILD_SIGNATURE.value}",
            "leave one of them out",
        )
    return None


def _check_execution_mode(where: str, mode: object) -> None:
    allowed = (codepipeline.ExecutionMode.SUPERSEDED, codepipeline.ExecutionMode.QUEUED)
    if mode not in allowed:
        raise InvalidArgumentError(
            where,
            f"execution_mode={mode} is not SUPERSEDED or QUEUED (CodePipeline cannot roll back "
            "in PARALLEL mode)",
            "choose ExecutionMode.SUPERSEDED or ExecutionMode.QUEUED of aws_cdk.aws_codepipeline",
        )


def _horizon_days(where: str, horizon: Duration | None) -> int:
    if horizon is None:
        return _DAYS
    return arguments.whole(
        where,
        "rollback_horizon",
        horizon,
        at_least=_SHORTEST_HORIZON_DAYS,
        at_most=_LONGEST_HORIZON_DAYS,
        unit="days",
    )


def _scopes(last_stage: BetaStage | GammaStage | ProdWaves) -> dict[str, Construct]:
    """Return the stage constructs by the name of their environment."""
    scopes: dict[str, Construct] = {}
    stage: Construct = last_stage
    while isinstance(stage, BetaStage | GammaStage | ProdWaves):
        scopes[stage.definition.environment.name] = stage
        stage = stage.previous
    return scopes


def _application(
    where: str,
    chain: Chain,
    scope: Construct,
    target: DeploymentTarget,
) -> Stage:
    """Call the team's application for one target, and check what it returns."""
    stage = chain.build.application(scope, target.stage_id, target)
    name = getattr(chain.build.application, "__name__", "application")
    if not isinstance(stage, Stage):
        raise InvalidArgumentError(
            where,
            f"application {name} returned {arguments.shown(stage)}",
            "return an aws_cdk.Stage",
        )
    if (stage.account, stage.region) != (target.account, target.region):
        raise InvalidArgumentError(
            where,
            f"application {name} returned a Stage for {stage.account}/{stage.region}, and its "
            f"target is {target.account}/{target.region}",
            "pass env=target.env to the Stage's constructor",
        )
    # Outside of other stages its name is its id, and one call to the jsii kernel less.
    if stage.stage_name != target.stage_id and stage.node.id != target.stage_id:
        raise InvalidArgumentError(
            where,
            f"application {name} returned a Stage with the id {stage.node.id!r} for "
            f"{target.stage_id!r}",
            "pass the id on that it was called with",
        )
    return stage


def _enforce_signing(
    where: str,
    chain: Chain,
    plan: PipelinePlan,
    applications: Mapping[str, Stage],
    signing: FunctionSigning,
) -> None:
    if signing.is_enforced:
        beta = chain.beta.environment.name
        after_beta = [each.stage_id for each in plan.targets if each.environment != beta]
        enforce_signing(where, {id: applications[id] for id in after_beta}, signing)


def _metadata(chain: Chain, waived: Mapping[Requirement, str]) -> dict[str, Any]:
    reasons = dict(waived)
    for definition in chain.definitions:
        reasons.update(definition.waivers)
    layout = chain.source.layout
    return {
        # Where cdk.json is: `dpra build` and `dpra rehearse` find the root of the source by it.
        "AppDirectory": chain.build.app_directory,
        "Waivers": {requirement.value: reason for requirement, reason in reasons.items()},
        "SourceLayout": {kind: list(getattr(layout, kind)) for kind in layout.__dataclass_fields__},
    }


def _evidence_retention(
    where: str,
    retention: Duration | None,
    lock: s3.ObjectLockMode | None,
    horizon_days: int,
) -> EvidenceRetention:
    if lock is not None:
        arguments.instance(
            where, "evidence_lock", lock, s3.ObjectLockMode, "s3.ObjectLockMode.GOVERNANCE"
        )
    if retention is None:
        return EvidenceRetention(max(_DAYS, horizon_days), lock)
    # What proves a release is there as long as it can be rolled back to.
    days = arguments.whole(
        where,
        "evidence_retention",
        retention,
        at_least=horizon_days,
        at_most=_LONGEST_HORIZON_DAYS,
        unit="days",
    )
    return EvidenceRetention(days, lock)
