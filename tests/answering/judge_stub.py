"""A real server on this machine whose model judges two answers by a rule that a test chooses."""

import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.answering.vllm_stub import error

Rule = Callable[[str, str], str]
"""From answer A and answer B, as the prompt shows them, to what is replied."""


class JudgeStub:
    """What it heard, and by which rule it replies."""

    def __init__(self, rule: Rule, models: tuple[str, ...] = ("judge-7b",)) -> None:
        self.rule = rule
        self.models = models
        self.heard: list[dict[str, Any]] = []
        self.fails_after = 10**6
        """Replies, before all that follows is refused."""
        self.stamp: dict[str, Any] | None = None
        """What it says of its models' weights, as qwenlab's own server does."""

    @property
    def prompts(self) -> list[str]:
        return [body["messages"][-1]["content"] for body in self.heard]


def shown(prompt: str, title: str) -> str:
    """What stands between the marks of that title; there must be one such place."""
    [found] = re.findall(rf"BEGIN {title} (\w+)\n(.*?)\nEND {title} \1(?:\n|$)", prompt, re.DOTALL)
    return str(found[1])


def make_judge(stub: JudgeStub) -> FastAPI:
    app = FastAPI()

    def row(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "x_qwenlab": stub.stamp}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [row(name) for name in stub.models]}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.json()
        if len(stub.heard) >= stub.fails_after:  # nothing is waited for from here to the count
            return error(400, "out of credit", "BadRequestError")
        stub.heard.append(body)
        prompt = body["messages"][-1]["content"]
        said = stub.rule(shown(prompt, "ANSWER A"), shown(prompt, "ANSWER B"))
        message = {"role": "assistant", "content": said}
        return JSONResponse(
            {
                "id": "chatcmpl-1",
                "created": 1,
                "model": body["model"],
                "object": "chat.completion",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
            }
        )

    return app


def always_first(a: str, b: str) -> str:
    return "A"


def longer(a: str, b: str) -> str:
    return "tie" if len(a) == len(b) else "A" if len(a) > len(b) else "B"
