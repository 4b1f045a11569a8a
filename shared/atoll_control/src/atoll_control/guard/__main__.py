"""`python -m atoll_control.guard`: listens until it is ended."""

import argparse
import logging
import os
from pathlib import Path

from aiohttp import web

from atoll_control.guard.policy import Policy
from atoll_control.guard.proxy import log, make_application


def main() -> None:
    """Guard the engine's socket; the environment is the variable ATOLL_ENVIRONMENT."""
    parser = argparse.ArgumentParser(prog="python -m atoll_control.guard", description=main.__doc__)
    parser.add_argument("--socket", type=Path, default="/run/atoll/guard/docker.sock", help="where it listens")
    parser.add_argument("--engine", type=Path, default="/var/run/docker.sock", help="the container engine's socket")
    parser.add_argument("--policy", type=Path, default="/run/atoll/policy", help="the folder of the policy")
    options = parser.parse_args()
    policy = Policy(options.policy, os.environ["ATOLL_ENVIRONMENT"])

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    log.info("the guard of %s listens on %s", policy.environment, options.socket)
    # Its own user and group may connect.
    os.umask(0o117)
    web.run_app(
        make_application(options.engine, policy),
        path=options.socket,
        print=None,
        access_log=None,
        shutdown_timeout=2,
        handler_cancellation=True,
    )


if __name__ == "__main__":
    main()
