"""One server: an environment of the platform whose every part is a container."""
