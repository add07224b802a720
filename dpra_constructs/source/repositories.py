"""Repositories that a pipeline can start from; each starts it for the trunk and for nothing else.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/integrations-action-type.html
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

_CONNECTION_ARN = re.compile(
    r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[\w-]+"
)
# https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
_CODECOMMIT_NAME = re.compile(r"[\w.-]{1,100}")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# A branch filter of a trigger takes glob patterns; a trunk with one would be many branches.
_BRANCH = re.compile(r"[^\s*?\[\]{}!,\\~^:]{1,255}")
# Patterns per filter: https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
_MOST_PATTERNS = 8


_HOSTS = {"GitHub": "github.com", "GitLab": "gitlab.com", "Bitbucket": "bitbucket.org"}


def _trunk(where: str, trunk: object) -> None:
    if not isinstance(trunk, str) or not _BRANCH.fullmatch(trunk):
        raise InvalidArgumentError(
            where,
            f"trunk={trunk!r} is not the name of one branch (patterns are not: DPRA-SOURCE-TRUNK)",
            'name the branch, like trunk="main"',
        )


class Repository(ABC):
    """Where the source comes from; the engine knows the three kinds below."""

    __slots__ = ()

    @property
    @abstractmethod
    def description(self) -> str:
        """What the pipeline's outline shows, like `GitHub acme/fruit-api, branch main`."""

    @property
    @abstractmethod
    def uri(self) -> str:
        """The address that provenance states."""

    @property
    def branch(self) -> str:
        """The branch; empty where there is none."""
        return str(getattr(self, "trunk", ""))

    @property
    def revision_attribute(self) -> str:
        """The output variable of the source action that names what is released."""
        return "CommitId"


@dataclass(frozen=True, slots=True)
class ConnectedRepository(Repository):
    """A repository that AWS CodeConnections reaches.

    Use the class that is named after the host; all take the same arguments:

    Args:
        name: owner and repository, like `acme/fruit-api`; GitLab's may have groups between.
        connection_arn: the ARN of the connection, made and approved in the console once.
        trunk: the branch whose commits run the pipeline.
        only_paths: glob patterns; at least one changed file has to match. Up to 8. Without
            them every commit to the trunk runs the pipeline.
        ignore_paths: glob patterns; a commit that changes nothing else runs nothing. Up to 8.

    Raises:
        InvalidArgumentError: a value is not one of those.
    """

    name: str
    _: KW_ONLY
    connection_arn: str
    trunk: str = "main"
    only_paths: Sequence[str] = ()
    ignore_paths: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the values and freeze the patterns."""
        where = f'{type(self).__name__} "{self.name}"'
        if not isinstance(self.name, str) or not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", self.name):
            raise InvalidArgumentError(
                where,
                f"name={self.name!r} is not owner and repository with a slash between",
                'write it like "acme/fruit-api", without host and ".git"',
            )
        if not isinstance(self.connection_arn, str) or not _CONNECTION_ARN.fullmatch(
            self.connection_arn
        ):
            raise InvalidArgumentError(
                where,
                f"connection_arn={self.connection_arn!r} is not the ARN of a connection",
                "make one in the console (Developer Tools, Connections) and copy its ARN: "
                "arn:aws:codeconnections:REGION:ACCOUNT:connection/ID",
            )
        _trunk(where, self.trunk)
        for argument in ("only_paths", "ignore_paths"):
            patterns = arguments.texts(where, argument, getattr(self, argument))
            arguments.unique(where, argument, patterns)
            if len(patterns) > _MOST_PATTERNS:
                raise InvalidArgumentError(
                    where,
                    f"{argument} has {len(patterns)} patterns; CodePipeline takes {_MOST_PATTERNS}",
                    "join some with a wider pattern, like 'src/**'",
                )
            object.__setattr__(self, argument, patterns)

    @property
    def description(self) -> str:
        """The host, the repository and the branch."""
        return f"{type(self).__name__} {self.name}, branch {self.trunk}"

    @property
    def uri(self) -> str:
        """The repository's address, or the connection's where only that knows the host."""
        if host := _HOSTS.get(type(self).__name__):
            return f"https://{host}/{self.name}"
        return f"{self.connection_arn}/{self.name}"


class GitHub(ConnectedRepository):
    """A repository on github.com. See `ConnectedRepository` for the arguments.

    >>> GitHub("acme/fruit-api", connection_arn="arn:aws:codeconnections:us-west-2:111111111111:"
    ...        "connection/1c2d3e4f").description
    'GitHub acme/fruit-api, branch main'
    """

    __slots__ = ()


class GitHubEnterpriseServer(ConnectedRepository):
    """A repository on a GitHub Enterprise Server. See `ConnectedRepository` for the arguments."""

    __slots__ = ()


class GitLab(ConnectedRepository):
    """A repository on gitlab.com. See `ConnectedRepository` for the arguments."""

    __slots__ = ()


class GitLabSelfManaged(ConnectedRepository):
    """A repository on a self-managed GitLab. See `ConnectedRepository` for the arguments."""

    __slots__ = ()


class Bitbucket(ConnectedRepository):
    """A repository on Bitbucket Cloud. See `ConnectedRepository` for the arguments."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CodeCommit(Repository):
    """An AWS CodeCommit repository in the pipeline's own account and region.

    Args:
        name: the repository's name.
        trunk: the branch whose commits run the pipeline.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> CodeCommit("fruit-api").description
    'CodeCommit fruit-api, branch main'
    """

    name: str
    _: KW_ONLY
    trunk: str = "main"

    def __post_init__(self) -> None:
        """Check the values."""
        where = f'CodeCommit "{self.name}"'
        if not isinstance(self.name, str) or not _CODECOMMIT_NAME.fullmatch(self.name):
            raise InvalidArgumentError(
                where,
                f"name={self.name!r} is not the name of a CodeCommit repository: 1 to 100 "
                "letters, digits and . _ -",
                'write it like "fruit-api", without URL or ARN',
            )
        _trunk(where, self.trunk)

    @property
    def description(self) -> str:
        """The repository and the branch."""
        return f"CodeCommit {self.name}, branch {self.trunk}"

    @property
    def uri(self) -> str:
        """The repository, as `git-remote-codecommit` names it."""
        return f"codecommit://{self.name}"


@dataclass(frozen=True, slots=True)
class S3Source(Repository):
    """A zip file in Amazon S3 that another system writes for each commit to its trunk.

    The bucket is in the pipeline's account and region, versioned, and sends its notifications to
    Amazon EventBridge: a new version of the object runs the pipeline.

    Args:
        bucket_name: the bucket's name.
        object_key: the key of the zip file, like `trunk/source.zip`.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> S3Source("acme-source", object_key="trunk/source.zip").description
    's3://acme-source/trunk/source.zip'
    """

    bucket_name: str
    _: KW_ONLY
    object_key: str

    def __post_init__(self) -> None:
        """Check the values."""
        where = f'S3Source "{self.bucket_name}"'
        if not isinstance(self.bucket_name, str) or not _BUCKET_NAME.fullmatch(self.bucket_name):
            raise InvalidArgumentError(
                where,
                f"bucket_name={self.bucket_name!r} is not the name of a bucket",
                'write it like "acme-source", without "s3://"',
            )
        key = arguments.text(where, "object_key", self.object_key)
        if not key.endswith(".zip"):
            raise InvalidArgumentError(
                where,
                f"object_key={key!r} is not a zip file, the only form CodePipeline takes",
                'write it like "trunk/source.zip"',
            )

    @property
    def description(self) -> str:
        """The object's address."""
        return self.uri

    @property
    def uri(self) -> str:
        """The object's address."""
        return f"s3://{self.bucket_name}/{self.object_key}"

    @property
    def revision_attribute(self) -> str:
        """The version of the object."""
        return "VersionId"
