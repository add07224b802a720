"""The versions of the tools that rendered commands install; raised with each release."""

BOTO3 = "1.43.106"
BUILD = "1.6.1"
CDK_ASSETS = "4.7.3"
# npm's `latest` tag of aws-cdk is an older build that cannot read this library's cloud assembly.
CDK_CLI = "2.1148.1"
PYTEST = "9.2.0"
RUFF = "0.17.6"
