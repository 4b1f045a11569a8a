"""What the platform does for itself: prunes old runs, verifies the store, watches disk space."""
