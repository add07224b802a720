"""The container image of a service, and who may pull it."""

from __future__ import annotations

import re
from typing import Any

from dpra_constructs.build_actions import PushedImage
from dpra_constructs.errors import InvalidArgumentError

_ADDRESS = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
)
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_ECS.html
_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def pull_statements(where: str, image: PushedImage, partition: str) -> list[dict[str, Any]]:
    """Return what the execution role needs to pull an image.

    Raises:
        InvalidArgumentError: the image is not in Amazon ECR.
    """
    address = _ADDRESS.match(image.uri)
    if not address:
        raise InvalidArgumentError(
            where,
            f"image has the address {image.uri!r}, which is not Amazon ECR's",
            "push the image by EcrPush, and give what pushed_image() reads of it",
        )
    repository = (
        f"arn:{partition}:ecr:{address['region']}:{address['account']}:"
        f"repository/{image.repository}"
    )
    return [
        {"Effect": "Allow", "Action": _PULL, "Resource": repository},
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    ]
