"""What the application is told about the place that it is deployed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_cdk import Environment


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineIdentity:
    """The pipeline that deploys: its name, and its account and region (the tools account)."""

    name: str
    account: str
    region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentTarget:
    """One account and region that the application is deployed to, given to `application`.

    Args:
        pipeline: the pipeline that deploys.
        environment: the environment's name, like `gamma`.
        account: the AWS account id.
        region: the name of the AWS region.
        configuration: this environment's values in this region.
        is_production: True in the waves of production, False in beta and gamma.

    Tests make one directly:

    >>> target = DeploymentTarget(
    ...     pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    ...     environment="beta", account="222222222222", region="us-west-2",
    ...     configuration={}, is_production=False)
    >>> target.stage_id
    'fruit-beta-us-west-2'
    """

    pipeline: PipelineIdentity
    environment: str
    account: str
    region: str
    configuration: Mapping[str, str]
    is_production: bool

    @property
    def stage_id(self) -> str:
        """The id of the `cdk.Stage`; never the wave, so a region can change its wave freely."""
        return f"{self.pipeline.name}-{self.environment}-{self.region}"

    @property
    def env(self) -> Environment:
        """The account and region as an `aws_cdk.Environment`, for `Stage(..., env=target.env)`."""
        from aws_cdk import Environment

        return Environment(account=self.account, region=self.region)
