"""How a pipeline's artifacts are signed, and whose signatures are accepted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dpra_constructs import arguments
from dpra_constructs.artifact_integrity.function_signing import FunctionSigning
from dpra_constructs.errors import InvalidArgumentError

_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]{1,128}")
_MOST_KEYS = 10


@dataclass(frozen=True, slots=True)
class AcceptedKey:
    """A key of before a rotation: what it sealed is accepted still, so that a rollback passes.

    Args:
        key_arn: of an asymmetric key of AWS KMS, ECC_NIST_P256, in the pipeline's account and
            region. It stays enabled for as long as a release that it sealed can be rolled back
            to: a disabled key verifies nothing.
        valid_from: from when on it sealed, with a time zone; from the beginning without it.
        valid_until: until when it sealed, with a time zone. Needed: what is sealed later is by the
            new key, or by somebody else.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from datetime import UTC
    >>> AcceptedKey(
    ...     "arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d",
    ...     valid_until=datetime(2026, 3, 1, tzinfo=UTC)).valid_from
    """

    key_arn: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        where = "AcceptedKey"
        if not isinstance(self.key_arn, str) or not _KEY_ARN.fullmatch(self.key_arn):
            raise InvalidArgumentError(
                where,
                f"key_arn={arguments.shown(self.key_arn)} is not the ARN of a key of AWS KMS",
                'write it like key_arn="arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d"',
            )
        for name in ("valid_from", "valid_until"):
            value = getattr(self, name)
            if value is None and name == "valid_from":
                continue
            if not isinstance(value, datetime) or value.tzinfo is None:
                raise InvalidArgumentError(
                    where,
                    f"{name}={arguments.shown(value)} is not a time with a time zone",
                    f"write it like {name}=datetime(2026, 3, 1, tzinfo=UTC)",
                )
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise InvalidArgumentError(
                where, "valid_from is not before valid_until", "exchange the two"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactSigning:
    """How artifacts are sealed (DPRA-BUILD-SIGNATURE, DPRA-GAMMA-DEPLOY).

    Args:
        key_generation: the number of the signing key, 1 or more. The next number makes a new key;
            the one before stays in the account, and is named in `accepted_keys`.
        accepted_keys: keys of before; 9 at most.
        functions: how the code of Lambda functions is signed; without it AWS Lambda verifies none.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> ArtifactSigning().key_generation
    1

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    """

    key_generation: int = 1
    accepted_keys: Sequence[AcceptedKey] = ()
    functions: FunctionSigning | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        where = "ArtifactSigning"
        arguments.count(1, 1_000)(where, "key_generation", self.key_generation)
        keys = self.accepted_keys
        if isinstance(keys, AcceptedKey) or not isinstance(keys, Sequence):
            raise InvalidArgumentError(
                where,
                f"accepted_keys={arguments.shown(keys)} is not a sequence of AcceptedKey",
                "write it as a list: accepted_keys=[AcceptedKey(...)]",
            )
        for key in keys:
            arguments.instance(where, "accepted_keys", key, AcceptedKey, "[AcceptedKey(...)]")
        if len(keys) >= _MOST_KEYS:
            raise InvalidArgumentError(
                where,
                f"accepted_keys has {len(keys)} keys, and {_MOST_KEYS - 1} are the most",
                "leave those out whose releases nobody rolls back to",
            )
        arguments.unique(where, "accepted_keys", [key.key_arn for key in keys])
        if self.functions is not None:
            arguments.instance(
                where,
                "functions",
                self.functions,
                FunctionSigning,
                "FunctionSigning(profiles=[...])",
            )
        object.__setattr__(self, "accepted_keys", tuple(keys))
