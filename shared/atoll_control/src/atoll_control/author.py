"""Who gives a command, for the record of what was decided."""

import getpass
import os
import subprocess

from atoll_control.files import Checkout


def find_author(checkout: Checkout) -> str:
    """Return the name and address that git would write into a commit here, or the user's name where git has none."""
    said = []
    for key, variable in (("user.name", "GIT_AUTHOR_NAME"), ("user.email", "GIT_AUTHOR_EMAIL")):
        if given := os.environ.get(variable):
            said.append(given)
            continue
        try:
            done = subprocess.run(
                ["git", "config", "--get", key], cwd=checkout.root, capture_output=True, text=True, check=False
            )
        except OSError:
            break
        said.append(done.stdout.strip())
    name, email = (*said, "", "")[:2]
    return f"{name} <{email}>".replace(" <>", "").strip() or getpass.getuser()
