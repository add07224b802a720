"""A signing profile of AWS Signer, and the bucket in which code is signed."""

from __future__ import annotations

from aws_cdk import Acknowledgment, CfnOutput, RemovalPolicy, Stack, Token, Validations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_signer as signer
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.artifact_integrity.runtime.signed_functions import (
    JOBS,
    UNSIGNED,
    ProfileVersion,
)
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.private_bucket import PRIVATE_BUCKET
from dpra_constructs.resource_policies import tls_only

# For Lambda there is one: https://docs.aws.amazon.com/signer/latest/api/API_SigningPlatform.html
_PLATFORM = "AWSLambda-SHA384-ECDSA"
_MOST_MONTHS = 135
# What is signed is read at once; later what is kept is taken.
_SHORT_LIVED = (JOBS, UNSIGNED)


class FunctionSigningProfile(Construct):
    """What `Seal` signs the code of Lambda functions with, in one region (DPRA-BUILD-SIGNATURE).

    A profile of AWS Signer, and a bucket that keeps what was signed: by the content, so that
    unchanged code stays the same archive. All pipelines of the account share the bucket, and each
    role writes to the keys of its own pipeline. It stands in a stack of its own in the pipeline's
    account, one in each region that has functions, and is deployed once, by hand: a pipeline names
    the ARN of the profile's version, which nobody knows before. Both stay when the stack goes.

    Args:
        scope: the stack, with a concrete account and region.
        id: the construct's id.
        generation: the number of the profile, 1 or more. The next number makes a new one, with an
            ARN of its own; the one before stays in the account.
        validity_months: for how long a signature is valid, 1 to 135. Code that was signed before
            keeps running, and is not deployed again.

    Raises:
        InvalidArgumentError: a number is outside of that, or the stack has no account or region.

    >>> from aws_cdk import App, Environment, Stack
    >>> stack = Stack(
    ...     App(), "Signing", env=Environment(account="111111111111", region="us-west-2"))
    >>> FunctionSigningProfile(stack, "Functions").bucket_name
    'dpra-signed-functions-111111111111-us-west-2'

    Source: https://docs.aws.amazon.com/signer/latest/developerguide/lambda-workflow.html
    """

    def __init__(
        self, scope: Construct, id: str, *, generation: int = 1, validity_months: int = _MOST_MONTHS
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.count(1, 1_000)(where, "generation", generation)
        arguments.count(1, _MOST_MONTHS)(where, "validity_months", validity_months)
        stack = Stack.of(scope)
        if Token.is_unresolved(stack.account) or Token.is_unresolved(stack.region):
            raise InvalidArgumentError(
                where,
                f"its stack {stack.stack_name} has no concrete account and region",
                'give the stack env=Environment(account="111111111111", region="us-west-2")',
            )
        super().__init__(scope, id)
        place = ProfileVersion(stack.partition, stack.region, stack.account, "", "")
        #: Its name: pipelines derive it from the account and the region.
        self.bucket_name = place.bucket
        self.bucket = _bucket(self, place.bucket)
        #: The profile, whose versions functions trust.
        self.profile = signer.CfnSigningProfile(
            self,
            f"Profile{generation}",
            platform_id=_PLATFORM,
            signature_validity_period={"type": "MONTHS", "value": validity_months},
        )
        # Functions trust it by its ARN, and AWS Signer gives no profile the same one again.
        self.profile.apply_removal_policy(RemovalPolicy.RETAIN)
        CfnOutput(
            self,
            "ProfileVersionArn",
            value=self.profile.attr_profile_version_arn,
            description="For FunctionSigning(profiles=[...])",
        )


def _bucket(scope: Construct, name: str) -> s3.CfnBucket:
    bucket = s3.CfnBucket(
        scope,
        "Bucket",
        bucket_name=name,
        **PRIVATE_BUCKET,
        lifecycle_configuration={
            "rules": [
                {
                    "id": folder,
                    "prefix": f"{folder}/",
                    "status": "Enabled",
                    "expirationInDays": 1,
                    "noncurrentVersionExpiration": {"noncurrentDays": 1},
                }
                for folder in _SHORT_LIVED
            ]
        },
        # AWS Signer reads a version of an object.
        versioning_configuration={"status": "Enabled"},
    )
    bucket.apply_removal_policy(RemovalPolicy.RETAIN)
    Validations.of(bucket).acknowledge(
        Acknowledgment(
            id="AwsSolutions-S1",
            reason="Each archive is compared with what was built, and AWS Lambda verifies its "
            "signature: who read or wrote the bucket decides nothing",
        )
    )
    s3.CfnBucketPolicy(
        scope,
        "BucketPolicy",
        bucket=bucket.ref,
        policy_document={"Version": "2012-10-17", "Statement": [tls_only(bucket.attr_arn)]},
    )
    return bucket
