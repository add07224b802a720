"""Artifacts that are built once, sealed with a signature, and verified before each deployment."""

from dpra_constructs.artifact_integrity.artifact_signing import AcceptedKey, ArtifactSigning
from dpra_constructs.artifact_integrity.function_signing import FunctionSigning

__all__ = ["AcceptedKey", "ArtifactSigning", "FunctionSigning"]
