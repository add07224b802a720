"""The CDK app with every tool: it is synthesized, and never deployed."""

from aws_cdk import App, Environment
from pipeline import AllTools

app = App()
AllTools(app, "AllTools", env=Environment(account="111111111111", region="us-west-2"))
app.synth()
