"""Where the application's source comes from, and which kinds of source it has."""

from dpra_constructs.source.layout import SourceLayout
from dpra_constructs.source.repositories import (
    Bitbucket,
    CodeCommit,
    ConnectedRepository,
    GitHub,
    GitHubEnterpriseServer,
    GitLab,
    GitLabSelfManaged,
    Repository,
    S3Source,
)

__all__ = [
    "Bitbucket",
    "CodeCommit",
    "ConnectedRepository",
    "GitHub",
    "GitHubEnterpriseServer",
    "GitLab",
    "GitLabSelfManaged",
    "Repository",
    "S3Source",
    "SourceLayout",
]
