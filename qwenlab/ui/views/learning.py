"""See it learn: the held-out prompts, and what the model answered them at each validation of a run.

Every answer is sent once, whether or not it is in view; static/learning.js shows those of the step that is chosen.
"""

from collections.abc import Sequence
from itertools import groupby

from qwenlab.errors import UserError
from qwenlab.runs import Run
from qwenlab.runs.samples import Sample, SampleAnswer, SamplePrompt
from qwenlab.ui.components import fault, lab, text
from qwenlab.ui.markdown import rendered
from qwenlab.ui.run_cache import sample_prompts, samples

MOST_STEPS = 24
"""Of a long run so many steps are shown, evenly spread, with the first and the last."""

SHORT = 160
"""Characters of a question that are shown before somebody asks for the whole."""


def learning_strip(run: Run) -> str:
    """The steps to choose from, and for each prompt its question, the model's answers and the data's own answer.

    Empty where nothing was asked yet.
    """
    try:
        asked, known = sample_prompts(run), samples(run)
    except UserError as error:
        return fault(error.message)
    if not (asked and asked.prompts and known):
        return ""
    shown = thinned(known)
    prompts = "".join(
        _prompt(number, prompt, [(sample.step, _answer(sample, number)) for sample in shown])
        for number, prompt in enumerate(asked.prompts)
    )
    return lab(
        f'<section class="learning" data-run="{text(run.name)}" aria-label="See it learn">'
        f'<div class="learning-head"><b>See it learn</b> <span class="quiet">{_what(len(asked.prompts))}</span></div>'
        f"{_steps(run, shown)}{prompts}</section>"
    )


def thinned(known: Sequence[Sample]) -> list[Sample]:
    """At most `MOST_STEPS` of them, evenly spread by their place, with the first and the last."""
    if len(known) <= MOST_STEPS:
        return list(known)
    return [known[round(place * (len(known) - 1) / (MOST_STEPS - 1))] for place in range(MOST_STEPS)]


def _what(prompts: int) -> str:
    questions = f"{prompts} held-out questions" if prompts > 1 else "a held-out question"
    return f"{questions}, asked again at each validation"


def _answer(sample: Sample, number: int) -> SampleAnswer | None:
    """None: it was not asked then."""
    return sample.answers[number] if number < len(sample.answers) else None


def _steps(run: Run, shown: Sequence[Sample]) -> str:
    """A radio button for each step; the last is chosen until the browser knows better."""
    group = f"learning-{run.name}"
    buttons = "".join(
        f'<label><input type="radio" name="{text(group)}" value="{place}" data-step="{sample.step}"'
        f"{' checked' if place == len(shown) - 1 else ''}>"
        f"<span>{_named(sample.step)}</span></label>"
        for place, sample in enumerate(shown)
    )
    return (
        f'<fieldset class="learning-steps"><legend>Step</legend><div class="learning-line">{buttons}</div></fieldset>'
    )


def _named(step: int) -> str:
    return f"{step:,}" if step else "0 · before"


def _prompt(number: int, prompt: SamplePrompt, said: Sequence[tuple[int, SampleAnswer | None]]) -> str:
    return (
        f'<article class="learning-prompt">{_question(number, prompt)}<div class="learning-columns">'
        f"<div>{_answers(said, prompt)}</div>"
        f'<div class="learning-said wanted"><h4>In your data</h4>{_thought(prompt.reasoning)}{rendered(prompt.answer)}'
        "</div></div></article>"
    )


def _question(number: int, prompt: SamplePrompt) -> str:
    """Its first words, and the whole on demand."""
    whole = prompt.question.strip()
    words = " ".join(whole.split())
    where = f'<p class="quiet">Row {prompt.row:,} of {text(prompt.file)}</p>'
    short = words if len(words) <= SHORT else f"{words[:SHORT].rsplit(' ', 1)[0]} …"
    return (
        f'<details class="learning-question" data-number="{number}"><summary>{text(short)}</summary>'
        f"{rendered(whole)}{where}</details>"
    )


def _answers(said: Sequence[tuple[int, SampleAnswer | None]], prompt: SamplePrompt) -> str:
    """Each with the places of the steps from and to which it stood; one that stays is sent once."""
    blocks, place = [], 0
    for answer, group in groupby(said, key=lambda pair: pair[1]):
        steps = [step for step, _ in group]
        same = answer is not None and answer.text.strip() == prompt.answer.strip()
        title = _when(steps) + (", word for word as in your data" if same else "")
        is_last = place + len(steps) == len(said)
        blocks.append(
            f'<div class="learning-said {"tuned" if steps[-1] else "base"}" data-from="{place}" '
            f'data-to="{place + len(steps) - 1}"{"" if is_last else " hidden"}><h4>{title}</h4>{_said(answer)}</div>'
        )
        place += len(steps)
    return "".join(blocks)


def _when(steps: Sequence[int]) -> str:
    if len(steps) > 1:
        return f"The model, the same from step {steps[0]:,} to {steps[-1]:,}"
    return f"The model after step {steps[0]:,}" if steps[0] else "The model before training"


def _said(answer: SampleAnswer | None) -> str:
    if answer is None:
        return '<p class="quiet">This was not asked then.</p>'
    cut = f'<p class="quiet">… cut after {answer.tokens} tokens</p>' if answer.cut else ""
    silent = "" if answer.text.strip() or answer.reasoning else '<p class="quiet">It said nothing.</p>'
    return f"{_thought(answer.reasoning)}{rendered(answer.text) if answer.text.strip() else silent}{cut}"


def _thought(reasoning: str) -> str:
    return f'<div class="learning-thought">{rendered(reasoning)}</div>' if reasoning.strip() else ""
