"""Channels of Slack and Microsoft Teams that hear of the pipeline. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dpra_constructs import arguments
from dpra_constructs.errors import InvalidArgumentError

_SLACK_WORKSPACE = re.compile(r"[0-9A-Z]{1,255}")
_SLACK_CHANNEL = re.compile(r"[A-Za-z0-9]{1,256}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TEAMS_PART = r"[A-Za-z0-9\-_=+/.,]*"
_TEAMS_CHANNEL = re.compile(f"{_TEAMS_PART}%3[aA]{_TEAMS_PART}%40{_TEAMS_PART}")
_LONGEST_TEAMS_CHANNEL = 256
_NOTIFY_EXAMPLE = (
    'notify=["release@acme.example", SlackChannel(workspace_id="T0123ABCD", '
    'channel_id="C0123ABCD")]'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackChannel:
    """A channel of Slack, reached by Amazon Q Developer in chat applications.

    Somebody lets Amazon Q into the workspace once, in its console, in the pipeline's account.

    Args:
        workspace_id: of the workspace, like T0123ABCD.
        channel_id: of the channel, like C0123ABCD.

    Raises:
        InvalidArgumentError: one of them is not such an id.

    >>> SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD").channel_id
    'C0123ABCD'

    Source: https://docs.aws.amazon.com/chatbot/latest/adminguide/slack-setup.html
    """

    workspace_id: str
    channel_id: str

    def __post_init__(self) -> None:
        """Check the ids."""
        _id("SlackChannel", "workspace_id", self.workspace_id, _SLACK_WORKSPACE, "T0123ABCD")
        _id("SlackChannel", "channel_id", self.channel_id, _SLACK_CHANNEL, "C0123ABCD")


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamsChannel:
    """A channel of Microsoft Teams, reached by Amazon Q Developer in chat applications.

    Somebody lets Amazon Q into the team once, in its console, in the pipeline's account.

    Args:
        tenant_id: of the tenant, a UUID.
        team_id: of the team, a UUID.
        channel_id: of the channel, as it stands in the channel's link, URL-encoded.

    Raises:
        InvalidArgumentError: one of them is not such an id.

    >>> TeamsChannel(tenant_id="11111111-2222-4333-8444-555555555555",
    ...     team_id="66666666-2222-4333-8444-555555555555",
    ...     channel_id="19%3Aabc%40thread.tacv2").channel_id
    '19%3Aabc%40thread.tacv2'

    Source: https://docs.aws.amazon.com/chatbot/latest/adminguide/teams-setup.html
    """

    tenant_id: str
    team_id: str
    channel_id: str

    def __post_init__(self) -> None:
        """Check the ids."""
        uuid = "11111111-2222-4333-8444-555555555555"
        _id("TeamsChannel", "tenant_id", self.tenant_id, _UUID, uuid)
        _id("TeamsChannel", "team_id", self.team_id, _UUID, uuid)
        example = "19%3Aabc%40thread.tacv2"
        _id("TeamsChannel", "channel_id", self.channel_id, _TEAMS_CHANNEL, example)
        if len(self.channel_id) > _LONGEST_TEAMS_CHANNEL:
            raise InvalidArgumentError(
                "TeamsChannel",
                f"channel_id has {len(self.channel_id)} characters, and Amazon Q takes "
                f"{_LONGEST_TEAMS_CHANNEL}",
                f'copy it from the channel\'s link, like channel_id="{example}"',
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipients:
    """Whom a pipeline tells: email addresses and chat channels."""

    addresses: tuple[str, ...] = ()
    channels: tuple[SlackChannel | TeamsChannel, ...] = ()

    @property
    def text(self) -> str:
        """Who they are."""
        chats = [f"{type(each).__name__} {each.channel_id}" for each in self.channels]
        return ", ".join([*self.addresses, *chats]) or "those who subscribe to its topic"


def recipients(where: str, given: object) -> Recipients:
    """Sort what `notify=` has.

    Raises:
        InvalidArgumentError: it is no sequence, or has what is neither an email address nor a
            channel, or something twice.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidArgumentError(
            where,
            f"notify={arguments.shown(given)} is not a sequence of email addresses and channels",
            f"write it like {_NOTIFY_EXAMPLE}",
        )
    everything = tuple(given)
    channels = tuple(each for each in everything if isinstance(each, SlackChannel | TeamsChannel))
    for each in everything:
        if not isinstance(each, str | SlackChannel | TeamsChannel):
            raise InvalidArgumentError(
                where,
                f"notify has {arguments.shown(each)}, which is neither an email address nor a "
                "SlackChannel or TeamsChannel",
                f"write it like {_NOTIFY_EXAMPLE}",
            )
    addresses = arguments.emails(
        where, "notify", [each for each in everything if isinstance(each, str)]
    )
    arguments.unique(where, "notify", [str(each) for each in channels])
    return Recipients(addresses=addresses, channels=channels)


def _id(where: str, argument: str, value: object, form: re.Pattern[str], example: str) -> None:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise InvalidArgumentError(
            where,
            f"{argument}={arguments.shown(value)} is not such an id",
            f'copy it from the channel\'s link, like {argument}="{example}"',
        )
