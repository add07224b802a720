"""Secrets do not get through, however they arrive."""

from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.local_run.redaction import MASK, Redactor

TEXT = st.text("abc\n", max_size=30)
SECRETS = st.lists(st.text("abc\n", min_size=1, max_size=4), max_size=3)


@given(TEXT, SECRETS, st.lists(st.integers(0, 30)))
def test_a_stream_in_pieces_shows_no_secret_and_loses_nothing_else(
    text: str, secrets: list[str], cuts: list[int]
) -> None:
    redactor = Redactor(secrets)
    ends = sorted({*(cut for cut in cuts if cut < len(text)), len(text)})
    shown, begin = b"", 0
    for end in ends:
        shown += redactor.feed(text[begin:end].encode())
        begin = end
    shown += redactor.rest()
    for secret in secrets:
        assert secret not in shown.decode().replace(MASK, "|")
    if not any(secret in text for secret in secrets):
        assert shown.decode() == text


@given(TEXT, SECRETS)
def test_a_whole_text_shows_no_secret(text: str, secrets: list[str]) -> None:
    shown = Redactor(secrets).text(text)
    for secret in secrets:
        assert secret not in shown.replace(MASK, "|")


def test_a_secret_of_several_lines_is_hidden_across_pieces() -> None:
    redactor = Redactor(["-----BEGIN\nabc\n-----END"])
    shown = (
        redactor.feed(b"key:\n-----BEGIN\n")
        + redactor.feed(b"abc\n----")
        + redactor.feed(b"-END\n")
    )
    assert shown == b"key:\n***\n"


def test_what_only_begins_like_a_secret_is_shown_in_the_end() -> None:
    redactor = Redactor(["secret"])
    assert redactor.feed(b"sec") == b""
    assert redactor.feed(b"ond") == b"second"
    assert redactor.feed(b"sec") + redactor.rest() == b"sec"


def test_an_empty_secret_hides_nothing() -> None:
    assert Redactor([""]).text("text") == "text"
