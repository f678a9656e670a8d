"""Models behind any OpenAI-compatible server: qwenlab's own, vLLM with LoRA modules, or another.

The openai client asks a server that is busy, not up yet or failing again, a little later each time or when the server
says. Reasoning comes in a field of its own where the server tells it apart, else in the text, between its tags.
What a user can fix is said as a sentence: an unreachable address, a wrong key, an unknown model.

Importing the client takes half a second: import this where a server is asked.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionMessage
from openai.types.chat.chat_completion_chunk import ChoiceDelta

from qwenlab.answering.answerer import NO_ROOM, Answer, Ask, ContextError, Listener
from qwenlab.answering.reasoning import Growing, Piece
from qwenlab.credentials import shown
from qwenlab.errors import UserError

KEY_VARIABLE = "OPENAI_API_KEY"
RETRIES = 5
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 1800.0
"""A whole answer may take this long where it is not streamed: the server is silent until it is done."""

BUSY = frozenset({429, 502, 503, 504})
SEE_LOG = "See that server's own log."


class RemoteModel(NamedTuple):
    """A model that the server offers. `parent`: the base of an adapter, where the server says so, as vLLM does."""

    id: str
    parent: str | None
    stamp: dict[str, Any] | None
    """What qwenlab's own server says of the weights; None elsewhere."""


@contextlib.contextmanager
def remote_answerer(
    url: str, models: Mapping[str, Sequence[str]] | None = None, key: str | None = None
) -> "Iterator[RemoteAnswerer]":
    """The server at `url`, with or without its `/v1`; the key is taken from OPENAI_API_KEY where none is given.

    A user name and a password in the address are sent, and told nowhere.

    `models` says what the server may call each of our models, the first that it offers is taken; None: all that it
    offers, by its own names.

    Raises:
        UserError: no address, unreachable, wrong key, or the server lacks a model.
    """
    check_address(url)
    url = url.rstrip("/") if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1"
    with openai.OpenAI(
        base_url=url,
        api_key=key or os.environ.get(KEY_VARIABLE) or "none",  # the client wants one, where the server does not
        max_retries=RETRIES,
        timeout=openai.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
    ) as client:
        yield RemoteAnswerer(client, url, models)


def check_address(url: str) -> None:
    """Raises:
    UserError: this is no address of a server.
    """
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise UserError(f"{shown(url)} is not the address of a server.", "For instance: http://127.0.0.1:8000/v1")


class RemoteAnswerer:
    """Asks a server, all rows at once; how it batches them is its own affair."""

    def __init__(self, client: openai.OpenAI, url: str, models: Mapping[str, Sequence[str]] | None) -> None:
        self.url = shown(url)
        self._client = client
        offered = self._offered()
        wanted = {name: [name] for name in offered} if models is None else models
        self.models = {name: self._first(offered, ids) for name, ids in wanted.items()}
        """By our names."""

    @property
    def names(self) -> Sequence[str]:
        return list(self.models)

    def stamp(self, name: str) -> dict[str, Any]:
        """What the server says of the model; one other than ours tells its name alone."""
        model = self.models[name]
        return model.stamp or {"model": model.id, "endpoint": self.url}

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        """As `Answerer.answer`; where nobody listens, answers come whole, which is less to read."""
        gone = Event()
        with ThreadPoolExecutor(max(1, len(asks))) as pool:
            futures = [pool.submit(self._answer, row, ask, listener, gone) for row, ask in enumerate(asks)]
            try:
                ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in ended:
                    future.result()
                return [future.result() for future in futures]
            finally:
                gone.set()  # where one failed, or on Ctrl-C, the others hang up

    def _offered(self) -> dict[str, RemoteModel]:
        """What the server has, by its own names, in its order."""
        try:
            # As plain JSON: the client's own list of models does not survive an answer that is a page.
            content = self._client.get("/models", cast_to=object)
        except openai.APIError as error:
            raise _sentence(error, self.url) from None
        if not isinstance(content, dict):
            raise UserError(f"{self.url} does not speak OpenAI's protocol.", "Its address often ends in /v1.")
        rows = content.get("data", [])
        return {row["id"]: RemoteModel(row["id"], row.get("parent"), row.get("x_qwenlab")) for row in rows}

    def _first(self, offered: Mapping[str, RemoteModel], ids: Sequence[str]) -> RemoteModel:
        for name in ids:
            if name in offered:
                return offered[name]
        raise UserError(
            f"{self.url} has no model {' or '.join(ids)}.",
            f"It has: {', '.join(offered)}. Name them with --base-model and --tuned-model.",
        )

    def _answer(self, row: int, ask: Ask, listener: Listener | None, gone: Event) -> Answer:
        try:
            answer = self._fitted(row, ask, listener, gone)
        except UserError as error:
            if listener:
                listener.failed(row, error)
            raise
        if listener:
            listener.done(row, answer)
        return answer

    def _fitted(self, row: int, ask: Ask, listener: Listener | None, gone: Event) -> Answer:
        """Where the answer may be shortened, a server that has too little room is asked without a limit of ours."""
        for body in (self._body(ask), self._body(ask, limited=False)):
            try:
                if listener and listener.hears_pieces:
                    return self._streamed(row, ask, body, listener, gone)
                return self._whole(ask, body)
            except openai.APIError as error:
                told = _sentence(error, self.url)
                if not (ask.shorten and isinstance(told, ContextError)):
                    raise told from None
        return NO_ROOM

    def _whole(self, ask: Ask, body: dict[str, Any]) -> Answer:
        reply = self._client.chat.completions.create(**body, stream=False)
        heard = _Heard(ask)
        heard.add(reply.choices[0].message)
        return heard.answer(reply.choices[0].finish_reason or "stop", reply.usage)

    def _streamed(self, row: int, ask: Ask, body: dict[str, Any], listener: Listener, gone: Event) -> Answer:
        heard, finish, usage = _Heard(ask), "", None
        body = body | {"stream_options": {"include_usage": True}}
        with self._client.chat.completions.create(**body, stream=True) as stream:
            try:
                for chunk in stream:
                    usage = chunk.usage or usage
                    for choice in chunk.choices:
                        finish = choice.finish_reason or finish
                        listener.told(row, heard.add(choice.delta))
                    if gone.is_set() or listener.gone(row):
                        return heard.answer("cancelled", usage)
            except openai.APIConnectionError:
                raise UserError(f"{self.url} broke off in the middle of an answer.", SEE_LOG) from None
        if not finish:
            raise UserError(f"{self.url} ended an answer before its end.", SEE_LOG)
        listener.told(row, heard.end())
        return heard.answer(finish, usage)

    def _body(self, ask: Ask, limited: bool = True) -> dict[str, Any]:
        sampling, model = ask.sampling, self.models[ask.model]
        most = sampling.most_tokens if ask.thinking else sampling.max_new_tokens
        body: dict[str, Any] = {
            "model": model.id,
            "messages": list(ask.messages),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
        }
        extra: dict[str, Any] = {}
        if ask.thinking is not None:
            extra["chat_template_kwargs"] = {"enable_thinking": ask.thinking}
        if ask.thinking and model.stamp and sampling.max_thinking_tokens:  # only our own server knows the field
            extra["max_thinking_tokens"] = sampling.max_thinking_tokens
        return (
            body
            | ({"max_tokens": most} if limited else {})
            | ({"stop": list(sampling.stop)} if sampling.stop else {})
            | ({"extra_body": extra} if extra else {})
        )


class _Heard:
    """What a server has said of one answer: reasoning in a field of its own (`reasoning_content`, or `reasoning` as
    vLLM now calls it), or between tags in the text where the server does not tell it apart."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._reasoning = ""
        self._text = Growing()

    def add(self, part: ChatCompletionMessage | ChoiceDelta) -> list[Piece]:
        """More of it; what can be told."""
        thought = getattr(part, "reasoning_content", None) or getattr(part, "reasoning", None) or ""
        self._reasoning += thought
        self._text.add(part.content or "")
        return ([Piece(thought, is_reasoning=True)] if thought else []) + self._text.news()

    def end(self) -> list[Piece]:
        """The rest of what can be told."""
        self._text.end()
        return self._text.news()

    def answer(self, finish: str, usage: CompletionUsage | None) -> Answer:
        inside, text = self._text.split
        # Asked to think and cut without any tag: the template opened the reasoning, and nothing has closed it.
        if finish == "length" and self._ask.thinking and not (self._reasoning or inside):
            inside, text = text, ""
        # JSON can carry half a surrogate pair, which no file can.
        reasoning, text = (
            part.encode("utf-8", "replace").decode("utf-8")
            for part in ("\n".join(filter(None, (self._reasoning.strip(), inside.strip()))), text)
        )
        if reasoning:
            text = text.lstrip()
        if finish == "length" and reasoning and not text:
            finish = "thinking"
        details = usage.completion_tokens_details if usage else None
        return Answer(
            text,
            finish,
            usage.completion_tokens if usage else 0,
            usage.prompt_tokens if usage else 0,
            reasoning,
            (details.reasoning_tokens if details else None) or 0,
        )


def _sentence(error: openai.APIError, url: str) -> UserError:
    """What the client could not get, in the server's words where it has some."""
    if isinstance(error, openai.APITimeoutError):
        return UserError(
            f"{url} let {CONNECT_TIMEOUT_S:.0f} s pass without a connection, or {READ_TIMEOUT_S:,.0f} s in silence.",
            "See that the server runs, and the address; or ask for fewer tokens at once.",
        )
    if isinstance(error, openai.APIConnectionError):
        return UserError(f"{url} cannot be reached: {error.__cause__}", "See that the server runs, and the address.")
    if not isinstance(error, openai.APIStatusError):
        return UserError(f"{url} broke off: {error.message}", SEE_LOG)
    status, said = error.status_code, _said(error)
    if status in (401, 403):
        return UserError(f"{url} refuses the API key.", f"Set {KEY_VARIABLE} to the right one.")
    if status == 404 and not said:
        return UserError(
            f"There is nothing at {shown(str(error.request.url))}.", "A server's address often ends in /v1."
        )
    # OpenAI has a code for it; vLLM's code is the status, and its sentence names the maximum context length.
    if status == 400 and (error.code == "context_length_exceeded" or "maximum context length" in said):
        return ContextError(said, "Shorten the prompt, or ask for fewer tokens.")
    said = said or error.response.reason_phrase
    if status in BUSY:
        return UserError(f"{url} is too busy: {said}", "Try again later.")
    return UserError(f"{url} answered {status}: {said}")


def _said(error: openai.APIStatusError) -> str:
    """The server's own words; a page or a text comes from something else, and has none."""
    is_json = "json" in error.response.headers.get("Content-Type", "")
    said = error.body.get("message") if isinstance(error.body, dict) else error.body if is_json else None
    return str(said or "").strip()
