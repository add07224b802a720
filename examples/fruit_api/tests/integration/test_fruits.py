"""Verifies the business rules of a deployed API; its address is in API_URL."""

import json
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

ALPHABET = "abcdefghijklmnop"


def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        os.environ["API_URL"].rstrip("/") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or "null")


@pytest.fixture
def fruit() -> Iterator[str]:
    name = "test-" + "".join(ALPHABET[int(digit, 16)] for digit in uuid.uuid4().hex)
    yield f"/fruits/{name}"
    assert call("DELETE", f"/fruits/{name}")[0] == 204


def test_the_api_is_healthy() -> None:
    assert call("GET", "/health") == (200, {"status": "ok"})


def test_a_price_is_kept(fruit: str) -> None:
    assert call("PUT", fruit, {"price_cents": 30})[0] == 200
    assert call("GET", fruit)[1]["price_cents"] == 30


def test_a_wrong_price_changes_nothing(fruit: str) -> None:
    call("PUT", fruit, {"price_cents": 30})
    assert call("PUT", fruit, {"price_cents": -1})[0] == 400
    assert call("GET", fruit)[1]["price_cents"] == 30
