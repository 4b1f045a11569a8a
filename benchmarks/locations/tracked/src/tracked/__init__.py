"""A training, tracked and not."""
