"""A signing profile of AWS Signer for images, with which Amazon ECR signs what is pushed."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_signer as signer
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

# https://docs.aws.amazon.com/signer/latest/developerguide/container-workflow.html
_PLATFORM = "Notation-OCI-SHA384-ECDSA"
_MOST_MONTHS = 135
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SigningRule.html
_MOST_FILTERS = 100
_filter = arguments.matching(
    r"(?=.{1,256}$)([a-z0-9*]+([._-][a-z0-9*]+)*/)*[a-z0-9*]+([._-][a-z0-9*]+)*",
    "the name of a repository, or a pattern of names with *",
    "acme/*",
)


class ImageSigningProfile(Construct):
    """What Amazon ECR signs images with, in one account and region (DPRA-BUILD-SIGNATURE).

    A profile of AWS Signer, and the registry's signing configuration: Amazon ECR signs each image
    that is pushed to one of the repositories, with the identity of who pushes it, and keeps the
    signature of the Notary Project beside the image. A registry, which is an account in a region,
    has one such configuration: all repositories of all its pipelines stand in one construct, in
    the pipeline's stack where it is the only one, or else in a stack of its own. The profile stays
    when the stack goes.

    Args:
        scope: the stack, in the account and region of the repositories.
        id: the construct's id.
        repositories: their names, or patterns with `*`; 100 at most.
        generation: the number of the profile, 1 or more. The next number makes a new one, with
            a name of its own; the one before stays in the account.
        validity_months: for how long a signature is valid, 1 to 135. AWS Signer does not change it
            in a profile: another one comes with the next generation.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import App, Stack
    >>> ImageSigningProfile(
    ...     Stack(App(), "Images"), "Signing", repositories=["acme/*"]).profile_name
    'dpra_images_1'

    Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/managed-signing.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        repositories: Sequence[str],
        generation: int = 1,
        validity_months: int = _MOST_MONTHS,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        filters = arguments.some_texts(where, "repositories", repositories)
        for number, each in enumerate(filters):
            _filter(where, f"repositories[{number}]", each)
        arguments.unique(where, "repositories", filters)
        if len(filters) > _MOST_FILTERS:
            raise InvalidArgumentError(
                where,
                f"repositories has {len(filters)} names, and {_MOST_FILTERS} are the most",
                'take a pattern for several, like "acme/*"',
            )
        arguments.count(1, 1_000)(where, "generation", generation)
        arguments.count(1, _MOST_MONTHS)(where, "validity_months", validity_months)
        super().__init__(scope, id)
        #: Its name, which `EcrPush(signing_profile=)` takes.
        self.profile_name = f"dpra_images_{generation}"
        #: The profile.
        self.profile = signer.CfnSigningProfile(
            self,
            f"Profile{generation}",
            platform_id=_PLATFORM,
            profile_name=self.profile_name,
            signature_validity_period={"type": "MONTHS", "value": validity_months},
        )
        # Signatures are verified for as long as it is there, and its name is not given twice.
        self.profile.apply_removal_policy(RemovalPolicy.RETAIN)
        stack = Stack.of(self)
        arn = (
            f"arn:{stack.partition}:signer:{stack.region}:{stack.account}"
            f":/signing-profiles/{self.profile_name}"
        )
        #: The registry's signing configuration.
        self.configuration = ecr.CfnSigningConfiguration(
            self,
            "Configuration",
            rules=[
                {
                    "signingProfileArn": arn,
                    "repositoryFilters": [
                        {"filter": each, "filterType": "WILDCARD_MATCH"} for each in filters
                    ],
                }
            ],
        )
        self.configuration.add_dependency(self.profile)
