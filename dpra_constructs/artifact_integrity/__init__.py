"""Artifacts that are built once, sealed with a signature, and verified before each deployment."""

from dpra_constructs.artifact_integrity.artifact_signing import AcceptedKey, ArtifactSigning

__all__ = ["AcceptedKey", "ArtifactSigning"]
