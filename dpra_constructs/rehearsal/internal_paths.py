"""Paths of the emulator's own calls, which both its process and ours know."""

SAVE = "/_dpra/save"
FORGET = "/_dpra/forget"
ALLOWED = "/_dpra/allowed"
