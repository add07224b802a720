"""The code of this library's own functions, as an asset of the stack that they are in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_cdk import AssetStaging, FileAssetPackaging, IgnoreMode, Stack
from constructs import Construct

_LIBRARY = Path(__file__).parent


def function_code(scope: Construct, id: str, package: str) -> dict[str, Any]:
    """Return where the `runtime` of a package is, as `AWS::Lambda::Function` has it.

    `s3_assets.Asset` does the same, and loads all that is known of regions for it: 0.1 s.

    Args:
        scope: where the asset is made.
        id: its id.
        package: of this library.
    """
    stack = Stack.of(scope)
    staged = AssetStaging(
        scope,
        id,
        source_path=str(_LIBRARY / package),
        # Byte code differs from machine to machine, and the asset's name with it.
        exclude=["*", "!runtime", "!runtime/*.py", "**/__pycache__"],
        ignore_mode=IgnoreMode.DOCKER,
    )
    location = stack.synthesizer.add_file_asset(
        packaging=FileAssetPackaging.ZIP_DIRECTORY,
        source_hash=staged.asset_hash,
        file_name=staged.relative_staged_path(stack),
        display_name=f"{id} of dpra-constructs",
    )
    return {"s3Bucket": location.bucket_name, "s3Key": location.object_key}
