"""Snapshots as text files that read well in a review."""

from __future__ import annotations

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class OutlineSnapshotExtension(SingleFileSnapshotExtension):
    """One `.txt` file a snapshot, for outlines; use it as the extension of syrupy's fixture.

    ::

        def test_pipeline(snapshot):
            outline = pipeline_outline(Template.from_stack(stack).to_json())
            assert outline == snapshot(extension_class=OutlineSnapshotExtension)
    """

    _write_mode = WriteMode.TEXT
    file_extension = "txt"
