"""What the command `./atoll` starts in the environment of a project: ``python -m atoll.commands.<name>``."""
