"""The requirements of the Deployment Pipeline Reference Architecture (DPRA), and their waivers.

The ids are contract: they stand in waivers, in the template's metadata, in findings and in docs.
Source: https://aws-samples.github.io/aws-deployment-pipeline-reference-architecture/
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from dpra_constructs.errors import InvalidArgumentError, WaiverNeededError

_NO_REASONS = frozenset(
    [
        "todo",
        "tbd",
        "tba",
        "fixme",
        "later",
        "none",
        "n/a",
        "na",
        "not needed",
        "not applicable",
        "waived",
        "because",
        "no reason",
    ]
)
_SHORTEST_REASON = 10


class Requirement(Enum):
    """One requirement of the DPRA; `value` is its id.

    `stage` is local, source, build, beta, gamma, prod or all; `required` is False for what the
    DPRA only recommends; `title` and `why` are for people.

    >>> Requirement.GAMMA_REGIONS.value, Requirement.GAMMA_REGIONS.stage
    ('DPRA-GAMMA-REGIONS', 'gamma')
    >>> Requirement("DPRA-GAMMA-DAST").required
    False
    """

    stage: str
    required: bool
    title: str
    why: str

    def __new__(cls, id: str, stage: str, level: str, title: str, why: str) -> Requirement:
        """Make a member whose value is its id."""
        member = object.__new__(cls)
        member._value_ = id
        member.stage = stage
        member.required = level == "required"
        member.title = title
        member.why = why
        return member

    LOCAL_PRE_COMMIT = (
        "DPRA-LOCAL-PRE-COMMIT",
        "local",
        "required",
        "Pre-commit hooks",
        "Developers learn of problems on their workstation, before the pipeline runs.",
    )
    SOURCE_TRUNK = (
        "DPRA-SOURCE-TRUNK",
        "source",
        "required",
        "Trunk only",
        "Only commits to the trunk run the pipeline: each run is a candidate for production.",
    )
    SOURCE_APPLICATION = (
        "DPRA-SOURCE-APPLICATION",
        "source",
        "required",
        "Application source code",
        "What runs is versioned and access to it is controlled by roles.",
    )
    SOURCE_TESTS = (
        "DPRA-SOURCE-TESTS",
        "source",
        "required",
        "Test source code",
        "Tests change in the same commit as the code that they verify.",
    )
    SOURCE_INFRASTRUCTURE = (
        "DPRA-SOURCE-INFRASTRUCTURE",
        "source",
        "required",
        "Infrastructure source code",
        "Infrastructure changes in the same commit as the code that needs it.",
    )
    SOURCE_STATIC_ASSETS = (
        "DPRA-SOURCE-STATIC-ASSETS",
        "source",
        "required",
        "Static assets",
        "Pages, styles and images are released with the code that uses them.",
    )
    SOURCE_DEPENDENCIES = (
        "DPRA-SOURCE-DEPENDENCIES",
        "source",
        "required",
        "Dependency manifests",
        "Third-party code is named, so that it can be pinned, scanned and rebuilt.",
    )
    SOURCE_CONFIGURATION = (
        "DPRA-SOURCE-CONFIGURATION",
        "source",
        "required",
        "Static configuration",
        "Behaviour is configured in files; what differs by environment is injected at deployment.",
    )
    SOURCE_DATABASE = (
        "DPRA-SOURCE-DATABASE",
        "source",
        "recommended",
        "Database source code",
        "Schema and reference data are versioned with the code that relies on them.",
    )
    BUILD_CODE = (
        "DPRA-BUILD-CODE",
        "build",
        "required",
        "Build code",
        "Source is turned once into artifacts that are promoted through the environments.",
    )
    BUILD_UNIT_TESTS = (
        "DPRA-BUILD-UNIT-TESTS",
        "build",
        "required",
        "Unit tests",
        "Functions and classes are verified in seconds, and the results are published.",
    )
    BUILD_QUALITY = (
        "DPRA-BUILD-QUALITY",
        "build",
        "required",
        "Code quality",
        "Violations of the team's important practices stop the build.",
    )
    BUILD_SECRETS = (
        "DPRA-BUILD-SECRETS",
        "build",
        "required",
        "Secrets detection",
        "A credential in the source stops the build at once.",
    )
    BUILD_SAST = (
        "DPRA-BUILD-SAST",
        "build",
        "required",
        "Static application security testing",
        "Security findings above a threshold stop the build.",
    )
    BUILD_PACKAGE = (
        "DPRA-BUILD-PACKAGE",
        "build",
        "required",
        "Package and store artifacts",
        "What was tested is what is deployed: packaged once, stored, never rebuilt.",
    )
    BUILD_SIGNATURE = (
        "DPRA-BUILD-SIGNATURE",
        "build",
        "required",
        "Signed artifacts",
        "A deployment can tell that its artifact comes from the pipeline, unaltered.",
    )
    BUILD_SCA = (
        "DPRA-BUILD-SCA",
        "build",
        "required",
        "Software composition analysis",
        "Vulnerable or unlicensed dependencies stop the build.",
    )
    BUILD_SBOM = (
        "DPRA-BUILD-SBOM",
        "build",
        "required",
        "Software bill of materials",
        "It is known which release contains which dependency.",
    )
    BUILD_TIME = (
        "DPRA-BUILD-TIME",
        "build",
        "required",
        "Build within 10 minutes",
        "Developers get feedback before they turn to other work.",
    )
    BETA_ENVIRONMENT = (
        "DPRA-BETA-ENVIRONMENT",
        "beta",
        "required",
        "Beta environment",
        "The newest code is verified where only its own team is affected.",
    )
    BETA_INTEGRATION = (
        "DPRA-BETA-INTEGRATION",
        "beta",
        "required",
        "Integration tests",
        "Business requirements are verified against a running deployment.",
    )
    BETA_ACCEPTANCE = (
        "DPRA-BETA-ACCEPTANCE",
        "beta",
        "required",
        "Acceptance tests",
        "The most important workflows are verified from the user's perspective.",
    )
    BETA_TIME = (
        "DPRA-BETA-TIME",
        "beta",
        "required",
        "Beta within 30 minutes",
        "Feedback from a running deployment stays fast.",
    )
    GAMMA_ENVIRONMENT = (
        "DPRA-GAMMA-ENVIRONMENT",
        "gamma",
        "required",
        "Gamma environment in an account of its own",
        "Gamma is launched from code and kept apart from the tools that run the pipeline.",
    )
    GAMMA_REGIONS = (
        "DPRA-GAMMA-REGIONS",
        "gamma",
        "required",
        "Gamma in the regions of production",
        "What differs by region shows in gamma, not first in production.",
    )
    GAMMA_DEPLOY = (
        "DPRA-GAMMA-DEPLOY",
        "gamma",
        "required",
        "Deploy the packaged artifact",
        "The artifact of the build is deployed through roles, without long-lived credentials.",
    )
    GAMMA_MONITORING = (
        "DPRA-GAMMA-MONITORING",
        "gamma",
        "required",
        "Monitoring in gamma",
        "A deployment that breaches an alarm fails and is rolled back.",
    )
    GAMMA_SYNTHETICS = (
        "DPRA-GAMMA-SYNTHETICS",
        "gamma",
        "required",
        "Synthetic tests in gamma",
        "There is always enough traffic to trip an alarm when a deployment is unhealthy.",
    )
    GAMMA_PERFORMANCE = (
        "DPRA-GAMMA-PERFORMANCE",
        "gamma",
        "recommended",
        "Performance tests",
        "Loss of capacity is found before production.",
    )
    GAMMA_RESILIENCE = (
        "DPRA-GAMMA-RESILIENCE",
        "gamma",
        "recommended",
        "Resilience tests",
        "The service survives injected faults under load.",
    )
    GAMMA_DAST = (
        "DPRA-GAMMA-DAST",
        "gamma",
        "recommended",
        "Dynamic application security testing",
        "The running service is scanned for vulnerabilities.",
    )
    GAMMA_TIME = (
        "DPRA-GAMMA-TIME",
        "gamma",
        "required",
        "Gamma within 30 minutes",
        "Feedback from a production-like environment stays fast.",
    )
    PROD_APPROVAL = (
        "DPRA-PROD-APPROVAL",
        "prod",
        "required",
        "Manual approval",
        "An authorized person approves the release.",
    )
    PROD_WAVES = (
        "DPRA-PROD-WAVES",
        "prod",
        "required",
        "Waves of regions",
        "A faulty release reaches few customers before it is seen.",
    )
    PROD_PROGRESSIVE = (
        "DPRA-PROD-PROGRESSIVE",
        "prod",
        "required",
        "Progressive deployment in a region",
        "Traffic moves to the new version a little at a time.",
    )
    PROD_ROLLBACK = (
        "DPRA-PROD-ROLLBACK",
        "prod",
        "required",
        "Automatic rollback",
        "A release that breaches an alarm is rolled back without waiting for a person.",
    )
    PROD_SYNTHETICS = (
        "DPRA-PROD-SYNTHETICS",
        "prod",
        "recommended",
        "Synthetic tests in production",
        "Workflows are verified around the clock, also when no customer uses them.",
    )
    METRICS = (
        "DPRA-METRICS",
        "all",
        "required",
        "Delivery metrics",
        "Lead time, deploy frequency, MTBF and MTTR show whether delivery improves.",
    )


def checked_waivers(
    where: str, stages: tuple[str, ...], given: Mapping[Requirement, str]
) -> Mapping[Requirement, str]:
    """Return waivers as a read-only mapping.

    Raises:
        InvalidArgumentError: a key is no Requirement of these stages, or a reason says nothing.
    """
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(
            where,
            f"waivers={given!r} is not a mapping of requirements to reasons",
            'write it like waivers={Requirement.GAMMA_REGIONS: "the reason"}',
        )
    for requirement, reason in given.items():
        if not isinstance(requirement, Requirement):
            raise InvalidArgumentError(
                where,
                f"waivers has the key {requirement!r}, which is not a Requirement",
                "use a member of dpra_constructs.Requirement",
            )
        if requirement.stage not in stages:
            raise InvalidArgumentError(
                where,
                f"waivers has {requirement.value}, which is a requirement of {requirement.stage}, "
                f"not of {' or '.join(stages)}",
                f"waive it where {requirement.stage} is defined",
            )
        if (
            not isinstance(reason, str)
            or len(reason.strip()) < _SHORTEST_REASON
            or reason.strip(" .!").lower() in _NO_REASONS
        ):
            raise InvalidArgumentError(
                where,
                f"waivers[{requirement.value}]={reason!r} is not a reason: it is published in the "
                f"template and read by auditors, and needs at least {_SHORTEST_REASON} characters",
                "say why the requirement does not hold here, and what stands in its place",
            )
    return MappingProxyType(dict(given))


def require(
    where: str,
    requirement: Requirement,
    is_met: bool,
    waived: Mapping[Requirement, str],
    problem: str,
    fix: str,
) -> None:
    """Refuse what is against a requirement and not waived.

    Raises:
        WaiverNeededError: the requirement is neither met nor waived.
    """
    if not is_met and requirement not in waived:
        raise WaiverNeededError(
            where, problem, f"{fix}, or waive {requirement.value} with a reason"
        )
