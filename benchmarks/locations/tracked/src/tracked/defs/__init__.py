"""Assets of this code location."""
