"""Runs the function's code as Lambda does."""

from typing import Any

from application import CODE


def test_it_greets() -> None:
    function: dict[str, Any] = {}
    exec(CODE, function)
    assert function["handler"]({}, None) == "hello"
