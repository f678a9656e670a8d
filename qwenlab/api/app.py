"""The routes: /v1/models, /v1/chat/completions and /health."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from qwenlab.answering.answerer import BASE, Answer, Ask, ContextError, TooLargeError
from qwenlab.answering.reasoning import Piece
from qwenlab.api.fault import ApiError
from qwenlab.api.reply import STREAM_END, Reply, event
from qwenlab.api.request import parse, read_body
from qwenlab.errors import UserError
from qwenlab.inference.batcher import Batcher, Event, FullError, Row
from qwenlab.inference.load import Stamp
from qwenlab.web.gate import Gate

Receive = Callable[[], Awaitable[Any]]


class Served(NamedTuple):
    """A model name with what stands behind it."""

    name: str
    stamp: Stamp
    fingerprint: str
    """Short for the stamp: weights, template and adapter."""
    thinking: bool | None
    """Whether it thinks first, where a request does not say; None: as the template does of itself."""

    @property
    def row(self) -> dict[str, Any]:
        """As /v1/models lists it. `parent` is vLLM's word for the base of an adapter."""
        return {
            "id": self.name,
            "object": "model",
            "created": STARTED,
            "owned_by": "qwenlab",
            "root": self.stamp.adapter or self.stamp.weights,
            "parent": None if self.name == BASE else BASE,
            "x_qwenlab": self.stamp._asdict() | {"thinking": self.thinking},
        }


STARTED = int(time.time())


def make_app(
    batcher: Batcher,
    key: str | None,
    longest_body: int,
    modes: Mapping[str, bool | None] | None = None,
    *,
    names: Collection[str] = (),
    origins: Sequence[str] = (),
) -> FastAPI:
    """The application; the batcher runs for as long as it does.

    Args:
        longest_body: in bytes.
        modes: by model, whether it thinks first.
        names: by which it may be asked, beside `localhost` and addresses in numbers.
        origins: of pages whose scripts a browser may let ask here.
    """
    stamps = {name: batcher.loaded.stamp(name) for name in batcher.loaded.names}
    models = {name: _served(name, stamp, (modes or {}).get(name)) for name, stamp in stamps.items()}
    watches: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        try:
            yield
        finally:
            batcher.close()

    app = FastAPI(
        title="qwenlab", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    _add_faults(app)
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    app.add_middleware(Gate, names=names, origins=origins, refusal=_refusal)  # the last one is asked first

    def check_key(request: Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_right = secrets.compare_digest(given.strip().encode(), (key or "").encode())
        if key and not (is_right and scheme.lower() == "bearer"):
            raise ApiError(401, "The API key is missing or wrong.", code="invalid_api_key")

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "running": batcher.running, "waiting": batcher.waiting}

    @app.get("/v1/models", dependencies=[Depends(check_key)])
    async def list_models() -> dict[str, Any]:
        return {"object": "list", "data": [model.row for model in models.values()]}

    @app.get("/v1/models/{name}", dependencies=[Depends(check_key)])
    async def one_model(name: str) -> dict[str, Any]:
        return _known(models, name).row

    @app.post("/v1/chat/completions", dependencies=[Depends(check_key)])
    async def chat(request: Request) -> Response:
        wanted = await run_in_threadpool(parse, await read_body(request, longest_body))
        model = _known(models, wanted.model)
        answering = Answering()
        await answering.begin(batcher, wanted.ask(model.thinking), wanted.n or 1, wanted.stream or False)
        watch = asyncio.create_task(answering.watch(request.receive))
        watches.add(watch)
        watch.add_done_callback(watches.discard)
        reply = Reply(model.name, model.fingerprint)
        if wanted.stream:
            pieces = _stream(answering, reply, wanted.counts_in_stream)
            return StreamingResponse(pieces, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        return JSONResponse(reply.whole(await answering.answers()))

    return app


class Answering:
    """The rows of one request, heard on the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[tuple[int, Event]] = asyncio.Queue()
        self.rows: list[Row] = []

    async def begin(self, batcher: Batcher, ask: Ask, count: int, streams: bool) -> None:
        """Put so many answers to the question into the line, to be heard in pieces where it `streams`.

        Raises:
            ApiError: the template refuses the messages, they are too long, or the line is full.
        """
        try:
            self.rows = await run_in_threadpool(batcher.submit, ask, count, self._tell, streams)
        except (FullError, UserError) as error:
            raise _failure(error) from None

    def _tell(self, index: int, event: Event) -> None:
        self._loop.call_soon_threadsafe(self._heard.put_nowait, (index, event))

    async def events(self) -> AsyncIterator[tuple[int, Piece | Answer]]:
        """What is heard of each row, until all have ended.

        Raises:
            ApiError: a row could not be answered.
        """
        going = len(self.rows)
        while going:
            index, heard = await self._heard.get()
            if isinstance(heard, Exception):
                raise _failure(heard)
            going -= isinstance(heard, Answer)
            yield index, heard

    async def answers(self) -> list[Answer]:
        found = {index: heard async for index, heard in self.events() if isinstance(heard, Answer)}
        return [found[index] for index in sorted(found)]

    async def watch(self, receive: Receive) -> None:
        """Ends the rows when the client hangs up, or has its response; the server then says that it is disconnected."""
        while (await receive())["type"] != "http.disconnect":
            pass
        for row in self.rows:
            row.gone = True


async def _stream(answering: Answering, reply: Reply, counts: bool) -> AsyncIterator[str]:
    answers = []
    for index in range(len(answering.rows)):
        yield reply.begin(index)
    try:
        async for index, heard in answering.events():
            if isinstance(heard, Piece):
                yield reply.piece(index, heard)
            else:
                answers.append(heard)
                yield reply.end(index, heard)
    except ApiError as error:
        yield event(error.body)  # the status was sent long ago
        return
    if counts:
        yield reply.count(answers)
    yield STREAM_END


def _failure(error: Exception) -> ApiError:
    if isinstance(error, FullError):
        return ApiError(429, "Too many requests wait already.", code="queue_full", retry=True)
    if isinstance(error, TooLargeError):
        return ApiError(503, "The GPU's memory does not suffice for this request.", code="out_of_memory")
    if isinstance(error, UserError):
        code = "context_length_exceeded" if isinstance(error, ContextError) else None
        return ApiError(400, str(error), param="messages", code=code)
    return ApiError(500, "The model failed; the server's own output says how.", code="model_failed")


def _refusal(told: str) -> Response:
    return ApiError(403, told, code="forbidden").response


def _known(models: dict[str, Served], name: str) -> Served:
    if name not in models:
        message = f"There is no model {name!r} here. There are: {', '.join(models)}."
        raise ApiError(404, message, param="model", code="model_not_found")
    return models[name]


def _served(name: str, stamp: Stamp, thinking: bool | None) -> Served:
    parts = f"{stamp.weights_sha256} {stamp.template_sha256} {stamp.adapter_sha256} {stamp.dtype} {stamp.device}"
    return Served(name, stamp, f"fp_{hashlib.sha256(parts.encode()).hexdigest()[:10]}", thinking)


def _add_faults(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def refused(request: Request, error: ApiError) -> Response:
        return error.response

    @app.exception_handler(HTTPException)
    async def no_such_route(request: Request, error: HTTPException) -> Response:
        return ApiError(error.status_code, f"{request.method} {request.url.path}: {error.detail}.").response

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        return ApiError(500, "The server failed; its own output says how.", code="server_failed").response
