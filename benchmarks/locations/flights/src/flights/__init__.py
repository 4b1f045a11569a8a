"""A forecast of delays, made for measuring what the platform adds to it."""
