"""Assets, checks and schedules of this code location."""
