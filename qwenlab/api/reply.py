"""How an answer is written, whole or as a stream of server-sent events."""

import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

from qwenlab.answering.answerer import Answer
from qwenlab.answering.reasoning import Piece

STREAM_END = "data: [DONE]\n\n"


class Reply:
    """The frame of one request's answers: what all of its chunks have in common."""

    def __init__(self, model: str, fingerprint: str) -> None:
        self._head = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": fingerprint,
        }

    def whole(self, answers: Sequence[Answer]) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        choices = [
            {
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": answer.text,
                    "reasoning_content": answer.reasoning or None,
                    "refusal": None,
                },
                "finish_reason": _finish(answer),
                "logprobs": None,
            }
            for index, answer in enumerate(answers)
        ]
        return self._head | {"object": "chat.completion", "choices": choices, "usage": usage(answers)}

    def begin(self, index: int) -> str:
        return self._chunk(index, {"role": "assistant", "content": ""}, None)

    def piece(self, index: int, piece: Piece) -> str:
        return self._chunk(index, {"reasoning_content" if piece.is_reasoning else "content": piece.text}, None)

    def end(self, index: int, answer: Answer) -> str:
        return self._chunk(index, {}, _finish(answer))

    def count(self, answers: Sequence[Answer]) -> str:
        """The chunk that counts tokens; it has no choices."""
        return event(self._head | {"object": "chat.completion.chunk", "choices": [], "usage": usage(answers)})

    def _chunk(self, index: int, delta: dict[str, str], finish: str | None) -> str:
        choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}
        return event(self._head | {"object": "chat.completion.chunk", "choices": [choice]})


def event(content: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def usage(answers: Sequence[Answer]) -> dict[str, Any]:
    """Tokens of one request; its prompt is counted once, however many answers it has."""
    prompt, completion = answers[0].prompt_tokens, sum(answer.tokens for answer in answers)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": {"reasoning_tokens": sum(answer.reasoning_tokens for answer in answers)},
    }


def _finish(answer: Answer) -> str:
    """In OpenAI's words."""
    return "length" if answer.is_cut else answer.finish
