"""What stands in the pipeline's account so that code and images can be signed."""

from dpra_constructs.code_signing.function_signing_profile import FunctionSigningProfile
from dpra_constructs.code_signing.image_repository import ImageRepository
from dpra_constructs.code_signing.image_signing_profile import ImageSigningProfile

__all__ = ["FunctionSigningProfile", "ImageRepository", "ImageSigningProfile"]
