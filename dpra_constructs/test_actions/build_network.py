"""The network of a build that has to reach what is not on the internet, as a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildNetwork:
    """A VPC of the pipeline's account and region, in which a build gets its network interface.

    It is not the database's VPC, which is in another account: both have to be connected, by a
    transit gateway or VPC peering, with routes both ways, and the database's security group has to
    let the subnets in. The build also needs a way to the AWS services and to what it downloads,
    like a NAT gateway.
    Source: https://docs.aws.amazon.com/codebuild/latest/userguide/vpc-support.html

    Args:
        vpc_id: the VPC.
        subnet_ids: private subnets, 1 to 16.
        security_group_ids: 1 to 5 security groups.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> BuildNetwork(vpc_id="vpc-1a2b3c4d", subnet_ids=["subnet-1a2b3c4d"],
    ...     security_group_ids=["sg-1a2b3c4d"]).subnet_ids
    ('subnet-1a2b3c4d',)
    """

    vpc_id: str
    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        where = "BuildNetwork"
        _check_id(where, "vpc_id", self.vpc_id, "vpc")
        for argument, kind, most in (("subnet_ids", "subnet", 16), ("security_group_ids", "sg", 5)):
            ids = arguments.some_texts(where, argument, getattr(self, argument))
            for each in ids:
                _check_id(where, argument, each, kind)
            if len(ids) > most:
                raise InvalidArgumentError(
                    where,
                    f"{argument} has {len(ids)}, and CodeBuild takes {most}",
                    "name fewer",
                )
            object.__setattr__(self, argument, ids)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What CodeBuild needs in the name of the build to attach it to the network."""
        own = "arn:{partition}:ec2:{region}:{account}"
        subnets = [f"subnet/{each}" for each in self.subnet_ids]
        groups = [f"security-group/{each}" for each in self.security_group_ids]
        in_subnets = {"ArnLike": {"ec2:Subnet": [f"arn:*:ec2:*:*:{each}" for each in subnets]}}
        interface = "Amazon EC2 makes the id of a build's network interface when the build starts"
        return (
            Permission(
                actions=[
                    "ec2:DescribeDhcpOptions",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                ],
                resources=["*"],
                reason="These actions of Amazon EC2 only read, and know no resources",
            ),
            Permission(
                actions=["ec2:CreateNetworkInterface"],
                resources=[f"{own}:{each}" for each in ("network-interface/*", *subnets, *groups)],
                reason=interface,
            ),
            Permission(
                actions=["ec2:DeleteNetworkInterface"],
                resources=[f"{own}:network-interface/*"],
                reason=interface,
                conditions=in_subnets,
            ),
            Permission(
                actions=["ec2:CreateNetworkInterfacePermission"],
                resources=[f"{own}:network-interface/*"],
                reason=interface,
                conditions={
                    "StringEquals": {"ec2:AuthorizedService": ["codebuild.amazonaws.com"]},
                    **in_subnets,
                },
            ),
        )


def _check_id(where: str, argument: str, value: object, kind: str) -> None:
    if not isinstance(value, str) or not re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}", value):
        raise InvalidArgumentError(
            where,
            f"{argument} has {arguments.shown(value)}, which is not an id like {kind}-1a2b3c4d",
            f"copy it from the VPC console: {kind}- and 8 to 17 hexadecimal digits",
        )
