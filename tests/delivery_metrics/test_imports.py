"""What of the delivery metrics can be imported without what."""

from tests.model.test_imports import test_imports_without as imports_without


def test_the_calculations_need_neither_the_cdk_nor_boto3() -> None:
    imports_without(
        {"aws_cdk", "jsii", "constructs", "boto3", "botocore", "click"},
        "from dpra_constructs.delivery_metrics import report, shown_values\n"
        "from dpra_constructs.delivery_metrics.runtime import calculations, history",
    )
