"""Assets, checks and the schedule of this code location."""
