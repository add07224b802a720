"""What a buildspec may not say, and how the message names it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.local_run import Buildspec, BuildspecError, parse_buildspec


def beside_phases(text: str) -> str:
    return f"{{version: 0.2, phases: {{build: {{commands: [make]}}}}, {text}}}"


ERRORS = {
    "no YAML": ("version: [", "buildspec line 1, column 11: is not YAML: "),
    "control characters": ("version: \x00", "buildspec text: is not YAML: "),
    "empty": ("", "buildspec (the whole text): is nothing, and a mapping is needed; write keys"),
    "a path": (
        "config/buildspec.yml",
        "buildspec (the whole text): 'config/buildspec.yml' has no keys; give the text of the file",
    ),
    "no mapping": ("[1]", "buildspec (the whole text): is a list, and a mapping is needed"),
    "no version": (
        "{phases: {build: {commands: [make]}}}",
        "buildspec version: is required and missing; write version",
    ),
    "another version": (
        "{version: 0.3, phases: {}}",
        "buildspec version: '0.3' is not a version of the format; write 0.2",
    ),
    "no phases": ("{version: 0.2}", "buildspec phases: is required and missing; write phases"),
    "unknown key": (
        beside_phases("fases: {}"),
        "buildspec fases: fases is not a key that CodeBuild or this machine knows here: version, "
        "run-as, env, proxy, batch, phases, reports, artifacts, cache; correct or remove it",
    ),
    "unknown phase": ("{version: 0.2, phases: {deploy: {}}}", "buildspec phases/deploy: deploy is"),
    "unknown key of a phase": (
        "{version: 0.2, phases: {build: {commands: [], runtime-versions: {}}}}",
        "buildspec phases/build/runtime-versions: runtime-versions is not a key",
    ),
    "unknown key of env": (beside_phases("env: {vars: {}}"), "buildspec env/vars: "),
    "names of version 0.1": (
        beside_phases("environment_variables: {}"),
        "buildspec environment_variables: ",
    ),
    "unknown key of artifacts": (
        beside_phases("artifacts: {files: [a], type: zip}"),
        "buildspec artifacts/type: ",
    ),
    "unknown key of a secondary artifact": (
        beside_phases("artifacts: {secondary-artifacts: {a: {file: x}}}"),
        "buildspec artifacts/secondary-artifacts/a/file: ",
    ),
    "unknown key of a report": (
        beside_phases("reports: {a: {files: [x], format: y}}"),
        "buildspec reports/a/format: ",
    ),
    "unknown key of cache": (
        beside_phases("cache: {paths: [x], type: y}"),
        "buildspec cache/type: ",
    ),
    "batch": (
        beside_phases("batch: {build-list: []}"),
        "buildspec batch: batch builds are not supported here; run each build of the batch by",
    ),
    "proxy": (
        beside_phases("proxy: {logs: yes}"),
        "buildspec proxy/logs: an explicit proxy server is not supported here; write no",
    ),
    "git credential helper": (
        beside_phases("env: {git-credential-helper: yes}"),
        "buildspec env/git-credential-helper: the Git credential helper of CodeBuild is not",
    ),
    "shell of Windows": (
        beside_phases("env: {shell: powershell.exe}"),
        "buildspec env/shell: 'powershell.exe' is not supported here; write bash or /bin/sh",
    ),
    "name of a variable": (
        beside_phases("env: {variables: {a-b: c}}"),
        "buildspec env/variables/a-b: 'a-b' is not the name of a variable; use letters",
    ),
    "reserved variable": (
        beside_phases("env: {variables: {CODEBUILD_X: c}}"),
        "buildspec env/variables/CODEBUILD_X: names with CODEBUILD_ belong to CodeBuild; rename",
    ),
    "value of a variable": (
        beside_phases("env: {variables: {A: [1]}}"),
        "buildspec env/variables/A: is a list, and text is needed; put the text in quotation",
    ),
    "exported secret": (
        beside_phases("env: {secrets-manager: {A: b}, exported-variables: [A]}"),
        "buildspec env/exported-variables/0: A cannot be exported: no secret can",
    ),
    "exported parameter": (
        beside_phases("env: {parameter-store: {A: b}, exported-variables: [A]}"),
        "buildspec env/exported-variables/0: A cannot be exported: no secret can",
    ),
    "exported name of AWS": (
        beside_phases("env: {exported-variables: [A, AWS_REGION]}"),
        "buildspec env/exported-variables/1: AWS_REGION cannot be exported",
    ),
    "exported text": (
        beside_phases("env: {exported-variables: $A}"),
        "buildspec env/exported-variables/0: '$A' is not the name of a variable",
    ),
    "command with a colon": (
        "{version: 0.2, phases: {build: {commands: [a, echo b: c]}}}",
        "buildspec phases/build/commands/1: is a mapping, and text is needed; put the text in "
        "quotation marks: a colon and a space make a mapping",
    ),
    "commands as text": (
        "{version: 0.2, phases: {build: {commands: make}}}",
        "buildspec phases/build/commands: is text, and a list is needed; write a list",
    ),
    "a phase of nothing": (
        "version: 0.2\nphases:\n  build:\n",
        "buildspec phases/build: is nothing, and a mapping is needed; write keys",
    ),
    "no commands": (
        "{version: 0.2, phases: {build: {finally: [a]}}}",
        "buildspec phases/build/commands: is required and missing; write commands",
    ),
    "on-failure": (
        "{version: 0.2, phases: {build: {commands: [], on-failure: STOP}}}",
        "buildspec phases/build/on-failure: 'STOP' is not a way to go on; write ABORT, CONTINUE, "
        "RETRY, RETRY-count, RETRY-regex or RETRY-count-regex",
    ),
    "too many retries": (
        "{version: 0.2, phases: {build: {commands: [], on-failure: RETRY-101}}}",
        "buildspec phases/build/on-failure: 101 retries are more than 100; write a smaller",
    ),
    "regular expression": (
        "{version: 0.2, phases: {build: {commands: [], on-failure: 'RETRY-('}}}",
        "buildspec phases/build/on-failure: '(' is not a regular expression: ",
    ),
    "runtime": (
        "{version: 0.2, phases: {install: {runtime-versions: {cobol: 1}}}}",
        "buildspec phases/install/runtime-versions/cobol: cobol is not a runtime that is known",
    ),
    "report without files": (
        beside_phases("reports: {a: {file-format: JUNITXML}}"),
        "buildspec reports/a/files: is required and missing; write files",
    ),
    "format of a report": (
        beside_phases("reports: {a: {files: [b], file-format: TAP}}"),
        "buildspec reports/a/file-format: 'TAP' is not a format of reports; write one of CLOVERXML",
    ),
    "six report groups": (
        beside_phases("reports: {" + ", ".join(f"{name}: {{files: x}}" for name in "abcdef") + "}"),
        "buildspec reports: 6 report groups are more than 5, which a project may have; put files",
    ),
    "artifacts without files": (
        beside_phases("artifacts: {base-directory: a}"),
        "buildspec artifacts/files: is required and missing; write files",
    ),
    "neither yes nor no": (
        beside_phases("artifacts: {files: [a], discard-paths: maybe}"),
        "buildspec artifacts/discard-paths: 'maybe' is neither yes nor no; write yes or no",
    ),
    "action of the cache": (
        beside_phases("cache: {action: drop, paths: [a]}"),
        "buildspec cache/action: 'drop' is not an action; write restore or save",
    ),
    "a key twice": (
        "version: 0.2\nphases:\n  build: {commands: [a]}\n  build: {commands: [b]}\n",
        "buildspec line 4: build stands twice; keep one of them",
    ),
    "merge key": (
        "{version: 0.2, phases: {build: &b {commands: [a]}, install: {<<: *b}}}",
        "buildspec line 1: merge keys (<<) are not supported here; repeat the keys",
    ),
    "a key twice in JSON": (
        '{"version": "0.2", "phases": {}, "phases": {}}',
        "buildspec text: phases stands twice; keep one of them",
    ),
    "a key that is no text": ("{[a]: b}", "buildspec line 1: a key is not text; write a plain"),
}


@pytest.mark.parametrize(("text", "message"), ERRORS.values(), ids=list(ERRORS))
def test_message(text: str, message: str) -> None:
    with pytest.raises(BuildspecError) as error:
        parse_buildspec(text)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "retries", "pattern"),
    [
        ("RETRY", 3, ".*"),
        ("RETRY-0", 0, ".*"),
        ("RETRY-100", 100, ".*"),
        ("RETRY-timed out", 3, "timed out"),
        ("RETRY-2-timed out", 2, "timed out"),
        ("RETRY-2x", 3, "2x"),
    ],
)
def test_retries(text: str, retries: int, pattern: str) -> None:
    spec = {"version": "0.2", "phases": {"build": {"commands": [], "on-failure": text}}}
    rule = parse_buildspec(json.dumps(spec)).phases["build"].on_failure
    assert (rule.action, rule.retries, rule.pattern) == ("RETRY", retries, pattern)


KEYS = st.sampled_from(
    [
        *("version", "env", "phases", "build", "install", "commands", "finally", "artifacts"),
        *("files", "secondary-artifacts", "reports", "on-failure", "runtime-versions", "cache"),
        *("paths", "variables", "exported-variables", "shell", "run-as", "x"),
    ]
)
VALUES = st.recursive(
    st.sampled_from(["0.2", "0.1", "yes", "bash", "RETRY-2", "a"]) | st.text() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_any_value_is_a_buildspec_or_an_error_that_says_where(value: object) -> None:
    if isinstance(value, dict):
        value = {"version": "0.2", "phases": {"build": {"commands": ["a"]}}} | value
    read: Buildspec | BuildspecError
    try:
        read = parse_buildspec(json.dumps(value))
    except BuildspecError as error:
        read = error
    if isinstance(read, BuildspecError):
        assert str(read).startswith(f"buildspec {read.where}: ")


@given(st.text())
def test_any_text_is_a_buildspec_or_an_error(text: str) -> None:
    with pytest.raises(BuildspecError):
        parse_buildspec(text)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"))))
def test_commands_of_a_json_buildspec_stay_as_they_are(commands: list[str]) -> None:
    spec = {"version": "0.2", "phases": {"build": {"commands": commands}}}
    assert parse_buildspec(json.dumps(spec)).phases["build"].commands == tuple(commands)
    unescaped = json.dumps(spec, ensure_ascii=False)
    assert parse_buildspec(unescaped).phases["build"].commands == tuple(commands)
