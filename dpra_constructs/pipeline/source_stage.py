"""The source stage: where every release begins."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.pipeline.definitions import SourceDefinition
from dpra_constructs.requirements import Requirement, checked_waivers
from dpra_constructs.source import Repository, SourceLayout


class SourceStage(Construct):
    """The repository whose trunk the pipeline carries to production (DPRA, stage Source).

    A commit to the trunk runs the pipeline, and nothing else does (DPRA-SOURCE-TRUNK).

    Args:
        scope: the pipeline stack, usually.
        id: the construct's id.
        repository: one of `dpra_constructs.source`, like `GitHub("acme/fruit-api", ...)`.
        layout: where in it the kinds of source are that the DPRA asks for.
        waivers: for each kind of source that is not there, the reason.

    Raises:
        InvalidArgumentError: an argument is not one of those, or a kind of source is neither in
            the layout nor waived.

    >>> from aws_cdk import Stack
    >>> from dpra_constructs.source import CodeCommit
    >>> source = SourceStage(Stack(), "Source", repository=CodeCommit("fruit-api"),
    ...     layout=SourceLayout(application=["src"], tests=["tests"],
    ...                         infrastructure=["infrastructure"],
    ...                         dependency_manifests=["pyproject.toml"],
    ...                         static_configuration=["config"]),
    ...     waivers={Requirement.SOURCE_STATIC_ASSETS: "an API without pages"})
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        repository: Repository,
        layout: SourceLayout,
        waivers: Mapping[Requirement, str] | None = None,
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(
            where, "repository", repository, Repository, 'GitHub("acme/fruit-api", ...)'
        )
        arguments.instance(where, "layout", layout, SourceLayout, "SourceLayout(...)")
        waived = checked_waivers(where, ("source",), waivers or {})
        layout.require_complete(where, waived)
        super().__init__(scope, id)
        self.definition = SourceDefinition(
            where=where, repository=repository, layout=layout, waivers=waived
        )
