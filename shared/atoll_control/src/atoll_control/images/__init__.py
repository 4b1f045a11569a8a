"""Images: what goes into each, why one must be built, how it is, and where it is kept."""
