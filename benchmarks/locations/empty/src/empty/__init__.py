"""A code location that imports Dagster only."""
