"""Assets, checks, sensors and the schedule of this code location."""
