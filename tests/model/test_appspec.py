"""What CodeDeploy would refuse of an appspec.yml, or fail at in the midst of a deployment."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import InvalidArgumentError
from dpra_constructs.progressive_deployment import check_appspec
from dpra_constructs.progressive_deployment.appspec import HOOKS

FILES = frozenset({"appspec.yml", "app/main.py", "scripts/start.sh"})
SCRIPT = {"location": "scripts/start.sh", "timeout": 60}


def spec(**changed: Any) -> str:
    whole = {
        "version": 0.0,
        "os": "linux",
        "files": [{"source": "/app", "destination": "/srv/shop"}],
        "hooks": {"ApplicationStart": [SCRIPT]},
        **changed,
    }
    # JSON is YAML.
    return json.dumps({name: value for name, value in whole.items() if value is not None})


def message(text: str, files: frozenset[str] | None = FILES) -> str:
    with pytest.raises(InvalidArgumentError) as raised:
        check_appspec(text, files)
    return str(raised.value)


def test_one_that_is_right_is_returned() -> None:
    text = spec(
        file_exists_behavior="OVERWRITE",
        permissions=[{"object": "/srv/shop", "owner": "shop", "type": ["directory"]}],
    )
    assert check_appspec(text, FILES)["permissions"][0]["owner"] == "shop"
    assert check_appspec(spec(files=[{"source": "/", "destination": "/srv"}]), FILES)
    assert check_appspec(spec(version="0.0", hooks=None, files=None))["version"] == "0.0"


def test_files_are_not_looked_for_where_they_are_not_known() -> None:
    assert check_appspec(spec(files=[{"source": "elsewhere", "destination": "/srv"}]), None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "it is not YAML"),
        ("- a", "it is not a mapping"),
        (spec(version=1), "version is 1, and CodeDeploy has 0.0 alone"),
        (spec(version=None), "version is None, and CodeDeploy has 0.0 alone"),
        (spec(version=False), "version is False, and CodeDeploy has 0.0 alone"),
        (spec(os="macos"), "appspec.yml: os: it is 'macos', and CodeDeploy has linux, windows"),
        (spec(Resources=[]), "'Resources' stands there, and CodeDeploy knows version, os, files"),
        (spec(file_exists_behavior="KEEP"), "file_exists_behavior: it is 'KEEP'"),
        (spec(files={"source": "/"}), "appspec.yml: files: it is not a list of mappings"),
        (spec(files=["/"]), "appspec.yml: files: it is not a list of mappings"),
        (spec(files=[{"source": "/app"}]), "files[0]: destination=None is not a text"),
        (spec(files=[{"source": "/other", "destination": "/srv"}]), "'/other' is not in the"),
        (spec(files=[{"source": "/app", "to": "/srv"}]), "files[0]: 'to' stands there"),
        (spec(hooks=[]) and spec(hooks=["x"]), "hooks is not a mapping"),
        (spec(hooks={"Install": [SCRIPT]}), "hooks: 'Install' stands there"),
        (spec(hooks={"AfterInstall": SCRIPT}), "hooks.AfterInstall: it is not a list"),
        (
            spec(hooks={"AfterInstall": [{"location": "stop.sh", "timeout": 5}]}),
            "hooks.AfterInstall[0].location: 'stop.sh' is not in the revision",
        ),
        (
            spec(hooks={"AfterInstall": [{**SCRIPT, "timeout": 3601}]}),
            "timeout=3601 is not a whole number from 0 to 3600",
        ),
        (
            spec(hooks={"AfterInstall": [{**SCRIPT, "timeout": 2000}] * 2}),
            "its scripts may take 4000 seconds, and an event has 3600",
        ),
        (
            spec(os="windows", hooks={"AfterInstall": [{**SCRIPT, "runas": "shop"}]}),
            "runas stands there, and CodeDeploy has it for linux alone",
        ),
        (
            spec(os="windows", permissions=[{"object": "/srv"}]),
            "permissions stands there, and CodeDeploy has them for linux alone",
        ),
        (spec(permissions=[{"owner": "shop"}]), "permissions[0]: object=None is not a text"),
        (
            spec(permissions=[{"object": "/srv", "type": ["link"]}]),
            "permissions[0].type: it is 'link', and CodeDeploy has file, directory",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    assert said in message(text)


def refusal(text: str) -> str:
    """Return why it is refused; its name alone where it is not. No other error may come."""
    try:
        check_appspec(text, FILES)
    except InvalidArgumentError as error:
        return str(error)
    return "appspec.yml"


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from(["version", "os", "files", "permissions", "hooks"]), JSON),
    st.dictionaries(st.sampled_from(HOOKS), JSON, max_size=3),
)
def test_whatever_stands_there_is_accepted_or_refused_with_a_message(
    given: dict[str, Any], hooks: dict[str, Any]
) -> None:
    for text in (json.dumps(given), spec(**given), spec(hooks=hooks)):
        assert refusal(text).startswith("appspec.yml")
