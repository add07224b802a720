"""What CodePipeline knows of conditions: results, providers, lengths. Pure.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
"""

MOST_RULES = 5
RESULTS = {
    "BeforeEntry": ("FAIL", "SKIP"),
    "OnSuccess": ("ROLLBACK", "FAIL"),
    "OnFailure": ("ROLLBACK", "RETRY"),
}
#: Rules that an entry condition with the result SKIP takes.
SKIP_RULES = ("LambdaInvoke", "VariableCheck")
RETRY_MODES = ("FAILED_ACTIONS", "ALL_ACTIONS")
MOST_COMMANDS = 50
LONGEST_COMMAND = 1_000
LONGEST_VALUE = 10_000
ALARM_STATES = ("ALARM", "INSUFFICIENT_DATA", "OK")
OPERATORS = ("CONTAINS", "EQ", "MATCHES", "NE")
