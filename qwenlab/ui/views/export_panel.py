"""Exporting a run: what it can become here, how far that is, and what was made, to be downloaded."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from qwenlab.jobs.export import Dtype, Target, lacking
from qwenlab.runs import Run
from qwenlab.runs.exports import Export, list_exports
from qwenlab.text import disk
from qwenlab.ui.components import card, fault, lab, text
from qwenlab.ui.downloads import address
from qwenlab.ui.jobs.exported import Choice, Progress, needed, progress, unproven
from qwenlab.ui.run_cache import stamp

TARGETS = (
    ("Adapter: the small file that was trained, for transformers with peft, or vLLM", Target.adapter.value),
    ("Merged model: adapter and base as one, for transformers, vLLM and most others", Target.merged.value),
    ("GGUF: one file for llama.cpp, LM Studio and Jan", Target.gguf.value),
    ("Ollama: a GGUF file with its Modelfile", Target.ollama.value),
    ("Hugging Face hub: upload it to a repository of yours", Target.hub.value),
)
PRECISIONS = (
    ("as the recipe, in 16 bits", Dtype.auto.value),
    ("float16", Dtype.float16.value),
    ("bfloat16", Dtype.bfloat16.value),
)


class ExportPanel(NamedTuple):
    """Its components."""

    box: gr.Column
    target: gr.Radio
    precision: gr.Radio
    repo: gr.Textbox
    merged: gr.Checkbox
    public: gr.Checkbox
    hub: gr.Column
    told: gr.HTML
    start: gr.Button
    stop: gr.Button
    state: gr.HTML
    made: gr.HTML

    @property
    def choice(self) -> list[Any]:
        """The inputs of `choice_of`."""
        return [self.target, self.precision, self.repo, self.merged, self.public]

    @property
    def chosen(self) -> list[Any]:
        """What `offered` fills."""
        return [self.precision, self.hub, self.told, self.start]

    @property
    def standing(self) -> list[Any]:
        """What `standing` fills."""
        return [self.state, self.stop, self.made]


def build_export_panel() -> ExportPanel:
    """Unseen until it is asked for; what was made before is seen."""
    with gr.Column(visible=False, elem_id="export-panel") as box:
        target = gr.Radio(list(TARGETS), value=Target.adapter.value, label="Export as", elem_id="export-target")
        precision = gr.Radio(list(PRECISIONS), value=Dtype.auto.value, label="Precision of the weights", visible=False)
        with gr.Column(visible=False) as hub:
            repo = gr.Textbox(label="Repository", placeholder="owner/name", info="made if it is not there yet")
            merged = gr.Checkbox(label="Upload the merged model, not the adapter")
            public = gr.Checkbox(label="Public: everybody can read it")
        told = gr.HTML(elem_id="export-told")
        start = gr.Button("Export", elem_id="export-start")
    state = gr.HTML(elem_id="export-state")
    stop = gr.Button("Stop the export", visible=False, elem_id="export-stop")
    made = gr.HTML(elem_id="exports")
    return ExportPanel(box, target, precision, repo, merged, public, hub, told, start, stop, state, made)


def choice_of(target: str, precision: str, repo: str, merged: bool, public: bool) -> Choice:
    return Choice(Target(target), Dtype(precision), (repo or "").strip(), bool(merged), bool(public))


def offered(run: Run, choice: Choice) -> list[Any]:
    """What belongs to the target, what it needs, and whether this machine can make it, as `ExportPanel.chosen`."""
    lack = lacking(choice.target)
    has_precision = choice.target is not Target.adapter and (choice.target is not Target.hub or choice.merged)
    return [
        gr.Radio(visible=has_precision),
        gr.Column(visible=choice.target is Target.hub),
        fault(str(lack)) if lack else card("".join(f"<p class='quiet'>{said}</p>" for said in _notes(run, choice))),
        gr.Button("Upload…" if choice.target is Target.hub else "Export", interactive=lack is None),
    ]


def exports_state(runs: Path, run: Run) -> str:
    """Another text whenever `standing` says something else."""
    return repr((progress(runs, run), [(one.name, stamp(one.folder)) for one in list_exports(run)]))


def standing(runs: Path, run: Run) -> list[Any]:
    """How the latest export stands and what was made, as `ExportPanel.standing`."""
    found = progress(runs, run)
    known = list_exports(run)
    running = found is not None and found.state == "running"
    return [_progress(found, known) if found else "", gr.Button(visible=running), _made(known)]


def _notes(run: Run, choice: Choice) -> list[str]:
    """What will happen, as HTML sentences."""
    notes = ["The result is loaded and asked 20 questions. It is kept only if it answers as the adapter does."]
    if unproven(choice):
        notes = ["It can be made here and not be checked: llama.cpp's llama-server is not built or not on the PATH."]
    if size := needed(run, choice):
        free = shutil.disk_usage(run.folder).free
        notes.append(f"It needs about {disk(size)} of disk; {disk(free)} are free.")
    if choice.target in (Target.gguf, Target.ollama):
        notes.append("Weights stay in 16 bits. For a smaller file run llama.cpp's llama-quantize on it.")
    if choice.target is Target.ollama and not shutil.which("ollama"):
        notes.append("Ollama is not on this machine: download the export to one that has it, then ollama create.")
    return notes


def _progress(found: Progress, known: Sequence[Export]) -> str:
    what = f" {text(found.what)}" if found.what else ""
    if found.state == "running":
        return card(f"<b>Exporting{what}</b><p class='quiet' role='status'>{text(found.said)}</p>")
    if found.state == "failed":
        return fault(f"The latest export failed.\n{found.said}")
    if found.said:
        return card(f"<p role='status'>{text(found.said)}</p>")
    if found.what in (one.name for one in known):
        return card(f"<p role='status'><span class='accent'>Exported:</span>{what}</p>")
    return ""


def _made(known: Sequence[Export]) -> str:
    if not known:
        return ""
    return lab(f'<h3>Exports</h3><ul class="exports">{"".join(map(_export, known))}</ul>')


def _export(export: Export) -> str:
    files = [(path, path.stat().st_size) for path in export.files]
    total = disk(sum(size for _, size in files))
    one = next(((path, size) for path, size in files if path.suffix == ".gguf"), None)
    single = _link(address(export, one[0]), f"Download the .gguf file, {disk(one[1])}") if one else ""
    whole = _link(address(export), f"Download all as .tar, {total}")
    listed = "".join(
        f"<li>{_link(address(export, path), path.relative_to(export.folder).as_posix())} "
        f'<span class="quiet">{disk(size)}</span></li>'
        for path, size in files
    )
    proof = f'<p class="{"" if export.proof.startswith("Checked") else "amber"}">{text(export.proof)}</p>'
    modelfile = export.folder.resolve() / "Modelfile"
    known_to_ollama = (
        f"<p class='quiet'>On this machine: <code>ollama create {text(export.name)} -f {text(modelfile)}</code></p>"
        if modelfile.exists()
        else ""
    )
    return (
        f'<li class="card"><div class="head"><b>{text(export.name)}</b><span class="quiet">{total}</span></div>'
        f"{proof}{known_to_ollama}"
        f'<p class="links">{single}{whole}<button type="button" data-remove-export="{text(export.name)}">'
        f"Remove<span class='unseen'> the export {text(export.name)}</span></button></p>"
        f"<details><summary>{len(files)} files</summary><ul>{listed}</ul>"
        f"<p class='quiet'>They lie in <code>{text(export.folder)}</code></p></details></li>"
    )


def _link(where: str, words: str) -> str:
    return f'<a href="{text(where)}" download>{text(words)}</a>'
