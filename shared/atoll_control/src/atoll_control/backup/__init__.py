"""Backups of an environment: one file with all that it keeps, as of one moment, and the way back from it."""
