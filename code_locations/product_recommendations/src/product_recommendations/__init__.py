"""What goes with this basket."""
