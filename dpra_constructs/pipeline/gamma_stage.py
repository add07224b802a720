"""The gamma stage: the application as production will have it."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentEnvironment
from dpra_constructs.environments.wave import bake_minutes
from dpra_constructs.pipeline.beta_stage import BetaStage, check_regional
from dpra_constructs.pipeline.definitions import GammaDefinition
from dpra_constructs.requirements import Requirement, checked_waivers, require


class GammaStage(Construct):
    """Deploys to the gamma environment, which is as production is (DPRA, stage Test (Gamma)).

    A failed action, and a bake in which the health of a region breaks, roll the stage back to the
    last successful release.

    Args:
        scope: the pipeline stack, usually.
        id: the construct's id.
        beta: the beta stage.
        environment: an account other than the pipeline's (DPRA-GAMMA-ENVIRONMENT), and the
            regions of production (DPRA-GAMMA-REGIONS).
        bake: how long the `DeploymentHealth` of every region is watched after the deployment, in
            whole minutes, up to 23 hours (DPRA-GAMMA-MONITORING).
        waivers: for each requirement of gamma that does not hold, the reason.

    Raises:
        InvalidArgumentError: an argument is not one of those, or the account is the pipeline's.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        beta: BetaStage,
        environment: DeploymentEnvironment,
        bake: Duration | None = None,
        waivers: Mapping[Requirement, str] | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(where, "beta", beta, BetaStage, 'BetaStage(self, "Beta", ...)')
        check_regional(where, environment)
        minutes = bake_minutes(where, bake)
        waived = checked_waivers(where, ("gamma",), waivers or {})
        require(
            where,
            Requirement.GAMMA_ENVIRONMENT,
            environment.account != Stack.of(scope).account,
            waived,
            f"environment has account {environment.account}, in which the pipeline runs",
            "give gamma an account of its own",
        )
        require(
            where,
            Requirement.GAMMA_MONITORING,
            minutes is not None,
            waived,
            "there is no bake",
            "give bake=Duration.minutes(15)",
        )
        super().__init__(scope, id)
        self.previous = beta
        self.definition = GammaDefinition(
            where=where,
            beta=beta.definition,
            environment=environment,
            bake_minutes=minutes,
            waivers=waived,
        )
