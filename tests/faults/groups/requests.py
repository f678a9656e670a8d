"""Requests of all kinds to the model server, each beside an honest one."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from tests.answering.vllm_stub import serving_app
from tests.faults.bodies import MAX_BODY, Body, drawn_bodies, named_bodies
from tests.faults.group import Attempt, LostError

TITLE = "requests to the model server"
PROMISE = (
    "Each is answered, or refused with a sentence in OpenAI's shape; the honest one that came with it gets its answer."
)
ALL = 1000
FIRST = 60

HONEST: dict[str, Any] = {
    "model": "base",
    "messages": [{"role": "user", "content": "Read two integers and print their sum."}],
    "max_tokens": 4,
    "seed": 7,
}
WAYS: tuple[dict[str, Any], ...] = ({"temperature": 0}, {"temperature": 0.8}, {"temperature": 1.0, "top_p": 0.9})


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """See `Group`."""
    from qwenlab.api.app import make_app
    from qwenlab.inference.batcher import Batcher

    app = make_app(Batcher(_tiny()), None, MAX_BODY)
    with serving_app(app) as url, httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(1) as beside:
        alone = [_answer(client.post("/chat/completions", json=HONEST | way)) for way in WAYS]
        draw = random.Random(18)
        for number, body in enumerate(islice(_all_bodies(draw), count)):
            way = number % len(WAYS)
            honest = partial(_answer_beside, beside, client, HONEST | WAYS[way], alone[way])
            yield Attempt(body.name, partial(_try, client, body, honest))


def _all_bodies(draw: random.Random) -> Iterator[Body]:
    yield from named_bodies()
    yield from drawn_bodies(draw)


def _tiny() -> Any:
    """The bundled model."""
    from qwenlab.inference.load import load_inference
    from qwenlab.recipe import read_recipe
    from qwenlab.training import choose_engine
    from tests.serving import TINY

    recipe = read_recipe(TINY).with_values(model={"engine": "transformers"})
    return load_inference(recipe.model, choose_engine(recipe.model), {})


def _try(client: httpx.Client, body: Body, honest: Any) -> None:
    expected = honest()
    answer = client.post("/chat/completions", content=body.content, headers=body.headers)
    told = _told(answer)
    expected()
    if answer.status_code not in body.expected:
        raise LostError(f"{answer.status_code}: {told}")


def _answer_beside(beside: ThreadPoolExecutor, client: httpx.Client, body: dict[str, Any], alone: str) -> Any:
    """Begin the honest one; what comes back waits for its end, and holds it against the answer that it gets alone."""
    asked = beside.submit(client.post, "/chat/completions", json=body)

    def ended() -> None:
        answer = asked.result()
        if answer.status_code != 200:
            raise LostError(f"the honest one got {answer.status_code}: {answer.text[:200]}")
        if _answer(answer) != alone:
            raise LostError(f"the honest one was answered {_answer(answer)!r}, and alone {alone!r}")

    return ended


def _answer(answer: httpx.Response) -> str:
    return str(answer.json()["choices"][0]["message"]["content"])


def _told(answer: httpx.Response) -> str:
    """The sentence of a refusal, in the shape that clients read; of an answer its beginning."""
    if answer.is_success:
        if answer.headers["Content-Type"].startswith("text/event-stream") and not answer.text.endswith("[DONE]\n\n"):
            raise LostError(f"a stream did not end: {answer.text[-200:]}")
        return answer.text[:200]
    error = answer.json()["error"]
    if set(error) != {"message", "type", "param", "code"} or not error["message"] or len(error["message"]) > 2000:
        raise LostError(f"{answer.status_code} without a sentence: {answer.text[:200]}")
    return str(error["message"])
