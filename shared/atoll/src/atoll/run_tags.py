"""The tags that a Dagster run has from here."""

# Runs with the same value go one after the other, in the order in which they were asked for.
SEQUENCE = "atoll/sequence"
# Of a run that the command started: by which process, and who asked.
PROCESS, WHO = "atoll/process", "atoll/who"
# The tracked assets that it is to make, and in which profile.
TRACKED, PROFILE = "atoll/tracked", "atoll/profile"
# Of a retraining: of which model, why it was asked for, and on which day of the platform.
RETRAINING, REASON, DAY = "atoll/retraining", "atoll/reason", "atoll/day"
