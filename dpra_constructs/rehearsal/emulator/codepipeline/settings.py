"""The executor's settings, which the rehearsal writes without loading the emulator."""

from dpra_constructs.rehearsal.settings import (
    VARIABLE,
    GitSource,
    Settings,
    read_settings,
    write_settings,
)

__all__ = ["VARIABLE", "GitSource", "Settings", "read_settings", "write_settings"]
