"""Defects of MiniStack 1.5.33 that a deployment meets, each mended by name.

Names may be private: `self_tests` shows, against the running server, that each is still mended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import ministack.app as app
from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners


def secure_transport() -> None:
    """Report plain HTTP on loopback as TLS: every CDK bucket denies `aws:SecureTransport` false."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def regional_names() -> None:
    """Put the region into generated names, as the same stack in two regions shared its roles."""
    physical_name = provisioners._physical_name

    def regional(stack_name: str, logical_id: str, *args: Any, **kwargs: Any) -> str:
        name: str = physical_name(stack_name, logical_id, *args, **kwargs)
        suffix = hashlib.sha256(f"{get_region()}|{name}".encode()).hexdigest()[:12]
        return name[:-12] + (suffix if name.islower() else suffix.upper())

    provisioners._physical_name = regional


PATCHES: dict[str, Callable[[], None]] = {
    "secure_transport": secure_transport,
    "regional_names": regional_names,
}
