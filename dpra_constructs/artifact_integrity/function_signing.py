"""How the code of Lambda functions is signed with AWS Signer, and where that is enforced."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from dpra_constructs import arguments
from dpra_constructs.artifact_integrity.runtime.signed_functions import profile_version_of
from dpra_constructs.errors import InvalidArgumentError

_PROFILE_VERSION = re.compile(
    r"arn:[a-z-]+:signer:[a-z0-9-]+:\d{12}:/signing-profiles/[A-Za-z0-9_]{2,64}/[A-Za-z0-9]{10}"
)
_EXAMPLE = "arn:aws:signer:us-west-2:111111111111:/signing-profiles/fruit_api/a1B2c3D4e5"
# AWS Lambda takes 20 in a code signing configuration, and one is the region's own.
_MOST_PUBLISHERS = 19


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSigning:
    """How the code of an application's Lambda functions is signed (DPRA-BUILD-SIGNATURE).

    `Seal` signs the code of each function and layer with AWS Signer, once for each content, and
    functions of gamma and production take no other code.

    Args:
        profiles: ARNs of versions of signing profiles, one for each region that has functions. A
            profile is in the pipeline's account, made there by `FunctionSigningProfile`, which
            shows the ARN as an output.
        other_publishers: ARNs of versions of profiles that are trusted too: of layers that others
            sign, and of code that the team signs itself; 19 in a region at most.
        is_enforced: False signs, and lets functions take code that is not signed: for the first
            release, so that a rollback does not meet code from before signing.
        unsigned: functions that take code which is not signed, each by its construct's path below
            the application's `cdk.Stage`, with the reason: for those that the CDK makes with code
            in the template, like that of a bucket's notifications.

    Raises:
        InvalidArgumentError: a value is not one of those, or two profiles are of one region.

    >>> FunctionSigning(profiles=[
    ...     "arn:aws:signer:us-west-2:111111111111:/signing-profiles/fruit_api/a1B2c3D4e5",
    ... ]).is_enforced
    True

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
    """

    profiles: Sequence[str]
    other_publishers: Sequence[str] = ()
    is_enforced: bool = True
    unsigned: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values."""
        where = "FunctionSigning"
        profiles = arguments.some_texts(where, "profiles", self.profiles)
        others = arguments.texts(where, "other_publishers", self.other_publishers)
        for name, values in (("profiles", profiles), ("other_publishers", others)):
            for value in values:
                if not _PROFILE_VERSION.fullmatch(value):
                    raise InvalidArgumentError(
                        where,
                        f"{name} has {value!r}, which is not the ARN of a version "
                        "of a signing profile",
                        f'write it like "{_EXAMPLE}"; the version is the part after the last slash',
                    )
        arguments.unique(where, "profiles and other_publishers", [*profiles, *others])
        regions = [profile_version_of(profile).region for profile in profiles]
        for region in regions:
            if regions.count(region) > 1:
                raise InvalidArgumentError(
                    where,
                    f"profiles has {regions.count(region)} of region {region}, and code is signed "
                    "by one in each region",
                    "name the one that signs; others that are trusted go into other_publishers",
                )
            of_region = [each for each in others if profile_version_of(each).region == region]
            if len(of_region) > _MOST_PUBLISHERS:
                raise InvalidArgumentError(
                    where,
                    f"other_publishers has {len(of_region)} of region {region}, and "
                    f"{_MOST_PUBLISHERS} are the most",
                    "leave those out that sign nothing which is deployed",
                )
        arguments.flag(where, "is_enforced", self.is_enforced)
        if not isinstance(self.unsigned, Mapping):
            raise InvalidArgumentError(
                where,
                f"unsigned={arguments.shown(self.unsigned)} is not a mapping of paths to reasons",
                'write it like unsigned={"Api/Handler": "made by the CDK with inline code"}',
            )
        for path, reason in self.unsigned.items():
            arguments.text(where, "unsigned", path)
            arguments.text(where, f"unsigned[{path!r}]", reason)
        object.__setattr__(self, "profiles", profiles)
        object.__setattr__(self, "other_publishers", others)
        object.__setattr__(self, "unsigned", MappingProxyType(dict(self.unsigned)))

    @property
    def publishers(self) -> Mapping[str, Sequence[str]]:
        """The ARNs of whose signatures are accepted, by the region; first the one that signs."""
        found: dict[str, list[str]] = {
            profile_version_of(each).region: [each] for each in self.profiles
        }
        for each in self.other_publishers:
            found.get(profile_version_of(each).region, []).append(each)
        return found
