"""A client of any OpenAI-compatible server: qwenlab's own, vLLM with LoRA modules, or another.

What a user can mend is said as a sentence: an unreachable address, a wrong key, an unknown model. A server that is busy
or not up yet is asked again, a little later each time.
"""

import json
import os
import random
import time
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self
from urllib.parse import urlsplit

import httpx

from qwenlab.errors import UserError

KEY_VARIABLE = "OPENAI_API_KEY"

RETRIES = 5
"""How often a busy server is asked again, after 0.5, 1, 2, 4 and 8 seconds, each up to a quarter more by chance."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
BUSY = frozenset({429, 502, 503, 504})
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 1800.0
"""A whole answer may take this long where it is not streamed: the server is silent until it is done."""


class Reply(NamedTuple):
    """What was answered. `finish` is the server's word: `stop` or `length`, for the most part."""

    text: str
    finish: str
    tokens: int
    """Tokens generated; 0 where the server does not count."""
    prompt_tokens: int


class ModelRow(NamedTuple):
    """A model that the server offers. `parent`: the base of an adapter, where the server says so, as vLLM does."""

    id: str
    parent: str | None
    stamp: dict[str, Any] | None
    """What qwenlab's own server says of the weights; None elsewhere."""


class ContextError(UserError):
    """The server refused a prompt that is too long for its model, together with its answer."""


class Endpoint:
    """A server at `url`, with or without its `/v1`; the key is taken from OPENAI_API_KEY where none is given."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"{url} is not the address of a server.", "For instance: http://127.0.0.1:8000/v1")
        self.url = url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
        key = key or os.environ.get(KEY_VARIABLE)
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            # As many at once as the caller has threads: a pool of its own would only hide that they wait.
            limits=httpx.Limits(max_connections=None),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def models(self) -> list[ModelRow]:
        """What the server offers, in its order.

        Raises:
            UserError: it cannot be reached, wants another key, or is no such server.
        """
        content = self._json(self._ask("GET", "/models"))
        return [ModelRow(row["id"], row.get("parent"), row.get("x_qwenlab")) for row in content.get("data", [])]

    def chat(
        self,
        model: str,
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: Sequence[str] = (),
    ) -> Reply:
        """One answer, whole.

        Raises:
            ContextError: prompt and answer do not fit into the model's context.
            UserError: unreachable, wrong key, unknown model, or refused for another reason that the server gives.
        """
        body = _body(model, messages, max_tokens, temperature, top_p, seed, stop)
        content = self._json(self._ask("POST", "/chat/completions", body))
        choice, usage = content["choices"][0], content.get("usage") or {}
        return Reply(
            text=choice["message"].get("content") or "",
            finish=choice.get("finish_reason") or "stop",
            tokens=usage.get("completion_tokens", 0),
            prompt_tokens=usage.get("prompt_tokens", 0),
        )

    def stream(
        self,
        model: str,
        messages: Sequence[dict[str, str]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: Sequence[str] = (),
    ) -> Generator[str, None, Reply]:
        """One answer, piece by piece; the generator's return value is the whole of it. Closing it hangs up.

        Raises:
            As `chat`; also UserError where the server breaks off in the middle.
        """
        body = _body(model, messages, max_tokens, temperature, top_p, seed, stop)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        text, finish, usage = "", "", dict[str, int]()
        response = self._ask("POST", "/chat/completions", body, stream=True)
        try:
            for chunk in self._chunks(response):
                usage = chunk.get("usage") or usage
                for choice in chunk.get("choices", []):
                    finish = choice.get("finish_reason") or finish
                    if piece := choice.get("delta", {}).get("content"):
                        text += piece
                        yield piece
        except httpx.TransportError:
            raise UserError(f"{self.url} broke off in the middle of an answer.", "See that server's own log.") from None
        finally:
            response.close()
        if not finish:
            raise UserError(f"{self.url} ended an answer before its end.", "See that server's own log.")
        return Reply(text, finish, usage.get("completion_tokens", 0), usage.get("prompt_tokens", 0))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, stream: bool = False) -> httpx.Response:
        """The response, its status a good one; where `stream`, only its head is read."""
        request = self._client.build_request(method, self.url + path, json=body)
        for pause in [*(FIRST_PAUSE_S * 2**number for number in range(RETRIES)), None]:
            try:
                response = self._client.send(request, stream=stream)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError) as error:
                if pause is None:
                    raise self._unreachable(error) from None
            except httpx.TimeoutException:
                raise UserError(
                    f"{self.url} has said nothing for {READ_TIMEOUT_S:.0f} s.", "Ask for fewer tokens at once."
                ) from None
            except httpx.TransportError as error:
                raise self._unreachable(error) from None
            else:
                if response.is_success:
                    return response
                response.read()
                response.close()
                if response.status_code not in BUSY or pause is None:
                    self._refused(response, (body or {}).get("model"))
                pause = max(pause, _retry_after(response))
            time.sleep(pause * random.uniform(1, 1.25))
        raise AssertionError("the last try returns or raises")

    def _chunks(self, response: httpx.Response) -> Iterator[dict[str, Any]]:
        """The objects of a server-sent event stream, up to `[DONE]`."""
        for line in response.iter_lines():
            data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
            if data == "[DONE]":
                return
            if data:
                chunk = json.loads(data)
                if error := chunk.get("error"):
                    raise UserError(f"{self.url} broke off: {_message(error)}", "See that server's own log.")
                yield chunk

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            content = response.json()
        except json.JSONDecodeError:
            content = None
        if not isinstance(content, dict):
            raise UserError(f"{self.url} does not speak OpenAI's protocol.", "Its address often ends in /v1.")
        return content

    def _unreachable(self, error: httpx.TransportError) -> UserError:
        return UserError(f"{self.url} cannot be reached: {error}", "See that the server runs, and the address.")

    def _refused(self, response: httpx.Response, model: str | None) -> NoReturn:
        """Say why, in the server's words where it has some."""
        try:
            content = response.json()
        except json.JSONDecodeError:
            content = {}
        # vLLM before 0.10 had the error's fields at the top, without a frame.
        error = content.get("error", content) if isinstance(content, dict) else {}
        said = _message(error)
        if response.status_code in (401, 403):
            raise UserError(f"{self.url} refuses the API key.", f"Set {KEY_VARIABLE} to the right one.")
        if response.status_code == 404 and model and said:
            raise UserError(f"{self.url} has no model {model}.", f"It has: {', '.join(m.id for m in self.models())}.")
        if response.status_code == 404:
            raise UserError(f"There is nothing at {response.url}.", "A server's address often ends in /v1.")
        if response.status_code == 400 and _is_about_length(error, said):
            raise ContextError(said, "Shorten the prompt, or ask for fewer tokens.")
        if response.status_code in BUSY:
            raise UserError(f"{self.url} is too busy: {said or response.reason_phrase}", "Try again later.")
        raise UserError(f"{self.url} answered {response.status_code}: {said or response.reason_phrase}")


def _body(
    model: str,
    messages: Sequence[dict[str, str]],
    max_tokens: int,
    temperature: float,
    top_p: float,
    seed: int,
    stop: Sequence[str],
) -> dict[str, Any]:
    sampling = {"max_tokens": max_tokens, "temperature": temperature, "top_p": top_p, "seed": seed}
    return {"model": model, "messages": list(messages), **sampling} | ({"stop": list(stop)} if stop else {})


def _message(error: Any) -> str:
    found = error.get("message") if isinstance(error, dict) else error
    return str(found or "").strip()


def _is_about_length(error: Any, said: str) -> bool:
    """OpenAI has a code for it; vLLM's code is the status, and its sentence names the maximum context length."""
    code = error.get("code") if isinstance(error, dict) else None
    return code == "context_length_exceeded" or "maximum context length" in said


def _retry_after(response: httpx.Response) -> float:
    """Seconds that a busy server asks to be left alone, within reason; 0 where it does not say."""
    try:
        return min(float(response.headers.get("Retry-After", "0")), LONGEST_PAUSE_S)
    except ValueError:
        return 0.0  # a date, which servers of this kind do not send
