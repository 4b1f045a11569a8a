"""The pipelines of this code location: one folder with a `defs.yaml` each."""
