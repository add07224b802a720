"""Verifies what a visitor of the deployed page gets; its address is in SERVICE_URL."""

import os
import re
import urllib.request


def get(path: str) -> tuple[str, str]:
    address = f"{os.environ['SERVICE_URL'].rstrip('/')}/{path}"
    with urllib.request.urlopen(address, timeout=10) as response:
        return response.headers["content-type"], response.read().decode()


def test_the_page_has_its_script_and_the_script_its_prices() -> None:
    content_type, page = get("")
    assert content_type.startswith("text/html")
    [script] = re.findall(r'<script src="([\w.]+)" type="module">', page)
    content_type, code = get(script)
    assert content_type.startswith("text/javascript")
    [prices] = re.findall(r'await fetch\("(\w+)"\)\)', code)
    assert get(prices)[0] == "application/json"
