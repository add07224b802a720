"""Names what an assembly publishes by its content, in the templates that deploy it too.

The CDK publishes nothing where an object has the key already, whatever is in it: bytes from before
the seal, of a build that is not reproducible, or of another zip library. What was sealed would not
be what is published, and no release would pass. With keys that are SHA-256 sums of the content,
what is sealed is what is published, and what is published is what is deployed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .assets import MANIFESTS
from .files import digest_of

_ASSEMBLY = "manifest.json"
_TEMPLATES = ".template.json"
# The key that the CDK gives: 64 digits, in front of them perhaps a prefix of the bucket's.
_KEY = re.compile(r"(?P<prefix>(.*/)?)(?P<name>[0-9a-f]{64}(?P<extension>(\.\w+)*))")


def name_by_content(root: Path) -> None:
    """Give every object that is published the SHA-256 of its content as its key.

    Args:
        root: the assembly's folder, in which directories are zipped already.
    """
    # An asset of all regions is one file, and is read once.
    known: dict[Path, str] = {}
    for manifest in sorted(root.rglob(f"*{MANIFESTS}")):
        _Keys(manifest, known).rename()


class _Keys:
    """The keys of one stack's assets."""

    def __init__(self, manifest: Path, known: dict[Path, str]) -> None:
        self._manifest = manifest
        self._content = json.loads(manifest.read_text("utf-8"))
        self._known = known
        self._files: Mapping[str, Any] = self._content.get("files", {})
        self._sources = {
            id: (manifest.parent / asset["source"]["path"]).resolve()
            for id, asset in self._files.items()
        }
        self._templates = [
            id for id, path in self._sources.items() if path.name.endswith(_TEMPLATES)
        ]
        # By the name that templates use now.
        self._new: dict[str, str] = {}
        self._done: set[str] = set()

    def rename(self) -> None:
        """Write the new keys."""
        for id in sorted(self._files.keys() - set(self._templates)):
            self._rename(id)
        for id in sorted(self._templates):
            self._rename_template(id)
        _write(self._manifest, self._content)
        self._rename_in_assembly()

    def _rename_template(self, id: str) -> None:
        """Rename what it nests first: the keys of nested templates are part of its content."""
        if id in self._done:
            return
        self._done.add(id)
        path = self._sources[id]
        text = path.read_text("utf-8")
        for other in self._templates:
            if other != id and any(name in text for name in self._names(other)):
                self._rename_template(other)
        path.write_text(self._replaced(text), "utf-8")
        self._known.pop(path, None)
        self._rename(id)

    def _rename(self, id: str) -> None:
        path = self._sources[id]
        if path not in self._known:
            with path.open("rb") as content:
                self._known[path] = digest_of(content).sha256
        for place in self._files[id]["destinations"].values():
            key = _KEY.fullmatch(place["objectKey"])
            # A synthesizer of the team's own may choose other keys; they stay.
            if key:
                new = f"{self._known[path]}{key['extension']}"
                place["objectKey"] = f"{key['prefix']}{new}"
                self._new[key["name"]] = new

    def _names(self, id: str) -> list[str]:
        keys = (_KEY.fullmatch(e["objectKey"]) for e in self._files[id]["destinations"].values())
        return [key["name"] for key in keys if key]

    def _replaced(self, text: str) -> str:
        if not self._new:
            return text
        # All at once: a new name may be the old one of another asset.
        old = re.compile("|".join(map(re.escape, sorted(self._new, key=len, reverse=True))))
        return old.sub(lambda found: self._new[found[0]], text)

    def _rename_in_assembly(self) -> None:
        """Tell the CDK CLI where the templates of these stacks are published."""
        path = self._manifest.parent / _ASSEMBLY
        if not path.is_file():
            return
        content = json.loads(path.read_text("utf-8"))
        artifacts = content.get("artifacts", {})
        own = {
            id
            for id, artifact in artifacts.items()
            if artifact["type"] == "cdk:asset-manifest"
            and artifact["properties"]["file"] == self._manifest.name
        }
        for artifact in artifacts.values():
            properties = artifact.get("properties", {})
            address = properties.get("stackTemplateAssetObjectUrl")
            if address and own & set(artifact.get("dependencies", ())):
                properties["stackTemplateAssetObjectUrl"] = self._replaced(address)
        _write(path, content)


def _write(path: Path, content: Any) -> None:
    # As the CDK writes it: the build that publishes assets lowers its version by the line.
    path.write_text(json.dumps(content, indent=2), "utf-8")
