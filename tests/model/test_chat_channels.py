"""Whom `notify=` can name, and what is refused."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import InvalidArgumentError, SlackChannel, TeamsChannel
from dpra_constructs.release.chat_channels import Recipients, recipients

UUID = "11111111-2222-4333-8444-555555555555"
SLACK = SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD")
TEAMS = TeamsChannel(tenant_id=UUID, team_id=UUID, channel_id="19%3Aabc%40thread.tacv2")


def test_addresses_and_channels_stand_side_by_side() -> None:
    assert recipients("Here", ["a@acme.example", SLACK, "b@acme.example", TEAMS]) == Recipients(
        addresses=("a@acme.example", "b@acme.example"), channels=(SLACK, TEAMS)
    )


EXAMPLE = (
    'write it like notify=["release@acme.example", SlackChannel(workspace_id="T0123ABCD", '
    'channel_id="C0123ABCD")]'
)


@pytest.mark.parametrize(
    ("given_notify", "message"),
    [
        (
            "a@acme.example",
            "Here: notify='a@acme.example' is not a sequence of email addresses and channels; "
            + EXAMPLE,
        ),
        (
            [7],
            "Here: notify has 7, which is neither an email address nor a SlackChannel or "
            f"TeamsChannel; {EXAMPLE}",
        ),
        (
            ["release"],
            "Here: notify has 'release', which is not an email address; write it like "
            'notify=["release@acme.example"]',
        ),
        ([SLACK, SLACK], f"Here: notify has {SLACK} more than once; keep one of each"),
    ],
)
def test_what_notify_refuses(given_notify: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        recipients("Here", given_notify)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (SlackChannel, {"workspace_id": "acme"}, "SlackChannel: workspace_id='acme' is not such"),
        (SlackChannel, {"channel_id": "#release"}, "SlackChannel: channel_id='#release' is not"),
        (SlackChannel, {"channel_id": None}, "SlackChannel: channel_id=None is not such an id"),
        (TeamsChannel, {"tenant_id": "acme"}, "TeamsChannel: tenant_id='acme' is not such an id"),
        (TeamsChannel, {"team_id": "acme"}, "TeamsChannel: team_id='acme' is not such an id"),
        (TeamsChannel, {"channel_id": "19:abc@t"}, "TeamsChannel: channel_id='19:abc@t' is not"),
        (
            TeamsChannel,
            {"channel_id": f"19%3A{'a' * 300}%40t"},
            "TeamsChannel: channel_id has 309 characters, and Amazon Q takes 256; copy it",
        ),
    ],
)
def test_an_id_that_is_none_is_refused(
    kind: type[Any], arguments: dict[str, Any], message: str
) -> None:
    whole = {
        name: getattr(SLACK if kind is SlackChannel else TEAMS, name)
        for name in kind.__dataclass_fields__
    }
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        kind(**{**whole, **arguments})


@given(st.text())
def test_only_ids_are_channels(text: str) -> None:
    try:
        channel = SlackChannel(workspace_id="T0123ABCD", channel_id=text)
    except InvalidArgumentError:
        return
    assert re.fullmatch("[A-Za-z0-9]+", channel.channel_id)
