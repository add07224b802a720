"""Fails when a locked dependency has a known vulnerability.

`python checks/advisories.py FILE...` reads requirement files with exact versions, and the advisories
of the package safety-db, so that it works where only PyPI is reachable.
"""

import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

REPORT = Path("reports/advisories.xml")
_PINNED = re.compile(r"^[A-Za-z0-9][^#\\\n]*==[^#\\\n]+", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Return versions by package."""
    found = {}
    for line in _PINNED.findall(text):
        requirement = Requirement(line.strip())
        [version] = [each.version for each in requirement.specifier]
        found[canonicalize_name(requirement.name)] = version
    return found


def known_advisories() -> dict[str, list[dict[str, object]]]:
    """Return what is known, by package."""
    # The package cannot be imported: it looks for its data in the working directory.
    package = find_spec("safety_db")
    assert package
    assert package.submodule_search_locations
    data = Path(package.submodule_search_locations[0]) / "insecure_full.json"
    return {
        canonicalize_name(name): advisories
        for name, advisories in json.loads(data.read_text("utf-8")).items()
        if name != "$meta"
    }


def problems(versions: dict[str, str]) -> dict[str, list[str]]:
    """Return, for each package, what is known against its version."""
    advisories = known_advisories()
    return {
        f"{name}=={version}": [
            f"{each['cve'] or each['id']}: {each['advisory']}"
            for each in advisories.get(name, [])
            if any(version in SpecifierSet(str(spec)) for spec in each["specs"])  # type: ignore[attr-defined]
        ]
        for name, version in versions.items()
    }


def main(files: list[str]) -> int:
    """Check the files, write the report, and return the exit code."""
    suite = ElementTree.Element("testsuite", name="advisories")
    failed = False
    for file in files:
        for package, found in problems(pins(Path(file).read_text("utf-8"))).items():
            case = ElementTree.SubElement(suite, "testcase", classname=file, name=package)
            for problem in found:
                failed = True
                ElementTree.SubElement(case, "failure", message=problem)
                print(f"{file}: {package}: {problem}", file=sys.stderr)
    REPORT.parent.mkdir(exist_ok=True)
    ElementTree.ElementTree(suite).write(REPORT, encoding="utf-8", xml_declaration=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
