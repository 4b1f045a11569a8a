"""A plain script of a location: a cold process of the same interpreter."""

import subprocess
import tempfile
import time

from checkout import Checkout


def run_script(checkout: Checkout, location: str, *arguments: str) -> tuple[float, str]:
    """Run ``<location>.script`` with a folder for its results as last argument.

    Returns:
        Seconds from the start of the process to its end, and what it printed.
    """
    with tempfile.TemporaryDirectory(dir=checkout.root.parent) as folder:
        command = [checkout.python(location), "-m", f"{location}.script", *arguments, folder]
        begin = time.perf_counter()
        done = subprocess.run(command, env=checkout.environment, check=True, stdout=subprocess.PIPE, text=True)
        return time.perf_counter() - begin, done.stdout
