"""One instance of a shell that runs the commands of a build one after the other.

Version 0.2 of the buildspec runs every command in the same instance, so variables, functions, the
working directory and background processes persist. A command that ends the shell (`exit`, `exec`,
`set -e`) only ends itself, as in the service: the next command gets a new instance with the
variables and the directory of the last one.
Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-cmd.html
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from dpra_constructs.errors import DpraError

_POLL_SECONDS = 0.05
_FINISH_SECONDS = 1.0
_STATUS = re.compile(rb"dpra-status (\d+)\n")
# The shell reads the files to run from 9 and says exit statuses on 8; commands see neither.
# Nothing of the loop is traced by `set -x` or stopped by `set -u` and `set -C`.
_DRIVER = """\
exec 9<&0 8>&2 </dev/null 2>&1
__dpra_folder=$1
__dpra_save() {
  if [ -n "${BASH_VERSION-}" ]; then
    { declare -p; declare -f; } >|"$__dpra_folder/variables"
  else
    { set; export -p; } >|"$__dpra_folder/variables"
  fi
  pwd >|"$__dpra_folder/directory"
}
if [ -f "$__dpra_folder/variables" ]; then
  { . "$__dpra_folder/variables"; } 2>/dev/null
  IFS= read -r __dpra_directory <"$__dpra_folder/directory" && cd "$__dpra_directory"
fi
trap '{ __dpra_save; } 2>/dev/null' EXIT
while { IFS= read -r __dpra_file <&9; } 2>/dev/null; do
  . "$__dpra_file" 8>&- 9<&-
  { __dpra_status=$?; __dpra_save; echo "dpra-status $__dpra_status" >&8; } 2>/dev/null
done
"""


class ShellError(DpraError):
    """The shell could not be started."""


class Shell:
    """Runs commands in one instance of `bash` or `sh`.

    Args:
        name: `bash` or `sh`.
        environment: the variables that it begins with.
        directory: where it begins.
        folder: for its own files, which hold the values of variables: remove it afterwards.
        output: the file descriptor that commands print to.
        sessions: gets the process id of each instance, which leads a session of its own.
        check: called several times a second while a command runs; raises to end the wait.
    """

    def __init__(
        self,
        *,
        name: str,
        environment: Mapping[str, str],
        directory: Path,
        folder: Path,
        output: int,
        sessions: set[int],
        check: Callable[[], None],
    ) -> None:
        self._environment = environment
        self._directory = directory
        self._folder = folder
        self.output = output
        self._check = check
        self._process: subprocess.Popen[bytes] | None = None
        self._received = b""
        self._sessions = sessions
        found = shutil.which(name, path=environment.get("PATH", os.defpath))
        if not found:
            raise ShellError(f"the shell {name} is not on the PATH of the build; install it")
        self._program = found
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "driver.sh").write_text(_DRIVER)

    def run(self, command: str, file: str) -> int:
        """Run a command and return its exit status.

        Args:
            command: any text that the shell understands.
            file: the name of the file that holds the command; error messages of the shell show it.
        """
        path = self._folder / file
        path.write_text(command + "\n", errors="surrogateescape")
        if self._process and self._process.poll() is not None:
            self.close()  # something ended it between two commands
        process = self._started()
        if process.stdin is None or process.stderr is None:
            raise ShellError("the shell has no pipes")
        process.stdin.write(f"{path}\n".encode())
        return self._status(process, process.stderr.fileno())

    def values(self, names: Iterable[str]) -> dict[str, str]:
        """Return the values of those variables that are set in the shell, exported or not."""
        wanted = sorted(set(names))
        if not wanted:
            return {}
        target = self._folder / "values"
        lines = [
            f"""[ -z "${{{name}+x}}" ] || printf '%s\\0' "{name}=${name}" """ for name in wanted
        ]
        self.run("{\n" + "\n".join(lines) + f"\n}} >|{shlex.quote(str(target))}", "values.sh")
        text = target.read_bytes().decode(errors="surrogateescape")
        return dict(entry.split("=", 1) for entry in text.split("\0") if entry)

    def finish(self) -> None:
        """Let a shell that waits for a command end by itself, with its own EXIT traps."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_FINISH_SECONDS)

    def close(self) -> None:
        """Give up the shell; its processes are ended by the session's id."""
        if self._process:
            for pipe in (self._process.stdin, self._process.stderr):
                if pipe:
                    pipe.close()
            self._process.wait()
            self._process = None
            self._received = b""

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [self._program, str(self._folder / "driver.sh"), str(self._folder)],
                cwd=self._directory,
                env=dict(self._environment),
                stdin=subprocess.PIPE,
                stdout=self.output,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
            self._sessions.add(self._process.pid)
        return self._process

    def _status(self, process: subprocess.Popen[bytes], status_end: int) -> int:
        open_end = True
        # Not `select.select`, which takes no descriptor over 1023, as a long-lived process has.
        answers = select.poll()
        answers.register(status_end, select.POLLIN | select.POLLHUP)
        while True:
            self._check()
            if open_end and answers.poll(_POLL_SECONDS * 1000):
                data = os.read(status_end, 4096)
                open_end = bool(data)
                self._received += data
                if found := _STATUS.search(self._received):
                    self._received = self._received[found.end() :]
                    return int(found[1])
            elif not open_end or process.poll() is not None:
                # The command ended the shell, or replaced it by a program that runs still.
                try:
                    code = process.wait(_POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
                self.close()
                return code if code >= 0 else 128 - code
