"""Where pull requests come from, for the CodeBuild project that builds them. Pure.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/webhooks.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.source import (
    Bitbucket,
    ConnectedRepository,
    GitHub,
    GitHubEnterpriseServer,
    GitLab,
    GitLabSelfManaged,
    Repository,
)

_OPENED = ("PULL_REQUEST_CREATED", "PULL_REQUEST_UPDATED")
_REOPENED = (*_OPENED, "PULL_REQUEST_REOPENED")
# By the class of the repository: CodeBuild's name of the host, its address, its events.
_HOSTS: dict[type[ConnectedRepository], tuple[str, str | None, tuple[str, ...]]] = {
    GitHub: ("GITHUB", "https://github.com", _REOPENED),
    GitHubEnterpriseServer: ("GITHUB_ENTERPRISE", None, _REOPENED),
    GitLab: ("GITLAB", "https://gitlab.com", _REOPENED),
    GitLabSelfManaged: ("GITLAB_SELF_MANAGED", None, _REOPENED),
    Bitbucket: ("BITBUCKET", "https://bitbucket.org", _OPENED),
}
_ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequestSource:
    """A repository whose pull requests to the trunk are built: as CodeBuild is told of it."""

    repository: ConnectedRepository
    code_build_type: str
    location: str
    events: tuple[str, ...]

    @property
    def description(self) -> str:
        """What the pipeline's outline shows."""
        return f"pull requests to {self.repository.trunk} of {self.location}"


def pull_request_source(
    where: str, repository: Repository, given: object
) -> PullRequestSource | None:
    """Return the source of `BuildStage(pull_requests=given)`; None where they are not built.

    Args:
        where: the build stage.
        repository: the source stage's.
        given: True, False, or the address of a self-managed host.

    Raises:
        InvalidArgumentError: CodeBuild gets no pull requests from the repository, or the host's
            address is missing, wrong or needless.
    """
    if given is False:
        return None
    kind = next((each for each in _HOSTS if isinstance(repository, each)), None)
    if kind is None:
        raise InvalidArgumentError(
            where,
            f"pull_requests={given!r}, and CodeBuild builds no pull requests of "
            f"{type(repository).__name__}",
            "leave it out, or move to GitHub, GitLab or Bitbucket",
        )
    code_build_type, address, events = _HOSTS[kind]
    assert isinstance(repository, ConnectedRepository)  # every key of _HOSTS is one
    example = "https://git.acme.example"
    if address is None:
        if not isinstance(given, str) or not _ADDRESS.fullmatch(given):
            raise InvalidArgumentError(
                where,
                f"pull_requests={given!r} is not the address of the {kind.__name__}",
                f'name it like pull_requests="{example}"',
            )
        address = given
    elif given is not True:
        raise InvalidArgumentError(
            where,
            f"pull_requests={given!r} is not True or False",
            f"write pull_requests=True: the address of {kind.__name__} is known",
        )
    return PullRequestSource(
        repository=repository,
        code_build_type=code_build_type,
        location=f"{address}/{repository.name}.git",
        events=events,
    )
