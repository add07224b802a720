"""What the AWS reference says of a buildspec, case by case, run with real shells.

`section` names the part of the reference that a case comes from:
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, unless it begins with
`transitions` (view-build-details-phases.html), `variables` (build-env-ref-env-vars.html),
`sources` (sample-multi-in-out.html) or `log`: logs of the service, quoted in public issues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs.local_run import Build, Variable
from tests.local_run.builds import make_build, run

NAMES = (
    *("DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS"),
    "FINALIZING",
)
ALL_SUCCEEDED = dict.fromkeys(NAMES, "SUCCEEDED")


@dataclass(frozen=True, kw_only=True)
class Case:
    fact: str
    section: str
    spec: str
    files: Mapping[str, str] = field(default_factory=dict)
    secondary: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    status: str = "SUCCEEDED"
    message: str = ""
    output: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    exported: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, list[str]] = field(default_factory=dict)
    reports: Mapping[str, list[str]] = field(default_factory=dict)
    phases: Mapping[str, str] | None = None


CASES = [
    # --- version
    Case(
        fact="0.1 runs each command in a shell of its own",
        section="Buildspec versions",
        spec="""
version: 0.1
phases:
  build:
    commands:
      - cd inner
      - A=1; export B=1
      - echo "${PWD##*/} a=$A b=$B"
""",
        files={"inner/x": ""},
        output=("source a= b=",),
    ),
    Case(
        fact="0.1 names env environment_variables and variables plaintext",
        section="Buildspec versions",
        spec="""
version: 0.1
environment_variables: {plaintext: {A: one}}
phases: {build: {commands: [echo $A]}}
""",
        output=("one",),
    ),
    Case(
        fact="0.1 tells later phases that the build is failing",
        section="variables CODEBUILD_BUILD_SUCCEEDING",
        spec="""
version: 0.1
phases:
  build: {commands: [echo $CODEBUILD_BUILD_SUCCEEDING, "false"]}
  post_build: {commands: [echo $CODEBUILD_BUILD_SUCCEEDING]}
""",
        status="FAILED",
        message="BUILD: Error while executing command: false. Reason: exit status 1",
        output=("1", "0"),
    ),
    Case(
        fact="0.2 keeps the directory and variables through commands and phases",
        section="Buildspec versions",
        spec="""
version: 0.2
phases:
  install: {commands: [cd inner, A=1]}
  pre_build: {commands: [export B=2]}
  build: {commands: ['echo "${PWD##*/} a=$A b=$B"']}
""",
        files={"inner/x": ""},
        output=("inner a=1 b=2",),
    ),
    Case(
        fact="0.2 keeps functions and background processes in bash",
        section="Buildspec versions",
        spec="""
version: 0.2
env: {shell: bash}
phases:
  install: {commands: ['greet() { echo "hello $1"; }', sleep 60 &]}
  build: {commands: [greet you, 'kill $! && echo killed']}
""",
        output=("hello you", "killed"),
    ),
    Case(
        fact="JSON is a buildspec too",
        section="Buildspec syntax (the CDK writes JSON)",
        spec='{"version": "0.2", "phases": {"build": {"commands": ["echo json"]}}}',
        output=("json",),
    ),
    # --- env
    Case(
        fact="/bin/sh is the shell when none is named",
        section="env/shell",
        spec="""
version: 0.2
phases: {build: {commands: ['echo "${0##*/} $(ps -o comm= -p $$ | cut -c1-2)"']}}
""",
        output=("driver.sh sh",),
    ),
    Case(
        fact="bash runs commands when it is named",
        section="env/shell",
        spec="""
version: 0.2
env: {shell: bash}
phases: {build: {commands: ['a=(x y); [[ ${#a[@]} == 2 ]] && echo ${BASH_VERSION:+bash}']}}
""",
        output=("bash",),
    ),
    Case(
        fact="scalars of variables stay the text that was written",
        section="env/variables",
        spec="""
version: 0.2
env: {variables: {A: 1.10, B: yes, C: 0x10, D: "", E: 2026-01-02, F: null, G: "null"}}
phases: {build: {commands: ['echo "$A $B $C [$D] $E [$F] $G"']}}
""",
        output=("1.10 yes 0x10 [] 2026-01-02 [] null",),
    ),
    Case(
        fact="a variable replaces one of the image, its value is literal",
        section="env/variables",
        spec="""
version: 0.2
env: {variables: {OLD: "$OLD:/opt"}}
phases: {build: {commands: [echo "$OLD"]}}
""",
        environment={"OLD": "/usr"},
        output=("$OLD:/opt",),
    ),
    Case(
        fact="a variable of the project wins over the buildspec",
        section="env/variables, precedence",
        spec="""
version: 0.2
env: {variables: {A: buildspec, B: buildspec}}
phases: {build: {commands: [echo $A $B]}}
""",
        variables={"A": Variable(value="project")},
        environment={"A": "image", "B": "image"},
        output=("project buildspec",),
    ),
    Case(
        fact="a parameter of Parameter Store is looked up",
        section="env/parameter-store",
        spec="""
version: 0.2
env: {parameter-store: {A: /team/name}}
phases: {build: {commands: ['test "$A" = "valu e" && echo equal']}}
""",
        secrets={"/team/name": "valu e"},
        output=("equal",),
    ),
    Case(
        fact="a secret is looked up by its whole reference",
        section="env/secrets-manager",
        spec="""
version: 0.2
env: {secrets-manager: {A: "id:key:AWSCURRENT:"}}
phases: {build: {commands: ['test "$A" = hidden1 && echo equal']}}
""",
        secrets={"id:key:AWSCURRENT:": "hidden1"},
        output=("equal",),
    ),
    Case(
        fact="secrets are hidden in the log and in messages",
        section="env, masking",
        spec="""
version: 0.2
env: {parameter-store: {A: p}, secrets-manager: {B: s}}
phases: {build: {commands: ['echo "a=$A b=$B"; echo hidden2 >&2; exit 7']}}
""",
        secrets={"p": "hidden1", "s": "hidden2"},
        status="FAILED",
        message='BUILD: Error while executing command: echo "a=$A b=$B"; echo *** >&2; exit 7. '
        "Reason: exit status 7",
        output=("a=*** b=***", "***"),
    ),
    Case(
        fact="variables of the project may be parameters and secrets",
        section="env/variables, precedence",
        spec="""
version: 0.2
env: {parameter-store: {A: not-looked-up}}
phases: {build: {commands: ['test "$A$B" = onetwo && echo equal']}}
""",
        variables={
            "A": Variable(value="p", type="PARAMETER_STORE"),
            "B": Variable(value="s:k", type="SECRETS_MANAGER"),
        },
        secrets={"p": "one", "s:k": "two"},
        output=("equal",),
    ),
    Case(
        fact="a parameter that cannot be looked up fails before any command",
        section="env/parameter-store",
        spec="""
version: 0.2
env: {parameter-store: {A: missing}}
phases: {install: {commands: [echo never]}}
""",
        status="FAILED",
        message="DOWNLOAD_SOURCE: missing does not exist",
        phases={"DOWNLOAD_SOURCE": "FAILED", "FINALIZING": "SUCCEEDED"},
    ),
    Case(
        fact="exported variables have their last value",
        section="env/exported-variables",
        spec="""
version: 0.2
env: {exported-variables: [A, B, C], variables: {C: unchanged}}
phases:
  build: {commands: [export A=1, "B='two words'"]}
  post_build: {commands: [A=3]}
""",
        exported={"A": "3", "B": "two words", "C": "unchanged"},
    ),
    Case(
        fact="an exported variable may hold lines and quotes",
        section="env/exported-variables",
        spec=r"""
version: 0.2
env: {exported-variables: [A]}
phases: {build: {commands: ['A=$(printf "one\n\"two\" $ \\")']}}
""",
        exported={"A": 'one\n"two" $ \\'},
    ),
    Case(
        fact="an exported variable that is not set is not exported",
        section="env/exported-variables",
        spec="""
version: 0.2
env: {exported-variables: [A, NOT_SET]}
phases: {build: {commands: [A=1]}}
""",
        exported={"A": "1"},
        said=("The exported variable NOT_SET is not set",),
    ),
    Case(
        fact="values that need nothing here are accepted",
        section="env/git-credential-helper, proxy, run-as, cache",
        spec="""
version: 0.2
env: {git-credential-helper: no}
proxy: {upload-artifacts: no, logs: no}
phases: {build: {commands: [echo built]}}
cache: {key: "k-$(codebuild-hash-files x)", fallback-keys: [k-], action: save, paths: [a/**/*, b]}
""",
        output=("built",),
        said=("The cache is not used here: a/**/*, b",),
    ),
    # --- variables of build environments
    Case(
        fact="commands start in CODEBUILD_SRC_DIR",
        section="variables CODEBUILD_SRC_DIR",
        spec="""
version: 0.2
phases: {build: {commands: ['[ "$PWD" = "$CODEBUILD_SRC_DIR" ] && cat here']}}
""",
        files={"here": "in the source\n"},
        output=("in the source",),
    ),
    Case(
        fact="a secondary source has its folder in a variable",
        section="sources",
        spec="""
version: 0.2
phases: {build: {commands: [cat $CODEBUILD_SRC_DIR_tests/t]}}
""",
        secondary={"tests": {"t": "of tests\n"}},
        output=("of tests",),
    ),
    Case(
        fact="variables of the build are given to commands",
        section="variables CODEBUILD_BUILD_ID",
        spec="""
version: 0.2
phases: {build: {commands: ['echo $CODEBUILD_BUILD_ID ${CODEBUILD_START_TIME:+at}']}}
""",
        environment={"CODEBUILD_BUILD_ID": "p:1"},
        output=("p:1 at",),
    ),
    Case(
        fact="CODEBUILD_BUILD_SUCCEEDING turns to 0 with the first failure",
        section="variables CODEBUILD_BUILD_SUCCEEDING",
        spec="""
version: 0.2
phases:
  build:
    commands: [echo $CODEBUILD_BUILD_SUCCEEDING, "false"]
    finally: [echo $CODEBUILD_BUILD_SUCCEEDING]
  post_build: {commands: [echo $CODEBUILD_BUILD_SUCCEEDING]}
""",
        status="FAILED",
        message="BUILD: Error while executing command: false. Reason: exit status 1",
        output=("1", "0", "0"),
    ),
    # --- phases
    Case(
        fact="phases run in their own order, all of them",
        section="phases",
        spec="""
version: 0.2
phases:
  post_build: {commands: [echo 4]}
  build: {commands: [echo 3]}
  pre_build: {commands: [echo 2]}
  install: {commands: [echo 1]}
""",
        output=("1", "2", "3", "4"),
        phases=ALL_SUCCEEDED,
        said=(
            "Entering phase INSTALL\nRunning command echo 1\nPhase complete: INSTALL State: "
            "SUCCEEDED\nPhase context status code:  Message: \nEntering phase PRE_BUILD",
        ),
    ),
    Case(
        fact="a phase that is left out succeeds",
        section="phases",
        spec="{version: 0.2, phases: {build: {commands: []}}}",
        phases=ALL_SUCCEEDED,
    ),
    Case(
        fact="a command of several lines is one command",
        section="phases/*/commands",
        spec="""
version: 0.2
phases:
  build:
    commands:
      - |
        for i in 1 2; do
          echo $i
        done
      - >-
        echo three
        four
""",
        output=("1", "2", "three four"),
    ),
    Case(
        fact="the last status of a command of several lines counts",
        section="phases/*/commands",
        spec="""
version: 0.2
phases:
  build:
    commands:
      - |
        false
        echo after
""",
        output=("after",),
    ),
    Case(
        fact="quotes, backquotes and dollars reach the shell as they are written",
        section="Buildspec syntax (quotation marks)",
        spec=r"""
version: 0.2
phases:
  build:
    commands:
      - "export NAME=$(echo '\"x\": y' | awk -F: '{ print $2 }' | sed 's/[\",]//g')"
      - echo "[$NAME]" `echo back` 'a  b' \\
""",
        output=("[ y] back a  b \\",),
    ),
    Case(
        fact="standard error is in the log, in order",
        section="log",
        spec="""
version: 0.2
phases: {build: {commands: ["echo 1; echo 2 >&2; echo 3", "printf 'no newline'", echo end]}}
""",
        output=("1", "2", "3", "no newline", "end"),
    ),
    Case(
        fact="commands have no input",
        section="phases/*/commands (no terminal)",
        spec="""
version: 0.2
phases: {build: {commands: ["cat; read x || echo no input", echo next]}}
""",
        output=("no input", "next"),
    ),
    Case(
        fact="commands after a failing one are skipped",
        section="phases/*/commands",
        spec="""
version: 0.2
phases: {build: {commands: [echo 1, sh -c "exit 42", echo never]}}
""",
        status="FAILED",
        message='BUILD: Error while executing command: sh -c "exit 42". Reason: exit status 42',
        output=("1",),
        said=(
            'Command did not exit successfully sh -c "exit 42" exit status 42\n'
            "Phase complete: BUILD State: FAILED\n"
            "Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing "
            'command: sh -c "exit 42". Reason: exit status 42',
        ),
    ),
    Case(
        fact="a command that is not found has the status 127",
        section="phases/*/commands",
        spec="{version: 0.2, phases: {build: {commands: [not-a-command 2>/dev/null]}}}",
        status="FAILED",
        message="BUILD: Error while executing command: not-a-command 2>/dev/null. "
        "Reason: exit status 127",
    ),
    Case(
        fact="exit ends its command, not the build",
        section="phases/*/commands",
        spec="""
version: 0.2
phases:
  pre_build: {commands: [A=1, export B=2, cd inner]}
  build: {commands: [exit 0, 'echo "$A $B ${PWD##*/}"']}
  post_build: {commands: [exit 3]}
""",
        files={"inner/x": ""},
        output=("1 2 inner",),
        status="FAILED",
        message="POST_BUILD: Error while executing command: exit 3. Reason: exit status 3",
    ),
    Case(
        fact="exit keeps values of several lines and with quotes",
        section="phases/*/commands",
        spec=r"""
version: 0.2
env: {exported-variables: [A, B]}
phases:
  build: {commands: ['A=$(printf "x\n\"y$(echo z) \\"); export B="it''s"; exit 0', echo "$B"]}
""",
        output=("it's",),
        exported={"A": 'x\n"yz \\', "B": "it's"},
    ),
    Case(
        fact="a shell that is killed has the status of its signal",
        section="phases/*/commands",
        spec="""
version: 0.2
phases: {build: {commands: [A=1, kill -9 $$], finally: ['echo "$A"']}}
""",
        status="FAILED",
        message="BUILD: Error while executing command: kill -9 $$. Reason: exit status 137",
        output=("1",),
    ),
    Case(
        fact="set -x shows a command's steps",
        section="phases/*/commands",
        spec="""
version: 0.2
env: {shell: sh}
phases:
  build: {commands: ["set -x; echo one; { set +x; } 2>/dev/null", echo two]}
""",
        output=("+ echo one", "one", "two"),
    ),
    Case(
        fact="exit in bash keeps variables, arrays and functions",
        section="phases/*/commands",
        spec="""
version: 0.2
env: {shell: bash}
phases:
  build: {commands: ["a=(x 'y z'); readonly R=r; f() { echo f; }; exit 0",
                     'echo "${a[1]} $R"; f']}
""",
        output=("y z r", "f"),
    ),
    Case(
        fact="exec ends with the program that it starts",
        section="phases/*/commands",
        spec="""
version: 0.2
phases: {build: {commands: [A=1, "exec sh -c 'sleep 0.2; echo done'", echo $A]}}
""",
        output=("done", "1"),
    ),
    Case(
        fact="set -e stops a command at its first failure",
        section="phases/*/commands",
        spec="""
version: 0.2
phases: {build: {commands: ["set -e; false; echo never"], finally: [echo finally]}}
""",
        status="FAILED",
        message="BUILD: Error while executing command: set -e; false; echo never. "
        "Reason: exit status 1",
        output=("finally",),
    ),
    Case(
        fact="set -u and noclobber of a command do not break the build",
        section="phases/*/commands",
        spec="""
version: 0.2
env: {exported-variables: [A]}
phases: {build: {commands: [set -uC, A=1, echo $A]}}
""",
        output=("1",),
        exported={"A": "1"},
    ),
    # --- finally
    Case(
        fact="finally runs after commands",
        section="phases/*/finally",
        spec="{version: 0.2, phases: {build: {commands: [echo 1], finally: [echo 2, echo 3]}}}",
        output=("1", "2", "3"),
    ),
    Case(
        fact="finally runs when a command fails, in the same shell",
        section="phases/*/finally",
        spec="""
version: 0.2
phases:
  build: {commands: [A=1; cd inner, "false", echo never], finally: ['echo "$A ${PWD##*/}"']}
""",
        files={"inner/x": ""},
        status="FAILED",
        message="BUILD: Error while executing command: false. Reason: exit status 1",
        output=("1 inner",),
    ),
    Case(
        fact="a failing command of finally fails the phase",
        section="phases/*/finally",
        spec="{version: 0.2, phases: {build: {commands: [echo 1], finally: [exit 4]}}}",
        status="FAILED",
        message="BUILD: Error while executing command: exit 4. Reason: exit status 4",
        output=("1",),
    ),
    # --- transitions
    Case(
        fact="after a failing install only FINALIZING follows",
        section="transitions, and phases/install",
        spec="""
version: 0.2
phases:
  install: {commands: [exit 2], finally: [echo finally]}
  pre_build: {commands: [echo never]}
  build: {commands: [echo never]}
  post_build: {commands: [echo never]}
artifacts: {files: [x]}
""",
        files={"x": ""},
        status="FAILED",
        message="INSTALL: Error while executing command: exit 2. Reason: exit status 2",
        output=("finally",),
        phases={"DOWNLOAD_SOURCE": "SUCCEEDED", "INSTALL": "FAILED", "FINALIZING": "SUCCEEDED"},
    ),
    Case(
        fact="after a failing pre_build only FINALIZING follows",
        section="transitions",
        spec="""
version: 0.2
phases: {pre_build: {commands: [exit 2]}, build: {commands: [echo never]}}
""",
        status="FAILED",
        message="PRE_BUILD: Error while executing command: exit 2. Reason: exit status 2",
        phases={
            "DOWNLOAD_SOURCE": "SUCCEEDED",
            "INSTALL": "SUCCEEDED",
            "PRE_BUILD": "FAILED",
            "FINALIZING": "SUCCEEDED",
        },
    ),
    Case(
        fact="after a failing build post_build and the artifacts follow",
        section="transitions",
        spec="""
version: 0.2
phases: {build: {commands: [exit 2]}, post_build: {commands: [echo post]}}
artifacts: {files: [x]}
""",
        files={"x": ""},
        status="FAILED",
        message="BUILD: Error while executing command: exit 2. Reason: exit status 2",
        output=("post",),
        artifacts={"": ["x"]},
        phases=ALL_SUCCEEDED | {"BUILD": "FAILED"},
    ),
    Case(
        fact="after a failing post_build the artifacts follow",
        section="log",
        spec="""
version: 0.2
phases: {post_build: {commands: [exit 2]}}
artifacts: {files: [x]}
""",
        files={"x": ""},
        status="FAILED",
        message="POST_BUILD: Error while executing command: exit 2. Reason: exit status 2",
        artifacts={"": ["x"]},
        phases=ALL_SUCCEEDED | {"POST_BUILD": "FAILED"},
    ),
    # --- on-failure
    Case(
        fact="ABORT ends the build after its phase",
        section="phases/*/on-failure",
        spec="""
version: 0.2
phases:
  build: {on-failure: ABORT, commands: [exit 2], finally: [echo finally]}
  post_build: {commands: [echo never]}
""",
        status="FAILED",
        message="BUILD: Error while executing command: exit 2. Reason: exit status 2",
        output=("finally",),
        phases={
            "DOWNLOAD_SOURCE": "SUCCEEDED",
            "INSTALL": "SUCCEEDED",
            "PRE_BUILD": "SUCCEEDED",
            "BUILD": "FAILED",
            "FINALIZING": "SUCCEEDED",
        },
    ),
    Case(
        fact="CONTINUE goes on to the next phase of a build that stays failed",
        section="phases/*/on-failure",
        spec="""
version: 0.2
phases:
  install: {on-failure: CONTINUE, commands: [exit 2]}
  pre_build: {commands: [echo $CODEBUILD_BUILD_SUCCEEDING]}
""",
        status="FAILED",
        message="INSTALL: Error while executing command: exit 2. Reason: exit status 2",
        output=("0",),
        phases=ALL_SUCCEEDED | {"INSTALL": "FAILED"},
    ),
    Case(
        fact="RETRY runs the phase up to three times more",
        section="phases/*/on-failure",
        spec="""
version: 0.2
phases: {build: {on-failure: RETRY, commands: [echo try, exit 2]}}
""",
        status="FAILED",
        message="BUILD: Error while executing command: exit 2. Reason: exit status 2",
        output=("try",) * 4,
    ),
    Case(
        fact="RETRY ends with the first success",
        section="phases/*/on-failure",
        spec="""
version: 0.2
phases:
  build:
    on-failure: RETRY
    commands: [echo $CODEBUILD_BUILD_SUCCEEDING, 'test -e $CODEBUILD_SRC_DIR/seen']
    finally: [touch $CODEBUILD_SRC_DIR/seen]
  post_build: {commands: [echo $CODEBUILD_BUILD_SUCCEEDING]}
""",
        output=("1", "1", "1"),
        phases=ALL_SUCCEEDED,
    ),
    Case(
        fact="RETRY-count runs the phase that many times more",
        section="phases/*/on-failure",
        spec="{version: 0.2, phases: {build: {on-failure: RETRY-1, commands: [echo t, exit 2]}}}",
        status="FAILED",
        message="BUILD: Error while executing command: exit 2. Reason: exit status 2",
        output=("t", "t"),
    ),
    Case(
        fact="RETRY-regex needs a message that matches",
        section="phases/*/on-failure",
        spec="""
version: 0.2
phases: {build: {on-failure: 'RETRY-exit status [34]', commands: [echo t, exit 2]}}
""",
        status="FAILED",
        message="BUILD: Error while executing command: exit 2. Reason: exit status 2",
        output=("t",),
    ),
    Case(
        fact="RETRY-count-regex has both",
        section="phases/*/on-failure",
        spec="""
version: 0.2
phases: {build: {on-failure: 'RETRY-2-exit status [12]$', commands: [echo t, exit 2]}}
""",
        status="FAILED",
        message="BUILD: Error while executing command: exit 2. Reason: exit status 2",
        output=("t", "t", "t"),
    ),
    # --- install/runtime-versions
    Case(
        fact="a runtime that is not there fails INSTALL",
        section="phases/install/runtime-versions",
        spec="{version: 0.2, phases: {install: {runtime-versions: {golang: 1.0}}}}",
        environment={"PATH": "/nowhere"},
        status="FAILED",
        message="INSTALL: buildspec phases/install/runtime-versions/golang: go is not on the PATH "
        "of the build; install golang 1.0",
    ),
    Case(
        fact="a runtime of another version is used, and the log says both",
        section="phases/install/runtime-versions",
        spec="{version: 0.2, phases: {install: {runtime-versions: {python: 2.7}}}}",
        said=("Runtime python: 2.7 is asked for, and this machine has:",),
        output=("Python 3",),
    ),
    # --- reports
    Case(
        fact="report files are found by patterns below a base directory",
        section="reports",
        spec="""
version: 0.2
phases: {build: {commands: [echo built]}}
reports:
  unit: {files: ['**/*.xml'], base-directory: out}
  arn:aws:codebuild:eu-west-1:111111111111:report-group/cover:
    files: [out/c.xml]
    file-format: COBERTURAXML
""",
        files={"out/a.xml": "a", "out/b/a.xml": "b", "out/c.txt": "", "out/c.xml": "c"},
        output=("built",),
        reports={
            "unit JUNITXML": ["a.xml", "b/a.xml", "c.xml"],
            "arn:aws:codebuild:eu-west-1:111111111111:report-group/cover COBERTURAXML": [
                "out/c.xml"
            ],
        },
    ),
    Case(
        fact="discard-paths of a report flattens it",
        section="reports/discard-paths",
        spec="""
version: 0.2
phases: {build: {commands: [echo built]}}
reports: {unit: {files: ['out/**/*'], discard-paths: yes, file-format: NUNITXML}}
""",
        files={"out/b/a.xml": "b"},
        output=("built",),
        reports={"unit NUNITXML": ["a.xml"]},
    ),
    Case(
        fact="a missing report fails UPLOAD_ARTIFACTS",
        section="reports",
        spec="""
version: 0.2
phases: {build: {commands: [echo built]}}
reports: {unit: {files: [junit.xml]}, other: {files: ['*'], base-directory: none}}
""",
        output=("built",),
        status="FAILED",
        message="UPLOAD_ARTIFACTS: a report was not written: unit: no file matches junit.xml; "
        "other: no file matches *",
        reports={"unit JUNITXML": [], "other JUNITXML": []},
        said=("No report files were found for report group unit",),
    ),
    Case(
        fact="the report of a failing build is there",
        section="transitions",
        spec="""
version: 0.2
phases: {build: {commands: ['echo x > junit.xml; exit 1']}}
reports: {unit: {files: junit.xml}}
""",
        status="FAILED",
        message="BUILD: Error while executing command: echo x > junit.xml; exit 1. "
        "Reason: exit status 1",
        reports={"unit JUNITXML": ["junit.xml"]},
    ),
    # --- artifacts
    Case(
        fact="a single file, and one in a folder",
        section="artifacts/files",
        spec="""
version: 0.2
phases: {build: {commands: [echo new > made.txt]}}
artifacts: {files: [made.txt, a/b/deep.txt]}
""",
        files={"a/b/deep.txt": "", "other.txt": ""},
        artifacts={"": ["a/b/deep.txt", "made.txt"]},
    ),
    Case(
        fact="**/* is every file, those with a dot too",
        section="artifacts/files",
        spec="{version: 0.2, phases: {build: {commands: []}}, artifacts: {files: ['**/*']}}",
        files={"x": "", ".hidden/y": "", "a/b/.z": ""},
        artifacts={"": [".hidden/y", "a/b/.z", "x"]},
    ),
    Case(
        fact="folder/* is the files of one folder, folder/**/* those below too",
        section="artifacts/files",
        spec="""
version: 0.2
phases: {build: {commands: []}}
artifacts: {files: ['one/*', 'two/**/*']}
""",
        files={"one/x": "", "one/in/y": "", "two/x": "", "two/in/y": "", "three": ""},
        artifacts={"": ["one/x", "two/in/y", "two/x"]},
    ),
    Case(
        fact="a folder of a base directory is taken by a pattern (the reference's example)",
        section="artifacts/base-directory, first example",
        spec="""
version: 0.2
phases: {build: {commands: []}}
artifacts: {files: ['*/my-file3.txt'], base-directory: my-build2}
""",
        files={
            "my-build1/my-file1.txt": "",
            "my-build2/my-file2.txt": "",
            "my-build2/my-subdirectory/my-file3.txt": "",
        },
        artifacts={"": ["my-subdirectory/my-file3.txt"]},
    ),
    Case(
        fact="a base directory may be a pattern, and paths may go (the reference's example)",
        section="artifacts/base-directory, second example",
        spec="""
version: 0.2
phases: {build: {commands: []}}
artifacts: {files: ['**/*'], base-directory: 'my-build*', discard-paths: yes}
""",
        files={
            "my-build1/my-file1.txt": "",
            "my-build2/my-file2.txt": "",
            "my-build2/my-subdirectory/my-file3.txt": "",
        },
        artifacts={"": ["my-file1.txt", "my-file2.txt", "my-file3.txt"]},
    ),
    Case(
        fact="files are relative to the source, wherever commands went",
        section="artifacts/files",
        spec="{version: 0.2, phases: {build: {commands: [cd a]}}, artifacts: {files: [a/x]}}",
        files={"a/x": ""},
        artifacts={"": ["a/x"]},
    ),
    Case(
        fact="excluded paths are left out",
        section="artifacts/exclude-paths",
        spec="""
version: 0.2
phases: {build: {commands: []}}
artifacts:
  files: ['**/*']
  base-directory: out
  exclude-paths: ['**/node_modules/**/*', '**/.*', 'top/*']
""",
        files={
            "out/x": "",
            "out/.env": "",
            "out/a/.env": "",
            "out/a/node_modules/m/i.js": "",
            "out/top/y": "",
            "out/top/in/z": "",
        },
        artifacts={"": ["top/in/z", "x"]},
    ),
    Case(
        fact="secondary artifacts have identifiers",
        section="artifacts/secondary-artifacts",
        spec="""
version: 0.2
phases: {build: {commands: []}}
artifacts:
  files: [primary.txt]
  secondary-artifacts:
    first: {files: ['**/*'], base-directory: one}
    second: {files: [two/y], discard-paths: yes, name: "second-$(date +%Y)"}
""",
        files={"primary.txt": "", "one/x": "", "two/y": ""},
        artifacts={"": ["primary.txt"], "first": ["x"], "second": ["y"]},
    ),
    Case(
        fact="secondary artifacts may stand alone, with files as one text",
        section="artifacts/secondary-artifacts (the CDK writes it so)",
        spec="""
version: 0.2
phases: {build: {commands: []}}
artifacts: {secondary-artifacts: {only: {files: '**/*', base-directory: one}}}
""",
        files={"one/x": ""},
        artifacts={"only": ["x"]},
    ),
    Case(
        fact="a base directory may be a variable of a secondary source",
        section="sources",
        spec="""
version: 0.2
phases: {build: {commands: [cd $CODEBUILD_SRC_DIR_other, echo > made, export D=in]}}
artifacts:
  secondary-artifacts:
    a: {files: [made], base-directory: $CODEBUILD_SRC_DIR_other}
    b: {files: ["$CODEBUILD_SRC_DIR/${D}/*"]}
""",
        files={"in/x": ""},
        secondary={"other": {}},
        artifacts={"a": ["made"], "b": ["in/x"]},
    ),
    Case(
        fact="one pattern without a match is skipped",
        section="log",
        spec="""
version: 0.2
phases: {build: {commands: []}}
artifacts: {files: [missing.txt, x], s3-prefix: builds}
""",
        files={"x": ""},
        artifacts={"": ["x"]},
        said=("Skipping invalid file path missing.txt",),
    ),
    Case(
        fact="no match at all fails UPLOAD_ARTIFACTS",
        section="log",
        spec="""
version: 0.2
phases: {build: {commands: [echo built]}}
artifacts: {files: [missing.txt, 'out/*']}
""",
        status="FAILED",
        message="UPLOAD_ARTIFACTS: no matching artifact paths found",
        output=("built",),
        phases=ALL_SUCCEEDED | {"UPLOAD_ARTIFACTS": "FAILED"},
        said=("Phase context status code: CLIENT_ERROR Message: no matching artifact paths found",),
    ),
    Case(
        fact="a missing base directory fails UPLOAD_ARTIFACTS",
        section="artifacts/base-directory",
        spec="""
version: 0.2
phases: {build: {commands: []}}
artifacts: {secondary-artifacts: {dist: {files: ['**/*'], base-directory: dist}}}
""",
        status="FAILED",
        message="UPLOAD_ARTIFACTS: artifact dist: no matching base directory path found for dist",
    ),
]


def named(cases: list[Case]) -> list[Any]:
    return [pytest.param(case, id=case.fact.replace(" ", "-")) for case in cases]


# Cases that speak of a shell have it already.
WITHOUT_SHELL = [case for case in CASES if "shell" not in case.spec + case.section]


@pytest.mark.parametrize("case", named(CASES))
def test_reference(case: Case, tmp_path: Path) -> None:
    check(case, make(case, tmp_path))


@pytest.mark.parametrize("case", named(WITHOUT_SHELL))
def test_reference_in_bash(case: Case, tmp_path: Path) -> None:
    build = make(case, tmp_path)
    environment = replace(build.buildspec.environment, shell="bash")
    check(case, replace(build, buildspec=replace(build.buildspec, environment=environment)))


def make(case: Case, folder: Path) -> Build:
    return make_build(
        folder,
        case.spec,
        files=case.files,
        secondary=case.secondary,
        variables=case.variables,
        environment=case.environment,
        secrets=case.secrets,
    )


def check(case: Case, build: Build) -> None:
    ran = run(build)
    output = [line[:8] if line.startswith("Python 3") else line for line in ran.output]
    assert output == list(case.output), ran.log
    assert (ran.result.status, ran.result.message) == (case.status, case.message)
    assert ran.result.exported_variables == case.exported
    assert {name: ran.names(name) for name in ran.result.artifacts} == case.artifacts
    assert {
        f"{report.group} {report.file_format}": [
            path.relative_to(build.folder / "reports" / str(index)).as_posix()
            for path in report.files
        ]
        for index, report in enumerate(ran.result.reports)
    } == case.reports
    if case.phases is not None:
        assert ran.phases == case.phases
    for text in case.said:
        assert text in ran.said
    for secret in case.secrets.values():
        assert secret not in ran.log + ran.result.message


def test_the_suite_is_large_enough_and_its_facts_differ() -> None:
    assert len({case.fact for case in CASES}) == len(CASES) >= 45
    assert all(case.section for case in CASES)
