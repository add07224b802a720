"""Where a secret is kept: a build gets it when it starts, and it stands in no template or log."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass

from dpra_constructs.errors import InvalidArgumentError

# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
_SECRET = re.compile(r"[\w/+=.@-]{1,512}")
_JSON_KEY = re.compile(r"[^:\s]+")
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
_PARAMETER = re.compile(r"/?[\w.-]+(/[\w.-]+)*")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Use `SecretsManagerSecret` or `SecureParameter`."""

    name: str
    _: KW_ONLY
    kms_key_arn: str | None = None

    def _check_key(self, where: str) -> None:
        if self.kms_key_arn is not None and not _KEY_ARN.fullmatch(str(self.kms_key_arn)):
            raise InvalidArgumentError(
                where,
                f"kms_key_arn={self.kms_key_arn!r} is not the ARN of a KMS key",
                "write it like arn:aws:kms:REGION:ACCOUNT:key/ID, or leave it out for the "
                "service's own key",
            )


@dataclass(frozen=True, slots=True)
class SecretsManagerSecret(SecretReference):
    """A secret of AWS Secrets Manager in the pipeline's account and region.

    Args:
        name: the secret's name, without the random end of its ARN.
        json_key: which value of a secret that is a JSON object; without it the whole secret.
        kms_key_arn: the key that encrypts it, if it is not `aws/secretsmanager`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> SecretsManagerSecret("acme/sonar", json_key="token").code_build_value
    'acme/sonar:token'
    """

    _: KW_ONLY
    json_key: str | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        where = "SecretsManagerSecret"
        if not isinstance(self.name, str) or not _SECRET.fullmatch(self.name):
            raise InvalidArgumentError(
                where,
                f"name={self.name!r} is not the name of a secret: 1 to 512 letters, digits and "
                "/ _ + = . @ -",
                'write it like "acme/sonar", and the value\'s name as json_key',
            )
        if self.json_key is not None and not _JSON_KEY.fullmatch(str(self.json_key)):
            raise InvalidArgumentError(
                where,
                f"json_key={self.json_key!r} is not the name of a value, without colon and space",
                'write it like json_key="token"',
            )
        self._check_key(where)

    @property
    def code_build_value(self) -> str:
        """How CodeBuild refers to it."""
        return self.name if self.json_key is None else f"{self.name}:{self.json_key}"


@dataclass(frozen=True, slots=True)
class SecureParameter(SecretReference):
    """A SecureString of AWS Systems Manager Parameter Store in the pipeline's account and region.

    Args:
        name: the parameter's name, like `/acme/sonar-token`.
        kms_key_arn: the key that encrypts it, if it is not `aws/ssm`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> SecureParameter("/acme/sonar-token").code_build_value
    '/acme/sonar-token'
    """

    def __post_init__(self) -> None:
        """Check the values."""
        where = "SecureParameter"
        if not isinstance(self.name, str) or not _PARAMETER.fullmatch(self.name):
            raise InvalidArgumentError(
                where,
                f"name={self.name!r} is not the name of a parameter",
                'write it like "/acme/sonar-token"',
            )
        self._check_key(where)

    @property
    def code_build_value(self) -> str:
        """How CodeBuild refers to it."""
        return self.name


def secret(where: str, argument: str, value: object) -> SecretsManagerSecret | SecureParameter:
    """Return a reference; refuse a plain value, without repeating it."""
    if isinstance(value, SecretsManagerSecret | SecureParameter):
        return value
    raise InvalidArgumentError(
        where,
        f"{argument} is a plain value of type {type(value).__name__}, which would stand in the "
        "template, and a reference to a secret is needed",
        f'keep it in Secrets Manager and write {argument}=SecretsManagerSecret("acme/tools", '
        f'json_key="token"), or in Parameter Store and write SecureParameter("/acme/token")',
    )
