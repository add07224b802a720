"""The CDK app with every test: it is synthesized, and never deployed."""

from aws_cdk import App, Environment
from pipeline import AllTests

app = App()
AllTests(app, "AllTests", env=Environment(account="111111111111", region="us-west-2"))
app.synth()
