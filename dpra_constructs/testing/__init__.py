"""For the tests of teams that use this library; needs the extra `testing` for what it names.

>>> from dpra_constructs.testing import pipeline_outline
"""

from dpra_constructs.testing.limits import exceeded_limits
from dpra_constructs.testing.nag import unacknowledged_findings
from dpra_constructs.testing.outline import pipeline_outline

__all__ = ["exceeded_limits", "pipeline_outline", "unacknowledged_findings"]
