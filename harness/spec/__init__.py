"""From a YAML file to cells, and from cells to a plan: pure decisions, and errors with places."""
