"""What downloads and uploads do, run in a real shell against a server on this machine."""

import base64
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dpra_constructs.build_actions.artifactory_publish import ArtifactoryPublish
from dpra_constructs.build_actions.locked_tools import Download, download
from tests.build_actions.other_actions import TOKEN, code_artifact, nexus

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None, reason="curl, which build images have, is not on this machine"
)
PROGRAM = "#!/bin/sh\necho I am fruit\n"


@dataclass
class Server:
    """Answers with files, and keeps what is sent to it."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    received: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    status: int = 201


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = state.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append((self.command, self.path, dict(self.headers), body))
            self.send_response(state.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_PUT  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Server(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield state
        http.shutdown()
        thread.join()


def tar_gz(name: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.mode, member.size = 0o755, len(PROGRAM)
        archive.addfile(member, io.BytesIO(PROGRAM.encode()))
    return content.getvalue()


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        member = zipfile.ZipInfo(name)
        member.create_system = 3
        member.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(member, PROGRAM)
    return content.getvalue()


FILES = {
    "fruit-1.0.tar.gz": tar_gz("fruit"),
    "fruit-1.0.tgz": tar_gz("fruit-1.0/bin/fruit"),
    "fruit-1.0.zip": zipped("fruit-1.0/bin/fruit"),
    "fruit-linux": PROGRAM.encode(),
    "fruit-1.0.jar": b"a jar",
}


def shell(command: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", FILES)
def test_a_download_with_the_right_hash_is_unpacked_and_found(
    name: str, server: Server, tmp_path: Path
) -> None:
    server.files[f"/{name}"] = FILES[name]
    right = hashlib.sha256(FILES[name]).hexdigest()
    command = download("fruit", {"*": Download(f"{server.address}/{name}", right)})
    use = 'cat "$folder/fruit.jar"' if name.endswith(".jar") else "fruit"
    done = shell(f"{command}\n{use}", tmp_path, DPRA_TOOLS=str(tmp_path / "tools"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("a jar" if name.endswith(".jar") else "I am fruit\n")
    # The second build takes what the first one kept.
    server.files.clear()
    again = shell(f"{command}\n{use}", tmp_path, DPRA_TOOLS=str(tmp_path / "tools"))
    assert again.stdout == done.stdout


@pytest.mark.parametrize("name", FILES)
def test_a_download_with_another_hash_fails_and_is_not_unpacked(
    name: str, server: Server, tmp_path: Path
) -> None:
    server.files[f"/{name}"] = FILES[name]
    command = download("fruit", {"*": Download(f"{server.address}/{name}", "0" * 64)})
    done = shell(f"{command}\necho went on", tmp_path)
    assert done.returncode == 1
    assert "went on" not in done.stdout
    [folder] = (tmp_path / ".dpra").iterdir()
    assert [path.name for path in folder.iterdir()] == [name]


def test_a_download_that_is_not_there_fails(server: Server, tmp_path: Path) -> None:
    command = download("fruit", {"*": Download(f"{server.address}/no.tar.gz", "0" * 64)})
    done = shell(f"{command}\necho went on", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "404" in done.stderr


def test_a_platform_without_a_hash_is_named(tmp_path: Path) -> None:
    command = download("fruit", {"Plan9-vax": Download("https://acme.example/f", "0" * 64)})
    done = shell(command, tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("fruit is not known for ")


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in ("fruit-1.0-py3-none-any.whl", "fruit-1.0.tgz", "fruit-1.0.pom", "fruit-1.0.jar"):
        (folder / name).write_text(f"the content of {name}")
    return tmp_path


# What a careless quoting would break.
PASSWORD = "p\"a\\s$ s'%w"


@pytest.mark.parametrize(
    ("format", "directory", "parts"),
    [
        ("pypi", None, [b'name="pypi.asset"; filename="fruit-1.0-py3-none-any.whl"']),
        ("npm", None, [b'name="npm.asset"; filename="fruit-1.0.tgz"']),
        (
            "maven2",
            None,
            [
                b'name="maven2.asset1"; filename="fruit-1.0.pom"',
                b'name="maven2.asset2"; filename="fruit-1.0.jar"',
                b'name="maven2.asset2.extension"\r\n\r\njar',
            ],
        ),
        (
            "raw",
            "fruit/1.0",
            [
                b'name="raw.directory"\r\n\r\n/fruit/1.0',
                b'name="raw.asset1.filename"\r\n\r\nfruit-1.0.tgz',
            ],
        ),
    ],
)
def test_nexus_gets_each_file_with_the_credentials(
    format: str, directory: str | None, parts: list[bytes], server: Server, dist: Path
) -> None:
    [command] = nexus(format, directory).to_build_action().commands
    command = command.replace("https://nexus.acme.example", server.address)
    done = shell(command, dist, NEXUS_USERNAME="apple", NEXUS_PASSWORD=PASSWORD)
    assert (done.returncode, done.stderr) == (0, "")
    assert PASSWORD not in done.stdout
    assert len(server.received) == (1 if format == "maven2" else 2)
    for method, path, headers, _ in server.received:
        assert (method, path) == ("POST", "/service/rest/v1/components?repository=releases")
        assert headers["Authorization"] == basic("apple", PASSWORD)
    for part in parts:
        assert any(part in body for *_, body in server.received)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def artifactory(address: str, files: list[str]) -> str:
    action = ArtifactoryPublish(
        url="https://acme.jfrog.io/artifactory",
        repository="wheels",
        files=files,
        token=TOKEN,
        directory="fruit/1.0",
    )
    [command] = action.to_build_action().commands
    return command.replace("https://acme.jfrog.io", address)


def test_artifactory_gets_the_file_its_hash_and_the_token(server: Server, dist: Path) -> None:
    command = artifactory(server.address, ["dist/*.whl"])
    done = shell(command, dist, ARTIFACTORY_TOKEN=PASSWORD)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "uploading dist/fruit-1.0-py3-none-any.whl\n"
    [(method, path, headers, body)] = server.received
    assert (method, path) == (
        "PUT",
        "/artifactory/wheels/fruit/1.0/fruit-1.0-py3-none-any.whl",
    )
    assert headers["Authorization"] == f"Bearer {PASSWORD}"
    assert headers["X-Checksum-Sha256"] == hashlib.sha256(body).hexdigest()
    assert body == b"the content of fruit-1.0-py3-none-any.whl"


def test_npm_itself_publishes_to_codeartifact_with_the_token(
    server: Server, tmp_path: Path
) -> None:
    """A stand-in answers for AWS; npm is the real one."""
    (tmp_path / "dist").mkdir()
    with tarfile.open(tmp_path / "dist" / "fruit-1.0.0.tgz", "w:gz") as archive:
        package = json.dumps({"name": "fruit", "version": "1.0.0"}).encode()
        member = tarfile.TarInfo("package/package.json")
        member.size = len(package)
        archive.addfile(member, io.BytesIO(package))
    aws = tmp_path / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text(
        '#!/bin/sh\ncase "$2" in get-authorization-token) echo the-token ;; '
        f"*) echo {server.address}/npm/releases/ ;; esac\n"
    )
    aws.chmod(0o755)
    [command] = code_artifact("npm").to_build_action().commands
    done = shell(f'PATH="{aws.parent}:$PATH"\n{command}', tmp_path, npm_config_update_notifier="no")
    assert done.returncode == 0, done.stderr
    assert "the-token" not in done.stdout + done.stderr
    [(method, path, headers, body)] = server.received
    assert (method, path) == ("PUT", "/npm/releases/fruit")
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["authorization"] == "Bearer the-token"
    assert json.loads(body)["dist-tags"] == {"latest": "1.0.0"}


def test_an_upload_that_is_refused_fails(server: Server, dist: Path) -> None:
    server.status = 403
    command = artifactory(server.address, ["dist/*.whl", "dist/*.tgz"])
    done = shell(command, dist, ARTIFACTORY_TOKEN="x")
    assert done.returncode != 0
    assert "403" in done.stderr
    assert len(server.received) == 1


def test_a_pattern_without_a_file_fails(server: Server, dist: Path) -> None:
    done = shell(artifactory(server.address, ["dist/*.zip"]), dist, ARTIFACTORY_TOKEN="x")
    assert (done.returncode, done.stderr) == (1, "no file matches dist/*.zip\n")
    assert server.received == []


def test_an_upload_without_the_secret_fails(server: Server, dist: Path) -> None:
    server.status = 401
    done = shell(artifactory(server.address, ["dist/*.whl"]), dist)
    assert done.returncode != 0
