"""Tests that run in the environment of every project, with whatever is installed there."""

from importlib.util import find_spec

collect_ignore = []
if not find_spec("pandas"):
    collect_ignore += ["test_data_version_pandas.py", "test_tables_pandas.py", "test_validation.py"]
elif not find_spec("pandera"):
    collect_ignore += ["test_validation.py"]
if not (find_spec("mlflow") and find_spec("sklearn")):
    collect_ignore += ["test_experiments.py", "test_tracking.py"]
if not find_spec("scipy"):
    collect_ignore += ["test_gate.py", "test_gate_conditions.py"]
