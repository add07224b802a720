"""How a build ends, what it leaves behind, and that nothing of it goes on."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from dpra_constructs.local_run import Variable, run_build
from dpra_constructs.local_run.processes import MARK
from tests.local_run.builds import Ran, make_build, run

# Children in the background: of the shell, in a session of its own, in a session of its own with
# no variable of the build, one that ignores SIGTERM, and a subshell.
BACKGROUND = """
sleep 300 & echo $! >> pids
setsid sleep 300 & echo $! >> pids
setsid env -i PATH="$PATH" sh -c 'echo $$ >> pids; sleep 300; true' &
nohup sh -c 'trap "" TERM; echo $$ >> pids; while true; do sleep 0.1; done' >/dev/null 2>&1 &
(while true; do sleep 0.1; done) & echo $! >> pids
while [ "$(wc -l < pids)" -lt 5 ]; do sleep 0.01; done
"""


def spec(last: str, shell: str = "sh") -> str:
    command = (BACKGROUND + last).replace("\n", "\n        ")
    return f"""
version: 0.2
env: {{shell: {shell}}}
phases:
  build:
    commands:
      - |{command}
    finally: [echo finally]
"""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A zombie has ended, and waits for the system to take notice.
    return state not in {"Z", "X"}


def pids(folder: Path) -> list[int]:
    found = [int(line) for line in (folder / "source" / "pids").read_text().split()]
    assert len(found) == 5
    return found


def when(condition: Callable[[], bool], then: Callable[[], None]) -> threading.Thread:
    def wait() -> None:
        deadline = time.monotonic() + 30
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def five_pids(folder: Path) -> Callable[[], bool]:
    file = folder / "source" / "pids"
    return lambda: file.exists() and len(file.read_text().splitlines()) == 5


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    ("last", "status"), [("true", "SUCCEEDED"), ("exit 3", "FAILED"), ("exec true", "SUCCEEDED")]
)
def test_background_processes_end_with_the_build(
    last: str, status: str, shell: str, tmp_path: Path
) -> None:
    ran = run(make_build(tmp_path, spec(last, shell)))
    assert ran.result.status == status
    assert "finally" in ran.output
    assert not any(map(is_running, pids(tmp_path)))


def test_a_timeout_ends_every_process(tmp_path: Path) -> None:
    # The time of a build begins before its shell: long enough for a loaded machine.
    ran = run(make_build(tmp_path, spec("sleep 300"), timeout_seconds=5))
    assert (ran.result.status, ran.result.message) == (
        "TIMED_OUT",
        "BUILD: the build took longer than 5 seconds",
    )
    assert list(ran.phases.items())[-2:] == [("BUILD", "TIMED_OUT"), ("FINALIZING", "SUCCEEDED")]
    assert "finally" not in ran.output
    assert not any(map(is_running, pids(tmp_path)))


def test_a_stopped_build_ends_every_process(tmp_path: Path) -> None:
    stopped = threading.Event()
    watcher = when(five_pids(tmp_path), stopped.set)
    begin = time.monotonic()
    ran = run(make_build(tmp_path, spec("sleep 300"), stopped=stopped))
    watcher.join()
    assert (ran.result.status, ran.result.message) == ("STOPPED", "BUILD: the build was stopped")
    assert not any(map(is_running, pids(tmp_path)))
    assert time.monotonic() - begin < 60


def test_a_build_that_was_stopped_before_runs_nothing(tmp_path: Path) -> None:
    stopped = threading.Event()
    stopped.set()
    ran = run(make_build(tmp_path, spec("true"), stopped=stopped))
    assert ran.phases == {"DOWNLOAD_SOURCE": "STOPPED", "FINALIZING": "SUCCEEDED"}
    assert not (tmp_path / "source" / "pids").exists()


def test_an_error_of_the_caller_ends_every_process(tmp_path: Path) -> None:
    def on_phase(name: str) -> None:
        if name == "POST_BUILD":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_build(make_build(tmp_path, spec("true"), on_phase=on_phase))
    assert not any(map(is_running, pids(tmp_path)))
    assert not (tmp_path / "build" / "shell").exists()


def test_builds_side_by_side_do_not_end_each_other(tmp_path: Path) -> None:
    text = "{version: 0.2, phases: {build: {commands: [sleep %s, echo done]}}}"
    builds = [
        make_build(tmp_path / str(index), text.replace("%s", seconds))
        for index, seconds in enumerate(["0", "1", "0.2", "0.5"])
    ]
    with ThreadPoolExecutor(4) as pool:
        for ran in pool.map(run, builds):
            assert (ran.result.status, ran.output) == ("SUCCEEDED", ["done"])


def test_a_build_inside_a_build_is_found_by_both(tmp_path: Path) -> None:
    text = f"{{version: 0.2, phases: {{build: {{commands: [echo ${MARK}]}}}}}}"
    ran = run(make_build(tmp_path, text, environment={MARK: "outer"}))
    assert ran.output[0].startswith("outer:")


def test_no_file_handle_or_thread_is_left(tmp_path: Path) -> None:
    text = "{version: 0.2, phases: {build: {commands: [exit 1, exit 1], finally: [exit 2]}}}"
    run(make_build(tmp_path / "first", text))
    handles, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for index in range(3):
        run(make_build(tmp_path / str(index), text))
    # Fewer is no fault: something of another test may have been closed meanwhile.
    assert len(list(Path("/proc/self/fd").iterdir())) <= handles
    assert threading.active_count() <= threads


def test_a_trap_of_the_commands_runs_when_the_shell_ends(tmp_path: Path) -> None:
    text = """
version: 0.2
phases: {build: {commands: ["trap 'sleep 0.2; echo bye' EXIT", echo last]}}
"""
    assert run(make_build(tmp_path, text)).output == ["last", "bye"]


def test_phases_are_announced_when_they_begin(tmp_path: Path) -> None:
    names: list[str] = []
    ran = run(
        make_build(
            tmp_path,
            "{version: 0.2, phases: {build: {commands: [sleep 0.2]}}}",
            on_phase=names.append,
        )
    )
    assert names == list(ran.phases)
    seconds = {phase.name: phase.seconds for phase in ran.result.phases}
    assert seconds["BUILD"] >= 0.2
    assert min(seconds.values()) >= 0


def test_no_secret_is_left_on_the_disk(tmp_path: Path) -> None:
    ran = run(
        make_build(
            tmp_path,
            """
version: 0.2
env: {parameter-store: {A: p}, exported-variables: [B]}
phases:
  build:
    commands: ['printf %s "$A" | cut -c1-6; printf %s "${A%??}"; sleep 0.3; echo "${A#??????}"']
    finally: [echo "$A" | base64]
""",
            secrets={"p": "sesame99"},
        )
    )
    # The exact value is hidden, in pieces too; what is made of it is not, as in the service.
    assert ran.output == ["sesame", "***", "c2VzYW1lOTkK"]
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"sesame99" not in file.read_bytes()


def test_credentials_of_the_caller_are_hidden_but_not_those_of_an_emulator(tmp_path: Path) -> None:
    text = """
version: 0.2
phases:
  build:
    commands: ['echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN"']
"""
    real = {
        "AWS_ACCESS_KEY_ID": "ASIA" + "X" * 16,
        "AWS_SECRET_ACCESS_KEY": "s" * 40,
        "AWS_SESSION_TOKEN": "t" * 300,
    }
    emulated = {"AWS_ACCESS_KEY_ID": "222222222222", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
    assert run(make_build(tmp_path / "1", text, environment=real)).output == ["*** *** ***"]
    assert run(make_build(tmp_path / "2", text, environment=emulated)).output == [
        "222222222222 rehearsal "
    ]


def failed_before_commands(ran: Ran) -> str:
    assert ran.phases == {"DOWNLOAD_SOURCE": "FAILED", "FINALIZING": "SUCCEEDED"}
    assert ran.result.status == "FAILED"
    return ran.result.message


def test_another_user_is_refused(tmp_path: Path) -> None:
    text = "{version: 0.2, run-as: nobody-known, phases: {build: {commands: [a]}}}"
    message = failed_before_commands(run(make_build(tmp_path, text)))
    assert message.startswith("DOWNLOAD_SOURCE: buildspec run-as: commands run as ")
    assert message.endswith("and not as nobody-known; run the build as nobody-known")


def test_another_user_of_a_phase_is_refused(tmp_path: Path) -> None:
    text = "{version: 0.2, phases: {build: {run-as: nobody-known, commands: [a]}}}"
    message = failed_before_commands(run(make_build(tmp_path, text)))
    assert message.startswith("DOWNLOAD_SOURCE: buildspec phases/build/run-as: commands run as ")


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    build = make_build(tmp_path, "{version: 0.2, phases: {build: {commands: [a]}}}")
    ran = run(replace(build, source=tmp_path / "none"))
    assert failed_before_commands(ran) == (
        f"DOWNLOAD_SOURCE: the source {tmp_path}/none is no folder"
    )


def test_a_type_of_variables_that_is_unknown_is_named(tmp_path: Path) -> None:
    build = make_build(
        tmp_path,
        "{version: 0.2, phases: {build: {commands: [a]}}}",
        variables={"A": Variable(value="b", type="SECRET")},
    )
    assert failed_before_commands(run(build)) == (
        "DOWNLOAD_SOURCE: buildspec variable A: 'SECRET' is not a type of variables; "
        "use PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER"
    )


def test_a_secret_of_the_project_is_not_exported(tmp_path: Path) -> None:
    build = make_build(
        tmp_path,
        "{version: 0.2, env: {exported-variables: [A]}, phases: {build: {commands: [a]}}}",
        variables={"A": Variable(value="p", type="PARAMETER_STORE")},
        secrets={"p": "hidden"},
    )
    assert failed_before_commands(run(build)) == (
        "DOWNLOAD_SOURCE: buildspec env/exported-variables: A is a secret of the project, and no "
        "secret can be exported; take it out of the list"
    )


def test_a_shell_that_is_not_there_is_named(tmp_path: Path) -> None:
    text = "{version: 0.2, env: {shell: bash}, phases: {build: {commands: [a]}}}"
    ran = run(make_build(tmp_path, text, environment={"PATH": "/nowhere"}))
    assert ran.result.message == "BUILD: the shell bash is not on the PATH of the build; install it"
