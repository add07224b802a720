"""The static configuration that ships with the code."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a fruit may be called and cost."""

    longest_name: int
    highest_price_cents: int


def load_limits() -> Limits:
    """Read the limits from the package."""
    text = (files("fruit_api") / "config" / "fruit_api.toml").read_text("utf-8")
    return Limits(**tomllib.loads(text))
