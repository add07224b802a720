"""What no command of a build may do, found in its text."""

import re
from collections.abc import Iterator

# What looks like a secret itself: keys of AWS, GitHub, GitLab, Slack, and private keys.
_SECRET = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bglpat-[\w-]{20}|\bxox[abp]-|PRIVATE KEY--"
)
# An option or a variable of that name with a value that is no variable.
_PASSED = re.compile(
    r"(?i)(?:--[\w-]*(?:password|passwd|token|secret|api-?key)[ =]"
    r"|\b\w*(?:PASSWORD|TOKEN|SECRET|API_?KEY)=)(?!\$|\"\$|'\$|\s|\")([^\s;]+)"
)
_INTO_SHELL = re.compile(
    r"\|\s*(?:sudo\s+)?(?:\S*/)?(?:ba|da|z|k)?sh\b(?!-)|<\(\s*(?:curl|wget)|eval\s+\"?\$\((?:curl|wget)"
)
_MOVING = re.compile(r"@latest\b|:latest\b|\bgit clone\b|https?://\S+/(?:main|master|HEAD|latest)/")
# Where a command begins: not a word of a sentence.
_COMMAND = r"(?:^|[;&|({!]|\bthen\b|\bdo\b|\belse\b)\s*(?:\w+=\S*\s+)*(?:sudo\s+|exec\s+|env\s+)?"
# The first word of npm that fetches nothing, or only what a lock names.
_NPM = {"ci", "run", "audit", "publish"}
_DOWNLOAD = re.compile(r"\bcurl\b|\baws s3 cp\b[^\n]* s3://")
_CHECKED = re.compile(r"\bsha256sum --check\b")


def problems(commands: str) -> Iterator[str]:
    """Say what is wrong with the commands of one phase, which are run one after the other."""
    text = commands.replace("\\\n", " ")
    if found := _SECRET.search(text):
        yield f"a secret: {found[0]}"
    for line in text.splitlines():
        yield from _of_line(line)
    for download in _DOWNLOAD.finditer(text):
        line = text[download.start() :].partition("\n")[0]
        # What is sent needs no check.
        if "--upload-file" in line or "--form" in line:
            continue
        # Nothing else is fetched between a download and its check.
        after = text[download.end() :]
        following = _DOWNLOAD.search(after)
        if not _CHECKED.search(after[: following.start() if following else None]):
            yield f"a download without a check of its SHA-256: {line}"


def _of_line(line: str) -> Iterator[str]:
    if found := _PASSED.search(line):
        yield f"a plain secret: {found[0]}"
    if _INTO_SHELL.search(line):
        yield f"what is downloaded goes into a shell: {line}"
    if _MOVING.search(line) or re.search(r"\bwget\b", line):
        yield f"it may be another one tomorrow: {line}"
    if re.search(r"\bpip3? (?:\S+ )*?install\b", line) and not re.search(
        r"--require-hashes|--no-index|--requirement [^-\s]", line
    ):
        yield f"pip installs without hashes: {line}"
    for subcommand in re.findall(rf"{_COMMAND}npm\s+(?:--prefix \S+\s+|-\S+\s+)*(\w\S*)", line):
        if subcommand not in _NPM:
            yield f"npm installs without a lock: {line}"
    if re.search(rf"{_COMMAND}(?:npx|pnpx|yarn dlx|pipx|uvx)\s", line):
        yield f"a tool without a lock: {line}"
    for tool in re.findall(r"\bgo install (\S+)", line):
        if not re.search(r"@v\d+\.\d+\.\d+$", tool):
            yield f"go installs a version that is not pinned: {line}"
        if "GOSUMDB=sum.golang.org" not in line:
            yield f"go does not check the module: {line}"
    for image in re.findall(r"\bdocker (?:pull|run) (?:--\S+ )*(\S+)", line):
        if "@" not in image:
            yield f"an image without a digest: {line}"
