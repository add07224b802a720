"""DSSE envelopes: reads one, and says what its signature is of.

Source: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import NamedTuple

from .manifest import ENVELOPE
from .statement import PAYLOAD_TYPE


class Envelope(NamedTuple):
    """A payload and the signatures of it."""

    payload: bytes
    signatures: Sequence[bytes]

    @property
    def signed(self) -> bytes:
        """The bytes that the signatures are of."""
        kind = PAYLOAD_TYPE.encode()
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(self.payload), self.payload)


def read_envelope(text: bytes) -> Envelope:
    """Return an envelope.

    Raises:
        ValueError: it is none, or of another payload type.
    """
    try:
        content = json.loads(text)
        kind = content["payloadType"]
        payload = base64.b64decode(content["payload"], validate=True)
        signatures = [
            base64.b64decode(each["sig"], validate=True) for each in content["signatures"]
        ]
    except (
        KeyError,
        TypeError,
        UnicodeDecodeError,
        binascii.Error,
        json.JSONDecodeError,
    ) as error:
        raise ValueError(
            f"{ENVELOPE} is no DSSE envelope: {type(error).__name__} {error}"
        ) from None
    if kind != PAYLOAD_TYPE:
        raise ValueError(f"{ENVELOPE} has the payload type {kind}, not {PAYLOAD_TYPE}")
    return Envelope(payload, signatures)
