"""What may be asked for, in the words of OpenAI's API.

A field that would change the answer and is not supported is refused, rather than answered as if it were not there.
Fields that change nothing are accepted.
"""

import re
import secrets
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from starlette.requests import ClientDisconnect

from qwenlab.answering.answerer import Ask, Sampling
from qwenlab.api.fault import ApiError

MAX_NEW_TOKENS = 2048
"""Of an answer that no limit was asked for, where the context has room for so many."""

MAX_THINKING_TOKENS = 8192
"""Of its reasoning, likewise, where the model is asked to think."""

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

LONGEST_STOP = 500
"""Characters: at each token the end of each answer is held against the beginning of each stop text."""

StopText = Annotated[str, Field(max_length=LONGEST_STOP)]

PICTURES = ("image_url", "image", "input_image")


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class TextPart(_Part):
    """A piece of a message."""

    type: Literal["text"]
    text: str


class Message(_Part):
    """One turn of the conversation, as a client writes it or sends an answer of ours back."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    reasoning_content: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_servers_write_it(cls, value: Any) -> Any:
        """What cannot be read is told by its own name, and what says nothing is taken as that."""
        if not isinstance(value, dict):
            return value
        content = value.get("content")
        kinds = [part.get("type") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
        for kind in kinds:
            if kind != "text":
                what = "pictures are" if kind in PICTURES else f"parts of type {kind} are"
                raise PydanticCustomError("part", "{what} not read, text alone is", {"what": what})
        if value.get("tool_calls") or value.get("function_call"):
            raise PydanticCustomError("tools", "tool calls are not supported")
        if value.get("role") == "assistant":
            reasoning = value.get("reasoning_content") or value.get("reasoning")
            return value | {"content": content or "", "reasoning_content": reasoning}
        return value

    @property
    def as_rendered(self) -> dict[str, str]:
        """For the chat template. `developer` is OpenAI's newer word for `system`."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        turn = {"role": "system" if self.role == "developer" else self.role, "content": text}
        return turn | ({"reasoning_content": self.reasoning_content} if self.reasoning_content else {})


class TemplateArguments(BaseModel):
    """What the chat template is told, in vLLM's words."""

    model_config = ConfigDict(strict=True, extra="forbid")

    enable_thinking: bool | None = None


class StreamOptions(_Part):
    """Whether a stream ends with a chunk that counts tokens."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of POST /v1/chat/completions."""

    model_config = ConfigDict(strict=True, extra="allow")

    model: str
    messages: Annotated[list[Message], Field(min_length=1), FailFast()]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    max_thinking_tokens: Annotated[int, Field(ge=1)] | None = None
    """Of these, how many the reasoning may take; the rest is the answer's. No server but ours has it."""
    chat_template_kwargs: TemplateArguments | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: StopText | Annotated[list[StopText], Field(max_length=16)] | None = None
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

    def ask(self, thinking: bool | None) -> Ask:
        """What is asked of whom; where no seed is given, by a new one each time.

        `thinking`: the model's own mode, which holds unless the request names one.
        """
        wanted = self.chat_template_kwargs.enable_thinking if self.chat_template_kwargs else None
        thinking = thinking if wanted is None else wanted
        answer, reasoning = self._limits(thinking)
        sampling = Sampling(
            max_new_tokens=answer,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=self.top_p or 1.0,
            seed=secrets.randbits(31) if self.seed is None else self.seed,
            max_thinking_tokens=reasoning,
            stop=self.stops,
        )
        return Ask(
            [message.as_rendered for message in self.messages],
            sampling,
            self.model,
            thinking=thinking,
            shorten=not self.limit,
        )

    def _limits(self, thinking: bool | None) -> tuple[int, int]:
        """Of answer and reasoning. As at OpenAI's, a request's limit holds for both together."""
        if not self.limit:
            return MAX_NEW_TOKENS, self.max_thinking_tokens or (MAX_THINKING_TOKENS if thinking else 0)
        reasoning = min(self.max_thinking_tokens or 0, self.limit - 1)
        return self.limit - reasoning, reasoning

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
        faults = error.errors(include_url=False, include_input=False)
        # A field that may be a text or a list has a fault for each; the list's own is the one further in.
        where = _path(faults[0])
        same = [fault for fault in faults if _path(fault)[: len(where)] == where]
        fault = max(same, key=lambda fault: len(fault["loc"]))
        param = ".".join(_path(fault)) or None
        raise ApiError(400, f"{param or 'The body'}: {fault['msg']}.", param=param) from None
    for name, value in (request.model_extra or {}).items():
        _check_extra(name, value)
    return request


def _path(fault: ErrorDetails) -> list[str]:
    """Names of fields and numbers of rows, without the kinds of which one was tried."""
    return [str(part) for part in fault["loc"] if not re.fullmatch(r"str|constrained-str|list\[.+\]", str(part))]


def _check_extra(name: str, value: Any) -> None:
    if value is None or name in INERT or any(value == neutral for neutral in NEUTRAL.get(name, ())):
        return
    known = f"{name} is not supported: the answer would not be what was asked for."
    unknown = f"{name} is not a field that is known here."
    code = "unsupported_parameter" if name in NEUTRAL else "unknown_parameter"
    raise ApiError(400, known if name in NEUTRAL else unknown, param=name, code=code)
