"""The real pip-audit against a stand-in for OSV, and the severities that come from there."""

import json
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs.build_actions.pip_audit import PipAudit
from tests.build_actions.python_node_stand_ins import osv
from tests.build_actions.python_node_tools import Done, run, tree, write_wheel

# So that pip resolves nothing over the network.
OFFLINE = ["--no-deps", "--disable-pip"]


def advisory(id: str, *, aliases: list[str], severity: str | None) -> dict[str, Any]:
    """Return one in OSV's form: GitHub's have a severity in a word, PyPA's have none."""
    made: dict[str, Any] = {
        "schema_version": "1.7.3",
        "id": id,
        "aliases": aliases,
        "summary": f"{id} lets worms in",
        "published": "2024-01-01T00:00:00Z",
        "affected": [
            {
                "package": {"name": "pear", "ecosystem": "PyPI"},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}
                ],
            }
        ],
    }
    return made | ({"database_specific": {"severity": severity}} if severity else {})


PYSEC = advisory("PYSEC-2024-1", aliases=["CVE-2024-1", "GHSA-aaaa"], severity=None)
GHSA = advisory("GHSA-aaaa", aliases=["CVE-2024-1", "PYSEC-2024-1"], severity="MODERATE")


def audit(folder: Path, advisories: list[dict[str, Any]], **options: Any) -> Done:
    tree(folder, {"requirements.txt": "pear==1.0\n"}, git=False)
    by_id = {each["id"]: each for each in advisories}
    with osv(by_id, {"pear": [advisories[0]["id"]]} if advisories else {}) as address:
        return run(PipAudit(osv=address, extra_arguments=OFFLINE, **options), folder, shell="dash")


def test_pip_audit_passes_what_is_not_known_to_be_vulnerable(tmp_path: Path) -> None:
    done = audit(tmp_path, [])
    assert done.code == 0, done.log
    assert done.cases("reports/pip-audit.xml") == {"pip-audit no findings": "passed"}


def test_pip_audit_names_package_vulnerability_and_fix(tmp_path: Path) -> None:
    done = audit(tmp_path, [PYSEC, GHSA])
    assert done.code == 1
    text = "pear 1.0: PYSEC-2024-1: severity unknown, fixed in 2.0: PYSEC-2024-1 lets worms in"
    assert text in done.log
    assert done.cases("reports/pip-audit.xml") == {"pear 1.0 PYSEC-2024-1": "failure"}


@pytest.mark.parametrize(
    ("fail_on", "code", "ended"), [("moderate", 1, "failure"), ("high", 0, "skipped")]
)
def test_pip_audit_fails_from_its_threshold(
    tmp_path: Path, fail_on: str, code: int, ended: str
) -> None:
    done = audit(tmp_path, [PYSEC, GHSA], fail_on=fail_on)
    assert done.code == code, done.log
    assert "pear 1.0: PYSEC-2024-1: severity moderate, fixed in 2.0" in done.log
    assert done.cases("reports/pip-audit.xml") == {"pear 1.0 PYSEC-2024-1": ended}


def test_a_severity_that_nobody_says_counts_as_the_worst(tmp_path: Path) -> None:
    done = audit(tmp_path, [PYSEC], fail_on="critical")
    assert done.code == 1
    assert "severity unknown" in done.log


def test_pip_audit_ignores_what_has_a_reason(tmp_path: Path) -> None:
    done = audit(tmp_path, [PYSEC], ignore={"PYSEC-2024-1": "worms do no harm in our cider"})
    assert done.code == 0, done.log


def test_pip_audit_fails_when_osv_does_not_answer(tmp_path: Path) -> None:
    tree(tmp_path, {"requirements.txt": "pear==1.0\n"}, git=False)
    with osv({}, {}) as address:
        gone = address
    done = run(PipAudit(osv=gone, extra_arguments=OFFLINE, fail_on="low"), tmp_path)
    assert done.code == 1
    assert set(done.cases("reports/pip-audit.xml").values()) == {"failure"}


def test_severities_that_cannot_be_had_fail(tmp_path: Path) -> None:
    broken = {**GHSA, "database_specific": ["MODERATE"]}
    done = audit(tmp_path, [PYSEC, broken], fail_on="critical")
    assert done.code == 1
    assert "AttributeError" in done.log


def test_pip_audit_looks_into_wheels(tmp_path: Path) -> None:
    write_wheel(tmp_path / "dist", "pear")
    with osv({PYSEC["id"]: PYSEC}, {"pear": [PYSEC["id"]]}) as address:
        action = PipAudit(osv=address, wheels=["dist"], requirement_files=[])
        done = run(action, tree(tmp_path, {}, git=False))
    assert done.code == 1
    assert "pear 1.0: PYSEC-2024-1: severity unknown" in done.log
    found = json.loads((tmp_path / "reports/pip-audit.json").read_text())["dependencies"]
    assert [each["name"] for each in found] == ["pear"]
