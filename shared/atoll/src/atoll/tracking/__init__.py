"""What is noted of a run, for MLflow."""
