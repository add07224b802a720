"""What seals a cloud assembly in the build, and verifies it before each deployment.

Standard library and boto3; the signature is made by `securesystemslib`, which Seal alone needs.
"""
