"""A repository of Amazon ECR, whose images stay what was pushed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.build_actions.docker import repository_name as checked_name

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
# Of 100,000 images in a repository, each with a signature beside it.
_MOST_IMAGES = 40_000


class ImageRepository(Construct):
    """Where `EcrPush` pushes to (DPRA-BUILD-PACKAGE, DPRA-BUILD-SIGNATURE).

    A tag is a commit, and never another image. Amazon ECR scans each image when it is pushed, and
    encrypts it with a key of its own: a key of AWS KMS would add no control, as Amazon ECR
    decrypts for whoever the repository's policy lets pull. The repository stays when its stack
    goes. It stands in the pipeline's account and region, in the pipeline's stack or another.

    Args:
        scope: the stack.
        id: the construct's id.
        repository_name: its name, which `EcrPush(repository=)` takes.
        readers: the accounts that deploy the images, twelve digits each; they may pull, and
            nothing else. The account's own principals need no entry.
        max_image_count: how many images are kept, 1 to 40,000; the oldest go. By count and not by
            age: what is deployed or rolled back to is among the newest, however old it is.
            Signatures are not counted, and go with their image.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import App, Stack
    >>> ImageRepository(Stack(App(), "Images"), "Images", repository_name="acme/fruit",
    ...     readers=["222222222222"]).repository.image_tag_mutability
    'IMMUTABLE'

    Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        repository_name: str,
        readers: Sequence[str],
        max_image_count: int = 1_000,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        checked_name(where, "repository_name", repository_name)
        accounts = arguments.some_texts(where, "readers", readers)
        for account in accounts:
            arguments.account_id(where, account, "readers")
        arguments.unique(where, "readers", accounts)
        arguments.count(1, _MOST_IMAGES)(where, "max_image_count", max_image_count)
        super().__init__(scope, id)
        stack = Stack.of(self)
        #: The repository.
        self.repository = ecr.CfnRepository(
            self,
            "Resource",
            repository_name=repository_name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scanOnPush": True},
            encryption_configuration={"encryptionType": "AES256"},
            lifecycle_policy={"lifecyclePolicyText": _newest(max_image_count)},
            repository_policy_text={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "Pull",
                        "Effect": "Allow",
                        "Principal": {
                            "AWS": [
                                f"arn:{stack.partition}:iam::{account}:root" for account in accounts
                            ]
                        },
                        "Action": list(_PULL),
                    }
                ],
            },
        )
        self.repository.apply_removal_policy(RemovalPolicy.RETAIN)


def _newest(count: int) -> str:
    policy = {
        "rules": [
            {
                "rulePriority": 1,
                "description": f"The newest {count} releases",
                "selection": {
                    # A signature has no tag: https://github.com/aws/containers-roadmap/issues/2613
                    "tagStatus": "tagged",
                    "tagPatternList": ["*"],
                    "countType": "imageCountMoreThan",
                    "countNumber": count,
                },
                "action": {"type": "expire"},
            }
        ]
    }
    return json.dumps(policy, separators=(",", ":"))
