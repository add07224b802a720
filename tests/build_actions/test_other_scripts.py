"""How the longer scripts go on: run in a real shell, with stand-ins for what is not here.

The AWS CLI, Docker and the scanners cannot be run on this machine. The stand-ins write down how
they are called, so that the order of the steps and what stops them can be seen.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs.build_actions.ecr_push import EcrPush
from dpra_constructs.build_actions.pushed_image import pushed_image
from tests.build_actions.other_actions import ACTIONS, code_artifact

DIGEST = "sha256:" + "d" * 64
URI = "111111111111.dkr.ecr.us-west-2.amazonaws.com/acme/fruit"
COMMIT = "c" * 40
AWS = f"""
case "$*" in
  *describe-repositories*) echo {URI} ;;
  *get-login-password*) echo the-password ;;
  *describe-image-signing-status*) cat signing ;;
  *batch-get-image*) if [ -e pushed ]; then echo {DIGEST}; else echo None; fi ;;
  *get-authorization-token*) echo the-token ;;
  *get-repository-endpoint*) echo https://acme-1.d.codeartifact.example/npm/releases/ ;;
esac
"""
DOCKER = 'case "$1" in push) touch pushed ;; login) cat >password ;; esac'


class Machine:
    """A folder, and a PATH with stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "stand-ins").mkdir()

    def add(self, name: str, script: str = "") -> None:
        file = self.folder / "stand-ins" / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.folder}/calls"\n{script}\n')
        file.chmod(0o755)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'stand-ins'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env={"PATH": path, "CODEBUILD_RESOLVED_SOURCE_VERSION": COMMIT},
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def docker_calls(self) -> list[str]:
        return [call.split()[1] for call in self.calls if call.startswith("docker ")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.add("aws", AWS)
    made.add("docker", DOCKER)
    return made


def push(machine: Machine, results: object, **options: Any) -> subprocess.CompletedProcess[str]:
    text = json.dumps(results)
    machine.add("trivy", f"cat >reports/image.json <<'JSON'\n{text}\nJSON")
    [command] = EcrPush(repository="acme/fruit", **options).to_build_action().commands
    return machine.run(command)


def test_an_image_is_built_scanned_and_pushed_once(machine: Machine) -> None:
    done = push(machine, {})
    assert done.returncode == 0, done.stderr
    assert machine.docker_calls() == ["login", "build", "push", "logout"]
    assert f"docker build --tag {URI}:{COMMIT} --file Dockerfile ." in machine.calls
    names = [call.split()[0] for call in machine.calls]
    assert names.index("trivy") < machine.calls.index(f"docker push --quiet {URI}:{COMMIT}")
    image = pushed_image((machine.folder / "image" / "image.json").read_text())
    assert (image.repository, image.digest) == ("acme/fruit", DIGEST)
    assert image.uri == f"{URI}@{DIGEST}"


def test_the_password_goes_to_standard_input_alone(machine: Machine) -> None:
    push(machine, {})
    assert (machine.folder / "password").read_text() == "the-password\n"
    assert "the-password" not in "\n".join(machine.calls)


def test_an_image_of_the_commit_that_was_pushed_is_taken_and_scanned_again(
    machine: Machine,
) -> None:
    (machine.folder / "pushed").touch()
    done = push(machine, {})
    assert done.returncode == 0, done.stderr
    assert machine.docker_calls() == ["login", "pull", "tag", "logout"]
    assert any(call.startswith("trivy image ") for call in machine.calls)
    assert pushed_image((machine.folder / "image" / "image.json").read_text()).digest == DIGEST


def test_an_image_with_findings_is_not_pushed(machine: Machine) -> None:
    finding = {"VulnerabilityID": "CVE-1", "PkgName": "libfruit", "Severity": "HIGH"}
    done = push(machine, {"Results": [{"Target": "layer", "Vulnerabilities": [finding]}]})
    assert done.returncode == 1
    assert "layer: libfruit : CVE-1: severity high, fixed in no version: " in done.stdout
    assert machine.docker_calls() == ["login", "build", "logout"]
    assert not (machine.folder / "image" / "image.json").exists()


def push_signed(machine: Machine, *statuses: str) -> subprocess.CompletedProcess[str]:
    """Push an image whose signing has these statuses, one at each look, and the last from then."""
    for number, status in enumerate(statuses):
        (machine.folder / f"signing-{number}").write_text(status)
    (machine.folder / "signing").write_text(statuses[0])
    machine.add("sleep", 'n=$(cat n || echo 1); cp "signing-$n" signing; echo $((n + 1)) >n; true')
    return push(machine, {}, signing_profile="dpra_images_1")


def test_the_image_is_handed_on_when_amazon_ecr_has_signed_it(machine: Machine) -> None:
    done = push_signed(machine, "None", "IN_PROGRESS\tNone", "COMPLETE\tNone")
    assert done.returncode == 0, done.stderr
    [*_, last] = [call for call in machine.calls if "signing-status" in call]
    assert f"--image-id imageDigest={DIGEST}" in last
    assert "[?ends_with(signingProfileArn, '/dpra_images_1')]" in last
    assert machine.calls.count("sleep 5") == 2
    assert machine.calls.index(f"docker push --quiet {URI}:{COMMIT}") < machine.calls.index(last)
    assert (machine.folder / "image" / "image.json").exists()


@pytest.mark.parametrize(
    ("status", "looks"),
    [("FAILED\tThe role may not call SignPayload", 1), ("None", 60), ("IN_PROGRESS\tNone", 60)],
)
def test_an_image_that_is_not_signed_is_not_handed_on(
    machine: Machine, status: str, looks: int
) -> None:
    done = push_signed(machine, status)
    assert done.returncode == 1
    assert f"{URI}@{DIGEST} is not signed with dpra_images_1, but: {status}\n" in done.stderr
    assert "let ImageSigningProfile name the repository, and push another commit" in done.stderr
    assert len([call for call in machine.calls if "signing-status" in call]) == looks
    assert not (machine.folder / "image" / "image.json").exists()


def test_an_aws_cli_that_does_not_know_of_signing_stops_the_action(machine: Machine) -> None:
    machine.add("aws", AWS.replace("cat signing", "echo Invalid choice >&2; exit 252"))
    done = push(machine, {}, signing_profile="dpra_images_1")
    assert done.returncode == 252
    assert "Invalid choice" in done.stderr
    assert not (machine.folder / "image" / "image.json").exists()


def test_who_pushes_may_sign_with_the_profile_alone() -> None:
    permissions = (
        EcrPush(repository="acme/fruit", signing_profile="dpra_images_1")
        .to_build_action()
        .permissions
    )
    own = "arn:{partition}:%s:{region}:{account}:%s"
    assert {
        action: each.resources for each in permissions for action in each.actions if "ign" in action
    } == {
        "signer:SignPayload": (own % ("signer", "/signing-profiles/dpra_images_1"),),
        "ecr:DescribeImageSigningStatus": (own % ("ecr", "repository/acme/fruit"),),
    }


def test_an_image_that_cannot_be_built_is_not_pushed(machine: Machine) -> None:
    machine.add("docker", 'case "$1" in build) exit 7 ;; login) cat >password ;; esac')
    done = push(machine, {})
    assert done.returncode == 7
    assert machine.docker_calls() == ["login", "build", "logout"]


def test_npm_gets_the_token_by_its_environment(machine: Machine) -> None:
    (machine.folder / "dist").mkdir()
    (machine.folder / "dist" / "fruit-1.0.tgz").touch()
    machine.add("npm", 'eval "config=\\${$#}"; cp "$config" npmrc; env >environment')
    [command] = code_artifact("npm").to_build_action().commands
    done = machine.run(command)
    assert done.returncode == 0, done.stderr
    assert (machine.folder / "npmrc").read_text() == (
        "//acme-1.d.codeartifact.example/npm/releases/:_authToken=${CODEARTIFACT_AUTH_TOKEN}\n"
    )
    assert "CODEARTIFACT_AUTH_TOKEN=the-token\n" in (machine.folder / "environment").read_text()
    assert "the-token" not in "\n".join(machine.calls) + done.stdout + done.stderr


def test_no_package_is_published_without_a_token(machine: Machine) -> None:
    machine.add("aws", "exit 9")
    machine.add("npm")
    [command] = code_artifact("npm").to_build_action().commands
    assert machine.run(command).returncode == 9
    assert not any(call.startswith("npm ") for call in machine.calls)


@pytest.mark.parametrize(
    ("cx", "status"),
    [
        ("echo '{\"runs\": []}' >reports/checkmarx.sarif", 0),
        ("echo '{\"runs\": []}' >reports/checkmarx.sarif; exit 3", 3),
        ("exit 4", 4),
        ("true", 1),
    ],
    ids=["fine", "over the threshold, reported", "could not scan", "no results"],
)
def test_checkmarx_decides_and_its_findings_are_published(
    cx: str, status: int, machine: Machine
) -> None:
    machine.add("cx", cx)
    [scan] = ACTIONS["checkmarx"].to_build_action().commands
    done = machine.run(scan)
    assert done.returncode == status
    report = (machine.folder / "reports" / "checkmarx.xml").read_text()
    assert ("what it found cannot be read" in report) == ("sarif" not in cx)


def test_the_key_of_the_vulnerability_database_is_in_a_file_that_is_removed(
    machine: Machine,
) -> None:
    machine.add(
        "dependency-check.sh", 'eval "file=\\${$#}"; ls -l "$file" >mode; cp "$file" properties'
    )
    _, scan = ACTIONS["dependency-check with all"].to_build_action().commands
    done = machine.run(f"export NVD_API_KEY=the-key\n{scan}")
    assert done.returncode == 0, done.stderr
    assert (machine.folder / "properties").read_text() == "nvd.api.key=the-key\n"
    assert (machine.folder / "mode").read_text().startswith("-rw-------")
    [call] = machine.calls
    assert "the-key" not in call
    assert not Path(call.rpartition(" ")[2]).exists()


@pytest.mark.parametrize(
    ("properties", "status"),
    [("distributionSha256Sum=" + "0" * 64, 0), ("distributionUrl=x", 1), (None, 1)],
)
def test_a_wrapper_that_downloads_unchecked_is_refused(
    properties: str | None, status: int, machine: Machine
) -> None:
    folder = machine.folder / "my service" / ".mvn" / "wrapper"
    folder.mkdir(parents=True)
    if properties is not None:
        (folder / "maven-wrapper.properties").write_text(properties)
    [check] = ACTIONS["maven with all"].to_build_action().install
    done = machine.run(check)
    assert done.returncode == status
    assert ("distributionSha256Sum is missing in my service/" in done.stderr) == bool(status)


def test_a_shallow_clone_is_refused(machine: Machine) -> None:
    def git(*words: str, folder: Path) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@acme.example"]
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)

    whole = machine.folder / "whole"
    whole.mkdir()
    git("init", folder=whole)
    for message in ("one", "two"):
        git("commit", "--allow-empty", "--message", message, folder=whole)
    git("clone", "--depth", "1", whole.as_uri(), "shallow", folder=machine.folder)
    _, check, _ = ACTIONS["gitleaks"].to_build_action().commands
    assert machine.run(f"cd whole && {{ {check}\n}}").returncode == 0
    refused = machine.run(f"cd shallow && {{ {check}\n}}")
    assert refused.returncode == 1
    assert "the clone is shallow" in refused.stderr
