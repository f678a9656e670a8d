"""The one error that is shown to the user as a sentence; everything else is a bug and keeps its traceback."""


class UserError(Exception):
    """Something that the user can fix.

    `message` says what is wrong and where; `hint` says what to do about it. On the command line both are printed
    and the process ends with exit code 2; in the browser the same words stand where the user is looking.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message
