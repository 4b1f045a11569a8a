"""Flights from New York by week, the weather they left in, and what both refer to."""
