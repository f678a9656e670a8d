"""What went wrong, in OpenAI's shape: {"error": {"message", "type", "param", "code"}}."""

from typing import Any

from fastapi.responses import JSONResponse

LONGEST = 1000
"""Characters of a message: it may quote what was sent."""


class ApiError(Exception):
    """A refusal with its HTTP status."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None, retry: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message if len(message) <= LONGEST else f"{message[:LONGEST]} ..."
        self.code = code
        self.param = param and param[:100]
        self.retry = retry
        """It may go well a second later."""

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": _kind(self.status), "param": self.param, "code": self.code}}

    @property
    def response(self) -> JSONResponse:
        # Unless told so, the openai client asks again after a 500 too, and the model would fail as often.
        again = {"Retry-After": "1"} if self.retry else {"x-should-retry": "false"} if self.status == 500 else None
        return JSONResponse(self.body, self.status, again)


def _kind(status: int) -> str:
    if status == 401:
        return "authentication_error"
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"
