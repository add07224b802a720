"""A person's approval before production."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from aws_cdk import Duration

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}")
# timeoutInMinutes of an approval action; the service's own default is seven days.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
_SHORTEST_MINUTES = 5
_LONGEST_MINUTES = 86_400
# CustomData of an approval action takes 1,000 characters.
_LONGEST_MESSAGE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ManualApproval:
    """An authorized person approves the release (DPRA-PROD-APPROVAL).

    It is a pipeline stage of its own, `Approve-Prod`, before the first wave, so that the rollback
    of a wave never waits for a person.

    Args:
        notify: email addresses; each gets a subscription to a new topic to confirm once.
        topic_arn: an SNS topic to notify instead of a new one; its policy, and its key's, have
            to let the pipeline publish.
        review_url: what the reviewer should look at, an https address.
        message: shown to the reviewer, up to 1,000 characters.
        timeout: after which the release fails; 5 minutes to 60 days, in whole minutes. Without
            it seven days.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> from aws_cdk import Duration
    >>> ManualApproval(notify=["release@acme.example"], timeout=Duration.days(1)).timeout_minutes
    1440
    """

    notify: Sequence[str] = ()
    topic_arn: str | None = None
    review_url: str | None = None
    message: str | None = None
    timeout: Duration | None = field(default=None, compare=False, repr=False)
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
                    'write it like "release@acme.example"; for other subscribers use topic_arn',
                )
        arguments.unique(where, "notify", notify)
        object.__setattr__(self, "notify", notify)
        if self.topic_arn is not None:
            if not isinstance(self.topic_arn, str) or not _TOPIC_ARN.fullmatch(self.topic_arn):
                raise InvalidArgumentError(
                    where,
                    f"topic_arn={self.topic_arn!r} is not the ARN of an SNS topic",
                    "write it like arn:aws:sns:REGION:ACCOUNT:NAME",
                )
            if notify:
                raise InvalidArgumentError(
                    where,
                    "both notify and topic_arn are given",
                    "subscribe the addresses to that topic, or leave topic_arn out",
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
