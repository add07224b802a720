"""No command of any typed action has a plain secret, or runs what nobody checked."""

import json
import re
from dataclasses import replace

import pytest

from dpra_constructs import InvalidArgumentError, build_actions
from dpra_constructs.build_actions import InspectorCodeSecurity, TypedAction
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, SecureParameter
from tests.build_actions.every_action import SAMPLES, TYPED
from tests.build_actions.unsafe_commands import problems
from tests.conftest import ROOT

UNSAFE = {
    "curl into sh": "curl -fsSL https://acme.example/install.sh | sh",
    "curl into bash": "curl https://acme.example/install.sh | sudo /bin/bash -s -- -b /usr/bin",
    "bash of curl": "bash <(curl https://acme.example/install.sh)",
    "eval of curl": 'eval "$(curl https://acme.example/install.sh)"',
    "download": "curl --output tool https://acme.example/tool\nchmod +x tool",
    "one check for two": "curl -o a https://a\ncurl -o b https://b\nsha256sum --check sums",
    "copy": "aws s3 cp s3://acme/tool.zip tool.zip\nunzip tool.zip",
    "wget": "wget https://acme.example/tool",
    "pip": "python -m pip install ruff==0.17.6",
    "pip without python": "pip install --quiet ruff",
    "npm": "npm install --global eslint@9.0.0",
    "short npm": "cd web && npm i",
    "npm with options": "npm --prefix web install",
    "npm in a condition": "if true; then npm install; fi",
    "npm of sudo": "cd web && CI=1 sudo npm install",
    "npx": "npx cowsay",
    "latest": "go install acme.example/tool@latest",
    "branch": "git clone https://acme.example/tool",
    "moving address": "curl https://acme.example/raw/main/tool -o t && sha256sum --check t.sum",
    "go without sums": "go install acme.example/tool@v1.2.3",
    "image": "docker run acme/tool:1.0",
    "token": "tool --token abc123",
    "token, other form": "tool --api-key=abc123",
    "exported password": "export DB_PASSWORD=abc123",
    "key of AWS": "aws configure set aws_access_key_id AKIA" + "A" * 16,
}
SAFE = {
    "variable": 'tool --token "$TOKEN" --password=$PASSWORD',
    "lock": "python -m pip install --quiet --require-hashes --requirement /dev/stdin",
    "own packages": "python -m pip install --no-index dist/a.whl",
    "npm ci": "(cd web && npm ci --no-audit)",
    "npm ci with options": "npm --prefix web ci",
    "a sentence": "Reads what npm found and npx does.",
    "checked": 'curl --output "$file" "$url" &&\necho "$sha256  $file" | sha256sum --check -',
    "upload": "curl --upload-file a.whl https://acme.example/",
    "shell": "shellcheck build.sh",
}


@pytest.mark.parametrize("command", UNSAFE.values(), ids=UNSAFE)
def test_what_is_unsafe_is_found(command: str) -> None:
    assert list(problems(command))


@pytest.mark.parametrize("command", SAFE.values(), ids=SAFE)
def test_what_is_safe_is_not_found(command: str) -> None:
    assert list(problems(command)) == []


def test_every_typed_action_that_is_exported_is_looked_at() -> None:
    assert {type(each) for each in SAMPLES.values()} == set(TYPED.values())
    classes = {
        name for name in build_actions.__all__ if isinstance(vars(build_actions)[name], type)
    }
    others = {
        *("BuildAction", "CodeBuildProject", "Permission", "PipelineAction", "PushedImage"),
        *("Report", "SecretsManagerSecret", "SecureParameter", "ToBuildAction", "TypedAction"),
    }
    # The one that is an action of CodePipeline, and runs no commands.
    assert classes - others == {*TYPED, InspectorCodeSecurity.__name__}


@pytest.mark.parametrize("action", SAMPLES.values(), ids=SAMPLES)
def test_no_action_is_unsafe(action: TypedAction) -> None:
    built = action.to_build_action()
    assert list(problems("\n".join([*built.install, *built.commands]))) == []


@pytest.mark.parametrize("action", SAMPLES.values(), ids=SAMPLES)
def test_secrets_are_references(action: TypedAction) -> None:
    built = action.to_build_action()
    for reference in built.secrets.values():
        assert isinstance(reference, SecretsManagerSecret | SecureParameter)
    text = json.dumps(dict(built.environment))
    assert not re.search(r"(?i)token|password|secret|api_?key", text)


@pytest.mark.parametrize("name", sorted({*TYPED, InspectorCodeSecurity.__name__}))
def test_every_action_refuses_something_with_a_tested_message(name: str) -> None:
    files = sorted((ROOT / "tests").glob("*/test_*refused*.py"))
    texts = [path.read_text() for path in files]
    # A message that says which action refuses, compared as a whole.
    assert any(re.search(rf"\b{name} \\?\"\w", text) for text in texts)


@pytest.mark.parametrize("name", sorted(TYPED))
def test_every_action_refuses_a_bad_name(name: str) -> None:
    action = next(each for each in SAMPLES.values() if type(each).__name__ == name)
    with pytest.raises(InvalidArgumentError) as refused:
        replace(action, name="not a name")
    assert str(refused.value) == (
        'BuildAction "not a name": '
        "name='not a name' is not a valid name: 1 to 40 letters, digits "
        "and hyphens, beginning with a letter; choose another name, like 'one-box'"
    )
