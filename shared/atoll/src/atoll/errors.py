"""The error for what a user can mend."""

import sys
from functools import cache


class UserError(Exception):
    """Something that the user can mend: one line what, one line why, one line how.

    Where Dagster is loaded, an instance is a ``dagster.Failure`` too: the page then shows the three lines as they are,
    and not Dagster's own words about a step that raised.
    """

    def __new__(cls, *_: object) -> "UserError":
        """Build the variant that Dagster knows, where Dagster is loaded."""
        failure = getattr(sys.modules.get("dagster"), "Failure", None)
        return Exception.__new__(cls if failure is None else _join(cls, failure))

    def __init__(self, what: str, why: str, how: str) -> None:
        """Keep the three lines.

        Args:
            what: What went wrong.
            why: Why it did.
            how: What mends it; best a command.
        """
        self.what, self.why, self.how = (" ".join(line.split()) for line in (what, why, how))
        self.description = "\n".join((self.what, self.why, self.how))
        self.metadata: dict[str, object] = {}
        self.allow_retries = True
        Exception.__init__(self, self.description)

    def __reduce__(self) -> tuple[type["UserError"], tuple[str, str, str]]:
        """Pickle as the plain class, whatever is loaded where it is read."""
        return UserError, (self.what, self.why, self.how)


@cache
def _join(cls: type[UserError], failure: type[Exception]) -> type[UserError]:
    return cls if issubclass(cls, failure) else type(cls.__name__, (cls, failure), {"__module__": cls.__module__})
