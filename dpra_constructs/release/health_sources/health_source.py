"""What all health sources share: their name, their secrets, how long they settle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, secret
from dpra_constructs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from aws_cdk import Duration

_SHORTEST_SETTLE_MINUTES = 5
_LONGEST_SETTLE_MINUTES = 23 * 60
# The bake's token holds a moment for each, and is at most 2,048 characters.
MOST_SOURCES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthSource:
    """Use `DatadogMonitor`, `DynatraceProblems` or `HttpHealth`.

    Args:
        name: what messages and metrics call it; 1 to 40 letters, digits and hyphens. Needed where
            a stage has several sources of one kind.
        settle: how long after a deployment it may still show the version before, 5 minutes to 23
            hours, in whole minutes; 5 minutes without it.
    """

    KIND: ClassVar[str]

    name: str = ""
    settle: Duration | None = field(default=None, compare=False, repr=False)
    settle_minutes: int = field(init=False, default=_SHORTEST_SETTLE_MINUTES)

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "name", self.name or type(self).__name__)
        arguments.name(self.where, self.name)
        if self.settle is not None:
            minutes = arguments.whole(
                self.where,
                "settle",
                self.settle,
                at_least=_SHORTEST_SETTLE_MINUTES,
                at_most=_LONGEST_SETTLE_MINUTES,
            )
            object.__setattr__(self, "settle_minutes", minutes)
        for argument, value in self.secrets.items():
            _check_secret(self.where, argument, value)
        self.check()

    def check(self) -> None:
        """Check what the kind has of its own."""
        raise NotImplementedError

    @property
    def where(self) -> str:
        """What errors call it."""
        return f'{type(self).__name__} "{self.name}"'

    @property
    def secrets(self) -> Mapping[str, SecretsManagerSecret]:
        """Its tokens, by the name of their argument."""
        raise NotImplementedError

    @property
    def properties(self) -> Mapping[str, Any]:
        """What the bake's function is told beside its name and its secrets."""
        raise NotImplementedError

    @property
    def told(self) -> dict[str, Any]:
        """All that the bake's function is told: where the secrets are, and not what they are."""
        return {
            "kind": self.KIND,
            "name": self.name,
            "secrets": {key: [each.name, each.json_key] for key, each in self.secrets.items()},
            **self.properties,
        }

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What reading its tokens needs, and no more."""
        names = sorted({each.name for each in self.secrets.values()})
        keys = sorted({each.kms_key_arn for each in self.secrets.values() if each.kms_key_arn})
        arn = "arn:{partition}:secretsmanager:{region}:{account}:secret:"
        return (
            Permission(
                actions=["secretsmanager:GetSecretValue"],
                # Secrets Manager adds a hyphen and six characters to the name.
                resources=[f"{arn}{name}-??????" for name in names],
            ),
            *([Permission(actions=["kms:Decrypt"], resources=keys)] if keys else []),
        )


def _check_secret(where: str, argument: str, value: object) -> None:
    secret(where, argument, value)
    if not isinstance(value, SecretsManagerSecret):
        raise InvalidArgumentError(
            where,
            f"{argument} is a parameter, and a secret of Secrets Manager is needed",
            f'write it like {argument}=SecretsManagerSecret("acme/monitoring", json_key="token")',
        )


def read_health_sources(where: str, given: object, *, bakes: bool) -> tuple[HealthSource, ...]:
    """Return health sources; refuse other things, two of one name, and those that nobody reads.

    Args:
        where: what takes them.
        given: what it got.
        bakes: whether it has a bake, which reads them.
    """
    example = "health_sources=[DatadogMonitor(1234, api_key=..., application_key=...)]"
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise InvalidArgumentError(
            where,
            f"health_sources={arguments.shown(given)} is no sequence",
            f"write it like {example}",
        )
    sources = tuple(given)
    for source in sources:
        arguments.instance(where, "health_sources", source, HealthSource, example.partition("=")[2])
    arguments.unique(where, "the names of health_sources", [each.name for each in sources])
    if len(sources) > MOST_SOURCES:
        raise InvalidArgumentError(
            where,
            f"health_sources has {len(sources)}, and a bake reads at most {MOST_SOURCES}",
            "join monitors into a composite monitor",
        )
    if sources and not bakes:
        raise InvalidArgumentError(
            where,
            "health_sources are read by a bake, and there is none",
            "give it a bake, like bake=Duration.minutes(30)",
        )
    return sources
