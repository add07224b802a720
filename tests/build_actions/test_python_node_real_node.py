"""The real Node tools on a tiny project, whose packages npm installs once."""

import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dpra_constructs.build_actions.cyclonedx_npm import CycloneDxNpm
from dpra_constructs.build_actions.eslint import ESLint
from dpra_constructs.build_actions.jest import Jest
from dpra_constructs.build_actions.npm import Npm
from dpra_constructs.build_actions.npm_audit import NpmAudit
from tests.build_actions.python_node_stand_ins import npm_registry
from tests.build_actions.python_node_tools import TOOLS, Done, run, run_commands, tree

MANIFEST = {
    "name": "fruit",
    "version": "1.2.3",
    "private": True,
    "scripts": {"build": "tsc"},
    "devDependencies": {
        "eslint": "9.39.5",
        "jest": "30.5.2",
        "jest-junit": "16.0.0",
        "typescript": "5.9.3",
    },
}
FILES = {
    "package.json": json.dumps(MANIFEST),
    "tsconfig.json": '{"compilerOptions": {"strict": true, "outDir": "dist", "rootDir": "src", '
    '"types": []}, "include": ["src"]}',
    "eslint.config.mjs": (
        'export default [{ files: ["src/**/*.js"], '
        'rules: { "no-unused-vars": "error", "no-console": "warn" } }];\n'
    ),
    "src/fruit.ts": "export const apples: number = 1;\n",
    "src/pear.js": "exports.pears = () => 2;\n",
    "src/pear.test.js": (
        'const { pears } = require("./pear");\n'
        'test("two pears", () => { expect(pears()).toBe(2); });\n'
    ),
}


@pytest.fixture(scope="module")
def installed() -> Path:
    """Return a folder with the project's packages and lock, from `npm ci`."""
    key = hashlib.sha256(FILES["package.json"].encode()).hexdigest()[:12]
    folder = TOOLS / f"node-{key}"
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f"node-{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            tree(folder, {"package.json": FILES["package.json"]}, git=False)
            lock_only = ["npm install --package-lock-only --no-audit --no-fund"]
            assert run_commands(lock_only, folder).code == 0
            done = run_commands(list(Npm().to_build_action().install), folder)
            assert done.code == 0, done.log
            (folder / "ready").touch()
    return folder


@pytest.fixture
def project(installed: Path, tmp_path: Path) -> Path:
    """Return the project in `web/`, with the packages that are installed once for all."""
    folder = tree(tmp_path, {f"web/{name}": text for name, text in FILES.items()})
    shutil.copy(installed / "package-lock.json", folder / "web")
    (folder / "web/node_modules").symlink_to(installed / "node_modules")
    return folder


def run_installed(action: ESLint | Jest | Npm, folder: Path, shell: str = "bash") -> Done:
    """Run an action without its `npm ci`, as the packages are there."""
    built = action.to_build_action()
    assert built.install == ("(cd web && npm ci --no-audit --no-fund)",)
    return run_commands(list(built.commands), folder, built.environment, shell=shell)


def test_npm_builds_and_jest_and_eslint_pass(project: Path) -> None:
    done = run_installed(Npm(directory="web", type_check=True), project)
    assert done.code == 0, done.log
    assert (project / "web/dist/fruit.js").exists()
    assert Npm(directory="web").to_build_action().outputs == {"dist": "web/dist"}

    done = run_installed(
        Jest(directory="web", coverage=True, minimum_coverage_percent=100), project
    )
    assert done.code == 0, done.log
    assert done.cases("web/reports/jest.xml") == {" two pears  two pears": "passed"}
    assert "<coverage" in (project / "web/reports/coverage/clover.xml").read_text()

    done = run_installed(ESLint(directory="web", paths=["src"], max_warnings=0), project)
    assert done.code == 0, done.log
    assert done.cases("reports/eslint.xml") == {"eslint no findings": "passed"}


@pytest.mark.parametrize(
    "action",
    [Npm(directory="web"), Npm(directory="web", scripts=[], type_check=True)],
    ids=["script", "type-check"],
)
def test_npm_names_a_type_error(project: Path, action: Npm) -> None:
    (project / "web/src/fruit.ts").write_text('export const apples: number = "one";\n')
    done = run_installed(action, project, "dash")
    assert done.code != 0
    assert "src/fruit.ts(1,14): error TS2322: Type 'string' is not assignable" in done.log


def test_jest_names_the_test_that_fails(project: Path) -> None:
    (project / "web/src/pear.js").write_text("exports.pears = () => 3;\n")
    done = run_installed(Jest(directory="web"), project, "dash")
    assert done.code == 1
    assert "src/pear.test.js:2" in done.log
    assert "Expected: 2" in done.log
    assert set(done.cases("web/reports/jest.xml").values()) == {"failure"}
    assert "src/pear.test.js" in (project / "web/reports/jest.xml").read_text()


def test_jest_fails_below_the_minimum_of_coverage(project: Path) -> None:
    (project / "web/src/pear.js").write_text(
        "exports.pears = () => 2;\nexports.plums = () => {\n  return 4;\n};\n"
    )
    action = Jest(directory="web", coverage=True, minimum_coverage_percent=90)
    done = run_installed(action, project)
    assert done.code == 1
    assert 'Coverage for lines (66.66%) does not meet "global" threshold (90%)' in done.log


def test_eslint_names_file_and_rule(project: Path) -> None:
    (project / "web/src/pear.js").write_text("const unused = 1;\nconsole.log(2);\n")
    done = run_installed(ESLint(directory="web", paths=["src"]), project, "dash")
    assert done.code == 1
    assert "web/src/pear.js:1: no-unused-vars: 'unused' is assigned a value" in done.log
    assert "not failing: web/src/pear.js:2: no-console" in done.log
    assert done.cases("reports/eslint.xml") == {
        "web/src/pear.js:1 no-unused-vars": "failure",
        "web/src/pear.js:2 no-console": "skipped",
    }


def test_eslint_counts_warnings(project: Path) -> None:
    (project / "web/src/pear.js").write_text("console.log(2);\n")
    done = run_installed(ESLint(directory="web", paths=["src"]), project)
    assert done.code == 0, done.log
    done = run_installed(ESLint(directory="web", paths=["src"], max_warnings=0), project)
    assert done.code == 1
    assert "ESLint found too many warnings (maximum: 0)" in done.log


def test_eslint_fails_without_a_configuration(project: Path) -> None:
    (project / "web/eslint.config.mjs").unlink()
    done = run_installed(ESLint(directory="web"), project)
    assert done.code == 1
    assert "ESLint couldn't find an eslint.config" in done.log
    assert set(done.cases("reports/eslint.xml").values()) == {"failure"}


def test_cyclonedx_npm_lists_what_is_installed(installed: Path, tmp_path: Path) -> None:
    folder = tree(tmp_path, {"package.json": FILES["package.json"]}, git=False)
    shutil.copy(installed / "package-lock.json", folder)
    (folder / "node_modules").symlink_to(installed / "node_modules")
    action = CycloneDxNpm(omit=[]).to_build_action()
    # The first command installs the tool from its lock, the second the project's packages.
    tool = action.install[0]
    done = run_commands([_once(tool), *action.commands], folder)
    assert done.code == 0, done.log
    sbom = json.loads((folder / "sbom/npm.json").read_text())
    assert sbom["metadata"]["component"]["name"] == "fruit"
    assert {"eslint", "jest", "typescript"} <= {each["name"] for each in sbom["components"]}
    assert "http://cyclonedx.org/schema/bom/1.6" in (folder / "sbom/npm.xml").read_text()


def _once(command: str) -> str:
    """Leave `npm ci` out, and run it only where no earlier run has installed this lock."""
    key = hashlib.sha256(command.encode()).hexdigest()[:12]
    ready = TOOLS / f"cyclonedx-npm-{key}.ready"
    if not ready.exists():
        done = run_commands([command], TOOLS)
        assert done.code == 0, done.log
        ready.touch()
    return "\n".join(line for line in command.splitlines() if not line.startswith("npm ci"))


ADVISORY = {
    "id": 1,
    "url": "https://github.com/advisories/GHSA-xxxx-xxxx-xxxx",
    "title": "A pear explodes",
    "severity": "moderate",
    "vulnerable_versions": "<2.0.0",
    "cwe": [],
    "cvss": {"score": 5.0, "vectorString": None},
}
LOCK = {
    "name": "fruit",
    "version": "1.2.3",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "fruit", "version": "1.2.3", "dependencies": {"pear": "1.0.0"}},
        "node_modules/pear": {"version": "1.0.0", "integrity": "sha512-AAAA"},
    },
}


@pytest.fixture
def registry() -> Iterator[str]:
    with npm_registry({"pear": [ADVISORY]}) as address:
        yield address


def audited(folder: Path, lock: Mapping[str, object] = LOCK) -> Path:
    manifest = {"name": "fruit", "version": "1.2.3", "dependencies": {"pear": "1.0.0"}}
    files = {"package.json": json.dumps(manifest), "package-lock.json": json.dumps(lock)}
    return tree(folder, files, git=False)


@pytest.mark.parametrize(
    ("level", "code", "ended"), [("moderate", 1, "failure"), ("high", 0, "skipped")]
)
def test_npm_audit_fails_from_its_level(
    tmp_path: Path, registry: str, level: str, code: int, ended: str
) -> None:
    action = NpmAudit(audit_level=level)
    environment = {"npm_config_registry": registry}
    done = run(action, audited(tmp_path), shell="dash", environment=environment)
    assert done.code == code, done.log
    assert "pear 1.0.0: moderate: A pear explodes https://github.com/advisories/" in done.log
    assert done.cases("reports/npm-audit.xml") == {"pear 1.0.0 moderate": ended}


def test_npm_audit_fails_when_the_registry_does_not_answer(tmp_path: Path) -> None:
    with npm_registry({}) as address:
        gone = address
    environment = {"npm_config_registry": gone, "npm_config_fetch_retries": "0"}
    done = run(NpmAudit(), audited(tmp_path), environment=environment)
    assert done.code == 1
    assert "npm audit: error: " in done.log
    assert set(done.cases("reports/npm-audit.xml").values()) == {"failure"}


def test_npm_ci_refuses_a_package_whose_hash_is_another(tmp_path: Path) -> None:
    manifest = {"name": "fruit", "version": "1.2.3", "dependencies": {"pear": "2.0.0"}}
    folder = tree(tmp_path, {"package.json": json.dumps(manifest)}, git=False)
    (folder / "package-lock.json").write_text(json.dumps(LOCK))
    done = run(Npm(), folder)
    assert done.code == 1
    assert subprocess.run(["test", "-e", folder / "node_modules"]).returncode == 1
