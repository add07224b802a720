"""The wheel of the library, for the rehearsal's builds."""

from dpra_constructs.library_wheel import library_wheel

__all__ = ["library_wheel"]
