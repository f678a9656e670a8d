"""Ollama's Modelfile: the tokenizer's chat template in Ollama's words, and where an answer ends.

What the template writes is found by experiment, as everywhere in qwenlab; then Ollama's template is written, read as
Ollama would read it, and compared with the tokenizer's own on conversations of every form. A template that cannot be
said this way is refused rather than approximated.
"""

from typing import Any, NamedTuple

from qwenlab.data.chat_template import Message, conversation_text, prompt_text
from qwenlab.errors import UserError
from qwenlab.recipe import ModelSettings
from qwenlab.training.source import find_model, load_tokenizer
from qwenlab.training.turn_ends import end_tokens

ROLE, CONTENT = "user", "[[content]]"

PROBES: tuple[tuple[tuple[str, str], ...], ...] = (
    (("user", "a"),),
    (("system", "s"), ("user", "a")),
    (("user", "a"), ("assistant", "b"), ("user", "c")),
    (("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e")),
)
"""Conversations that ask for an answer: (role, content)."""


class ChatForm(NamedTuple):
    """A chat template in four pieces: each message is `before` role `between` content `after`."""

    before: str
    between: str
    after: str
    opening: str
    """What an answer is generated from."""
    system: str | None
    """The system message that a conversation gets which has none; None: it gets none."""

    def render(self, messages: list[dict[str, str]]) -> str:
        """As Ollama makes a prompt of the Modelfile's TEMPLATE and SYSTEM."""
        if self.system is not None and messages[0]["role"] != "system":
            messages = [{"role": "system", "content": self.system}, *messages]
        written = [f"{self.before}{one['role']}{self.between}{one['content']}{self.after}" for one in messages]
        return "".join(written) + self.opening


def modelfile(settings: ModelSettings, gguf: str, thinking: bool | None = None) -> str:
    """The Modelfile for weights in the file `gguf` beside it, asked as the run was trained.

    Raises:
        UserError: the model cannot be had, or its chat template writes more than roles and contents.
    """
    source = find_model(settings)
    tokenizer = load_tokenizer(source)
    form = chat_form(tokenizer, thinking)
    template = (
        "{{ range .Messages }}"
        f"{form.before}{{{{ .Role }}}}{form.between}{{{{ .Content }}}}{form.after}"
        f"{{{{ end }}}}{form.opening}"
    )
    lines = [f"FROM ./{gguf}", f'TEMPLATE """{template}"""']
    if form.system is not None:
        lines.append(f'SYSTEM """{form.system}"""')
    lines += [f'PARAMETER stop "{tokenizer.decode([token])}"' for token in end_tokens(source, tokenizer)]
    return "\n".join(lines) + "\n"


def chat_form(tokenizer: Any, thinking: bool | None = None) -> ChatForm:
    """The tokenizer's chat template in pieces, proven on `PROBES`.

    Raises:
        UserError: the pieces do not make up what the template writes.
    """

    def written(*messages: tuple[str, str], opening: bool = False) -> str:
        conversation: list[Message] = [{"role": role, "content": content} for role, content in messages]
        return (prompt_text if opening else conversation_text)(conversation, tokenizer, thinking)

    first = written(("system", "s"), (ROLE, CONTENT))
    turn = written(("system", "s"), (ROLE, CONTENT), (ROLE, CONTENT)).removeprefix(first)
    around, _, after = turn.partition(CONTENT)
    before, _, between = around.partition(ROLE)
    opening = written((ROLE, CONTENT), opening=True).removeprefix(written((ROLE, CONTENT)))
    default = written((ROLE, CONTENT)).removesuffix(turn)
    system = default.removeprefix(f"{before}system{between}").removesuffix(after) if default else None
    form = ChatForm(before, between, after, opening, system)
    for probe in PROBES:
        messages = [{"role": role, "content": content} for role, content in probe]
        if form.render(messages) != written(*probe, opening=True):
            raise UserError(
                "The model's chat template writes more than roles and contents: a Modelfile cannot say it.",
                "Export --to gguf: the file holds the template itself, and llama.cpp follows it.",
            )
    if any('"""' in piece or "{{" in piece for piece in form if piece):
        raise UserError("The model's chat template holds what a Modelfile cannot quote.", "Export --to gguf.")
    return form
