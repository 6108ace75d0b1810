"""Results as files for other programs: flat tables, and the folder that asv reads."""
