"""What teams put into their own stacks so that the pipeline can migrate their databases."""

from dpra_constructs.database.database_access import DatabaseAccess

__all__ = ["DatabaseAccess"]
