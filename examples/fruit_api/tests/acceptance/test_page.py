"""Verifies what a visitor of the deployed page gets; its address is in API_URL."""

import json
import os
import re
import urllib.request


def get(path: str) -> tuple[str, str]:
    address = os.environ["API_URL"].rstrip("/") + path
    with urllib.request.urlopen(address, timeout=10) as response:
        return response.headers["content-type"], response.read().decode()


def test_the_page_shows_what_the_api_lists() -> None:
    content_type, page = get("/")
    assert content_type.startswith("text/html")
    [source] = re.findall(r'fetch\("(\w+)"\)', page)
    assert isinstance(json.loads(get(f"/{source}")[1])["fruits"], list)
