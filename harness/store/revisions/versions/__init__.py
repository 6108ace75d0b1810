"""One file per revision; revisions are applied in the order of their numbers."""
