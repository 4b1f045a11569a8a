"""The kind of error that a person can mend."""


class UserError(Exception):
    """Something a person can mend: shown as three lines, exit code 2, no traceback.

    Everything else that is raised is a bug and keeps its traceback.
    """

    def __init__(self, what: str, why: str, how: str) -> None:
        super().__init__(what, why, how)
        self.what, self.why, self.how = what, why, how

    def __str__(self) -> str:
        return f"what: {self.what}\nwhy:  {self.why}\nhow:  {self.how}"
