"""A server that speaks as vLLM's documents say it does, with a LoRA module: a stub, for where no vLLM can run.

It answers with a sentence that names the model. What it shows is how models are listed (`parent`), how errors look, and
what a stream is like; not how vLLM generates.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from qwenlab.web.server import Server

BASE_NAME = "Qwen/Qwen2.5-7B-Instruct"
LORA_NAME = "my-run"
CONTEXT = 64


class Stub:
    """What it heard, and what it is told to do wrong."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.busy = 0
        """So many requests are refused."""
        self.busy_status = 503
        self.fails_after = 10**6
        """Answers, before all that follows is refused."""
        self.thinks = ""
        """Where its reasoning stands: a field's name; `tags`, in the text; `opened`, there without the opening tag."""
        self.cut = False
        """It ends for want of tokens: of its reasoning, where it thinks."""
        self.breaks_off = False
        """A stream ends with an error after its first piece."""
        self.hangs_up = False
        """A stream ends after its first piece."""
        self.context = CONTEXT
        """Words of a prompt, and tokens of its answer."""
        self.ignores_adapter = False
        """The base answers under both names."""
        self.unloaded = ""
        """A model that is listed and not there any more."""


def answer(stub: Stub, model: str) -> list[tuple[str, str]]:
    """Pieces, each with the field that it stands in."""
    said = ["This ", "is ", BASE_NAME if stub.ignores_adapter else model, "."]
    thought = ["\nI am", " asked.\n"]
    if not stub.thinks:
        return [("content", piece) for piece in said]
    if stub.thinks in ("tags", "opened"):
        opening = ["<think>"] if stub.thinks == "tags" else []
        return [("content", piece) for piece in [*opening, *thought, *([] if stub.cut else ["</think>\n\n", *said])]]
    return [(stub.thinks, piece) for piece in thought] + [
        ("content", piece) for piece in ([] if stub.cut else ["\n\n", *said])
    ]


def make_stub(stub: Stub) -> FastAPI:
    app = FastAPI()

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        def row(name: str, root: str, parent: str | None) -> dict[str, Any]:
            facts = {"id": name, "object": "model", "created": 1, "owned_by": "vllm", "root": root, "parent": parent}
            return facts | ({"max_model_len": stub.context} if parent is None else {})

        return {
            "object": "list",
            "data": [row(BASE_NAME, BASE_NAME, None), row(LORA_NAME, "/adapters/my-run", BASE_NAME)],
        }

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.json()
        stub.heard.append(body)
        if stub.busy or len(stub.heard) > stub.fails_after:
            stub.busy = max(0, stub.busy - 1)
            return Response("upstream is starting", stub.busy_status, {"Retry-After-Ms": "10"})
        if body["model"] not in {BASE_NAME, LORA_NAME} - {stub.unloaded}:
            return error(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
        prompt = len(body["messages"][-1]["content"].split())
        if prompt + body.get("max_tokens", 1) > stub.context:
            said = f"This model's maximum context length is {stub.context} tokens. However, you requested more."
            return error(400, said, "BadRequestError")
        pieces = answer(stub, body["model"])
        finish = "length" if stub.cut else "stop"
        usage = {"prompt_tokens": prompt, "completion_tokens": len(pieces), "total_tokens": prompt + len(pieces)}
        head = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
        if not body.get("stream"):
            message: dict[str, Any] = {
                "role": "assistant",
                "content": None,
                "reasoning_content": None,
                "tool_calls": [],
            }
            for field, piece in pieces:
                message[field] = (message.get(field) or "") + piece
            choice = {"index": 0, "message": message, "finish_reason": finish, "stop_reason": None}
            return JSONResponse(head | {"object": "chat.completion", "choices": [choice], "usage": usage})
        return StreamingResponse(stream(stub, head, pieces, finish, usage), media_type="text/event-stream")

    return app


def stream(
    stub: Stub, head: dict[str, Any], pieces: list[tuple[str, str]], finish: str, usage: dict[str, int]
) -> Iterator[str]:
    def chunk(choices: list[dict[str, Any]], **more: Any) -> str:
        return f"data: {json.dumps(head | {'object': 'chat.completion.chunk', 'choices': choices} | more)}\n\n"

    yield chunk([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    for number, (field, piece) in enumerate(pieces):
        end = finish if number == len(pieces) - 1 else None
        yield chunk([{"index": 0, "delta": {field: piece}, "finish_reason": end, "stop_reason": None}])
        if stub.breaks_off:
            yield f"data: {json.dumps({'error': {'message': 'EngineCore died', 'type': 'Internal', 'code': 500}})}\n\n"
            return
        if stub.hangs_up:
            return
    yield chunk([], usage=usage)
    yield "data: [DONE]\n\n"


def error(status: int, message: str, kind: str) -> JSONResponse:
    """As vLLM frames it since 0.10; its code is the status."""
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": status}}, status)


@contextlib.contextmanager
def serving_app(app: FastAPI) -> Iterator[str]:
    """The application on a free port of this machine, from a thread; its address with `/v1`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    ready = threading.Event()
    server = Server(app, ready.set)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert ready.wait(30)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
