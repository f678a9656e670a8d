"""What may be asked for, in the words of OpenAI's API.

A field that would change the answer and is not supported is refused, rather than answered as if it were not there.
Fields that change nothing are accepted.
"""

import secrets
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from qwenlab.answering.answerer import Ask, Sampling
from qwenlab.api.fault import ApiError

MAX_NEW_TOKENS = 2048
"""Of an answer that no limit was asked for, where the context has room for so many."""

NEUTRAL: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "min_p": (0,),
    "modalities": (["text"],),
    "presence_penalty": (0,),
    "reasoning_effort": (),
    "repetition_penalty": (1,),
    "response_format": ({"type": "text"},),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_k": (0, -1),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}
"""Fields that are not supported, with the values that ask for nothing. So does null, for each of them."""

INERT = {
    "metadata",
    "parallel_tool_calls",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
}
"""Fields that change nothing in an answer."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class TextPart(_Part):
    """A piece of a message; pictures and sound are not among what a text model reads."""

    type: Literal["text"]
    text: str


class Message(_Part):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    tool_calls: None = None

    @property
    def as_rendered(self) -> dict[str, str]:
        """For the chat template. `developer` is OpenAI's newer word for `system`."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class StreamOptions(_Part):
    """Whether a stream ends with a chunk that counts tokens."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of POST /v1/chat/completions."""

    model_config = ConfigDict(strict=True, extra="allow")

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    n: Annotated[int, Field(ge=1, le=32)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def limit(self) -> int | None:
        """Tokens that the answer may have at most, where the request says so."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        found = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(text for text in found if text)

    def ask(self) -> Ask:
        """What is asked of whom; where no seed is given, by a new one each time."""
        sampling = Sampling(
            max_new_tokens=self.limit or MAX_NEW_TOKENS,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=self.top_p or 1.0,
            seed=secrets.randbits(31) if self.seed is None else self.seed,
            stop=self.stops,
        )
        return Ask([message.as_rendered for message in self.messages], sampling, self.model, shorten=not self.limit)

    @property
    def counts_in_stream(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


async def read_body(request: Request, longest: int) -> bytes:
    """The body, of at most `longest` bytes; no more than that is ever held."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > longest:
                raise ApiError(413, f"The request is longer than {longest:,} bytes.", code="request_too_large")
    except ClientDisconnect:
        raise ApiError(400, "The request broke off.") from None  # for nobody: the client has gone
    return bytes(body)


def parse(body: bytes) -> ChatRequest:
    """Raises:
    ApiError: not JSON, not such a request, or it asks for what is not supported.
    """
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        # A union adds its branches to the location; the field's own path has names and numbers of rows.
        param = ".".join(str(part) for part in fault["loc"][:3]) or None
        raise ApiError(400, f"{param or 'The body'}: {fault['msg']}.", param=param) from None
    for name, value in (request.model_extra or {}).items():
        _check_extra(name, value)
    return request


def _check_extra(name: str, value: Any) -> None:
    if value is None or name in INERT or any(value == neutral for neutral in NEUTRAL.get(name, ())):
        return
    known = f"{name} is not supported: the answer would not be what was asked for."
    unknown = f"{name} is not a field that is known here."
    code = "unsupported_parameter" if name in NEUTRAL else "unknown_parameter"
    raise ApiError(400, known if name in NEUTRAL else unknown, param=name, code=code)
