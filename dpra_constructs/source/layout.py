"""Which kinds of source the repository holds, and where."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields

from dpra_constructs import arguments
from dpra_constructs.requirements import Requirement, require

_REQUIREMENTS: Mapping[str, Requirement] = {
    "application": Requirement.SOURCE_APPLICATION,
    "tests": Requirement.SOURCE_TESTS,
    "infrastructure": Requirement.SOURCE_INFRASTRUCTURE,
    "static_assets": Requirement.SOURCE_STATIC_ASSETS,
    "dependency_manifests": Requirement.SOURCE_DEPENDENCIES,
    "static_configuration": Requirement.SOURCE_CONFIGURATION,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLayout:
    """Where in the repository each kind of source that the DPRA names stands.

    Each argument is a sequence of paths or glob patterns, relative to the repository's root. A
    kind of source that the application does not have is left out and waived on the
    `SourceStage`: that is how its absence gets a reason. `database` needs no waiver.

    Args:
        application: what is built and deployed (DPRA-SOURCE-APPLICATION).
        tests: test source of every kind (DPRA-SOURCE-TESTS).
        infrastructure: the CDK code (DPRA-SOURCE-INFRASTRUCTURE).
        static_assets: pages, styles, images (DPRA-SOURCE-STATIC-ASSETS).
        dependency_manifests: like `pyproject.toml` (DPRA-SOURCE-DEPENDENCIES).
        static_configuration: configuration files (DPRA-SOURCE-CONFIGURATION).
        database: schema and reference data (DPRA-SOURCE-DATABASE, recommended).

    Raises:
        InvalidArgumentError: a value is no sequence of paths inside the repository.

    >>> SourceLayout(application=["src"], tests=["tests"]).tests
    ('tests',)
    """

    application: Sequence[str] = ()
    tests: Sequence[str] = ()
    infrastructure: Sequence[str] = ()
    static_assets: Sequence[str] = ()
    dependency_manifests: Sequence[str] = ()
    static_configuration: Sequence[str] = ()
    database: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the paths and freeze them."""
        for kind in fields(self):
            paths = arguments.texts("SourceLayout", kind.name, getattr(self, kind.name))
            for path in paths:
                arguments.relative_path("SourceLayout", kind.name, path)
            arguments.unique("SourceLayout", kind.name, paths)
            object.__setattr__(self, kind.name, paths)

    def require_complete(self, where: str, waived: Mapping[Requirement, str]) -> None:
        """Refuse a kind of source that is neither named nor waived."""
        for kind, requirement in _REQUIREMENTS.items():
            require(
                where,
                requirement,
                bool(getattr(self, kind)),
                waived,
                f"layout names no {kind}",
                f"say where they are with SourceLayout({kind}=[...])",
            )

    def kinds(self, waived: Collection[Requirement]) -> dict[str, tuple[str, ...]]:
        """Return the paths of each kind that is named and not waived, by the kind's name."""
        return {
            kind.name: tuple(getattr(self, kind.name))
            for kind in fields(self)
            if getattr(self, kind.name) and _REQUIREMENTS.get(kind.name) not in waived
        }
