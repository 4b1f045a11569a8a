"""`update`: this checkout comes to what its branch is elsewhere, and loses nothing of its own."""

from atoll_control.console import GOOD, err, say
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.process import Output, capture

WHAT = "the checkout was not updated."


def update(checkout: Checkout, *, dry_run: bool) -> int:
    """Fetch, and move on to the newest commit of the branch that this one follows.

    Raises:
        UserError: there is none, it cannot be fetched, or what is here alone is in its way.
    """
    upstream = _git(checkout, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}")
    if upstream.code:
        raise UserError(
            WHAT,
            f"it follows no branch: {_first_line(upstream)}.",
            "git switch main && git branch --set-upstream-to origin/main",
        )
    name = upstream.stdout.strip()
    with err.status("fetching"):
        fetched = _git(checkout, "fetch", "--quiet")
    if fetched.code:
        raise UserError(WHAT, f"{name} cannot be fetched: {_first_line(fetched)}.", "git fetch says more; mend that.")
    new = _git(checkout, "log", "--format=%h %s", "HEAD..@{upstream}").stdout.splitlines()
    if not new:
        say(f"nothing is new on {name}")
        return 0
    if not dry_run:
        _move_on(checkout, name)
    say(f"would take from {name}:" if dry_run else f"took from {name}:", "" if dry_run else GOOD)
    for line in new:
        say(f"  {line}")
    return 0


def _move_on(checkout: Checkout, name: str) -> None:
    merged = _git(checkout, "merge", "--ff-only", "--quiet", "@{upstream}")
    if merged.code == 0:
        return
    # Git names the files that are in its way indented by a tab.
    if files := [line.strip() for line in merged.stderr.splitlines() if line.startswith("\t")]:
        new = "untracked" in merged.stderr
        raise UserError(
            WHAT,
            f"what {name} brings would overwrite what was {'made' if new else 'changed'} here: {', '.join(files)}.",
            f"commit and push that, or give it up: {'rm FILE' if new else 'git checkout HEAD -- FILE'}",
        )
    if _git(checkout, "merge-base", "--is-ancestor", "HEAD", "@{upstream}").code:
        why = f"it has commits that {name} has not."
        raise UserError(WHAT, why, f"git log {name}..HEAD shows them; git pull --rebase && git push")
    raise UserError(WHAT, f"{_first_line(merged)}.", "git status says more; mend that.")


def _git(checkout: Checkout, *arguments: str) -> Output:
    return capture(["git", *arguments], cwd=checkout.root)


def _first_line(output: Output) -> str:
    said = (output.stderr.strip().splitlines() or ["git says nothing"])[0]
    return said.removeprefix("fatal: ").removeprefix("error: ").strip().rstrip(".")
