"""A person's approval before production."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.release.approvers import PermissionSet, checked_approvers

if TYPE_CHECKING:
    from aws_cdk import Duration
    from aws_cdk.aws_sns import ITopic

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}")
# timeoutInMinutes of an approval action; the service's own default is seven days.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
_SHORTEST_MINUTES = 5
_LONGEST_MINUTES = 86_400
# CustomData of an approval action takes 1,000 characters; the rest refers to the changes.
_LONGEST_MESSAGE = 900
#: The actions of the approval's stage.
SUMMARIZE, APPROVE, CHECK = "Summarize-Changes", "Approve", "Check-Approver"


@dataclass(frozen=True, kw_only=True, slots=True)
class ManualApproval:
    """An authorized person approves the release (DPRA-PROD-APPROVAL).

    It is a pipeline stage of its own, `Approve-Prod`, before the first wave, so that the rollback
    of a wave never waits for a person.

    Args:
        notify: email addresses; each gets a subscription to a new topic to confirm once.
        topic: an SNS topic to notify instead of a new one, or its ARN; its policy, and its key's,
            have to let the pipeline publish.
        review_url: what the reviewer should look at, an https address. Without it the summary of
            changes, or the execution.
        message: shown to the reviewer before what is known of the release, up to 900 characters.
        timeout: after which the release fails; 5 minutes to 60 days, in whole minutes. Without
            it seven days.
        show_changes: whether an action before the approval shows what CloudFormation will change
            in every region of production.
        approvers: who may approve, as names of IAM roles of the pipeline's account, with their
            path, and `PermissionSet`s. Two managed policies say so: `<pipeline>-<region>-approve`,
            which the roles get, and `<pipeline>-<region>-only-approvers`, which denies it to all
            others that it is given to.
        forbid_author: whether an action after the approval fails the release when its commit's
            author approved it, or either is unknown; needs a Git repository.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import Duration
    >>> ManualApproval(notify=["release@acme.example"], timeout=Duration.days(1)).timeout_minutes
    1440
    >>> ManualApproval(approvers=["release-managers"], forbid_author=True).actions
    ('Summarize-Changes', 'Approve', 'Check-Approver')
    """

    notify: Sequence[str] = ()
    topic: ITopic | str | None = None
    review_url: str | None = None
    message: str | None = None
    timeout: Duration | None = field(default=None, compare=False, repr=False)
    show_changes: bool = True
    approvers: Sequence[str | PermissionSet] = ()
    forbid_author: bool = False
    timeout_minutes: int | None = field(init=False)

    def __post_init__(self) -> None:
        """Check the values and freeze the addresses."""
        where = "ManualApproval"
        notify = arguments.texts(where, "notify", self.notify)
        for address in notify:
            if not _EMAIL.fullmatch(address):
                raise InvalidArgumentError(
                    where,
                    f"notify has {address!r}, which is not an email address",
                    'write it like "release@acme.example"; for other subscribers use topic',
                )
        arguments.unique(where, "notify", notify)
        object.__setattr__(self, "notify", notify)
        if self.topic is not None:
            # An ITopic is known by what it has: this layer does not import aws_cdk.
            is_topic = hasattr(self.topic, "topic_arn")
            if not is_topic and not (
                isinstance(self.topic, str) and _TOPIC_ARN.fullmatch(self.topic)
            ):
                raise InvalidArgumentError(
                    where,
                    f"topic={arguments.shown(self.topic)} is neither an SNS topic nor its ARN",
                    "give it an aws_cdk.aws_sns.ITopic, or arn:aws:sns:REGION:ACCOUNT:NAME",
                )
            if notify:
                raise InvalidArgumentError(
                    where,
                    "both notify and topic are given",
                    "subscribe the addresses to that topic, or leave topic out",
                )
        if self.review_url is not None and not (
            isinstance(self.review_url, str) and re.fullmatch(r"https://\S+", self.review_url)
        ):
            raise InvalidArgumentError(
                where,
                f"review_url={self.review_url!r} is not an https address",
                'write it like "https://wiki.acme.example/release"',
            )
        if self.message is not None and (
            len(arguments.text(where, "message", self.message)) > _LONGEST_MESSAGE
        ):
            raise InvalidArgumentError(
                where,
                f"message has {len(self.message)} characters; CodePipeline takes "
                f"{_LONGEST_MESSAGE}",
                "shorten it, and put the rest behind review_url",
            )
        arguments.flag(where, "show_changes", self.show_changes)
        arguments.flag(where, "forbid_author", self.forbid_author)
        object.__setattr__(self, "approvers", checked_approvers(where, self.approvers))
        minutes = None
        if self.timeout is not None:
            minutes = arguments.whole(
                where,
                "timeout",
                self.timeout,
                at_least=_SHORTEST_MINUTES,
                at_most=_LONGEST_MINUTES,
            )
        object.__setattr__(self, "timeout_minutes", minutes)

    @property
    def notes(self) -> str:
        """Who is asked, who may approve, and for how long."""
        may = [each if isinstance(each, str) else each.name for each in self.approvers]
        return ", ".join(
            [
                *([f"asks {' '.join(self.notify)}"] if self.notify else []),
                *(["asks a topic"] if self.topic else []),
                *([f"by {' '.join(may)}"] if may else []),
                *(["not by the author"] if self.forbid_author else []),
                *([f"within {self.timeout_minutes} min"] if self.timeout_minutes else []),
            ]
        )

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of the actions of `Approve-Prod`, in order."""
        return (
            *((SUMMARIZE,) if self.show_changes else ()),
            APPROVE,
            *((CHECK,) if self.forbid_author else ()),
        )
