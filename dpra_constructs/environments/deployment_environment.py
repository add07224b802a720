"""One environment of the application: an account and its regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class DeploymentEnvironment:
    """An environment that the pipeline deploys to.

    Args:
        name: part of every stack's name, like `beta`: 1 to 40 letters, digits and hyphens.
        account: the AWS account id, twelve digits as text.
        regions: names of AWS regions, for beta and gamma; production takes its from the waves.
        configuration: what differs by environment, as text; reaches the application as
            `DeploymentTarget.configuration` (DPRA-SOURCE-CONFIGURATION).
        region_configuration: for single regions, what replaces or adds to `configuration`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> beta = DeploymentEnvironment("beta", account="222222222222", regions=["us-west-2"],
    ...                              configuration={"LOG_LEVEL": "DEBUG"})
    >>> beta.regions
    ('us-west-2',)
    """

    name: str
    _: KW_ONLY
    account: str
    regions: Sequence[str] = ()
    configuration: Mapping[str, str] = field(default_factory=dict)
    region_configuration: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values and freeze the collections."""
        where = f'DeploymentEnvironment "{self.name}"'
        arguments.name(where, self.name)
        arguments.account_id(where, self.account)
        object.__setattr__(self, "regions", arguments.regions(where, self.regions))
        object.__setattr__(
            self,
            "configuration",
            arguments.variables(where, "configuration", self.configuration),
        )
        if not isinstance(self.region_configuration, Mapping):
            raise InvalidArgumentError(
                where,
                f"region_configuration={self.region_configuration!r} is not a mapping of regions",
                'write it like region_configuration={"eu-central-1": {"LOG_LEVEL": "INFO"}}',
            )
        by_region = {}
        for region, values in self.region_configuration.items():
            arguments.region(where, region, "region_configuration")
            by_region[region] = arguments.variables(
                where, f"region_configuration[{region!r}]", values
            )
        unknown = sorted(by_region.keys() - set(self.regions)) if self.regions else []
        if unknown:
            raise InvalidArgumentError(
                where,
                f"region_configuration has {', '.join(unknown)}, which regions has not",
                "remove it, or add the region to regions",
            )
        object.__setattr__(self, "region_configuration", MappingProxyType(by_region))

    def configuration_in(self, region: str) -> Mapping[str, str]:
        """Return the configuration of one region."""
        return MappingProxyType({**self.configuration, **self.region_configuration.get(region, {})})
