"""What is installed where an asset is made."""

import platform
import re
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version


@cache
def list_versions(distribution: str) -> dict[str, str]:
    """List the versions of Python and of what a distribution requires directly, by name, as they are installed here.

    Of a distribution that is not installed, only Python's.
    """
    try:
        requirements = requires(distribution) or []
    except PackageNotFoundError:
        requirements = []
    names = {re.split(r"[^\w.-]", requirement)[0] for requirement in requirements if "extra ==" not in requirement}
    versions = {"python": platform.python_version()}
    for name in sorted(names):
        with suppress(PackageNotFoundError):  # one that its marker leaves out here
            versions[name] = version(name)
    return versions
