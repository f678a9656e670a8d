"""A finished run of the bundled model to export, and stand-ins for what is not on a test machine."""

import sys
from pathlib import Path

from qwenlab.runs import Run, find_run
from qwenlab.train import main as train

TINY = Path(__file__).parent.parent.parent / "recipes" / "tiny.toml"

CONVERTER = """\
import json, pathlib, sys
if "--help" not in sys.argv:
    model, arguments = pathlib.Path(sys.argv[1]), dict(zip(sys.argv[2::2], sys.argv[3::2]))
    assert json.loads((model / "config.json").read_text())["model_type"] == "qwen2"
    size = (model / "model.safetensors").stat().st_size
    pathlib.Path(arguments["--outfile"]).write_text(f"GGUF {arguments.get('--outtype')} {size}")
"""
"""Takes what llama.cpp's converter takes, and writes a file that is none."""

SERVER = """\
import http.server, json, pathlib, sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
canned = json.loads(pathlib.Path(__file__).with_name("canned.json").read_text())

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({"status": "ok"})

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/apply-template":
            self.answer({"prompt": canned["prompts"][question["messages"][-1]["content"]]})
        else:
            assert question["temperature"] == 0.0 and question["n_predict"] == 128
            self.answer({"content": canned["answers"][question["prompt"]]})

http.server.HTTPServer((arguments["--host"], int(arguments["--port"])), Handler).serve_forever()
"""
"""The two questions that are asked of llama-server, answered from canned.json beside it."""


def trained(folder: Path) -> Run:
    """Eight real steps of the bundled model, large enough to change its answers, 20 rows held out."""
    settings = ["train.max_steps=8", "train.learning_rate=1e-2", "data.max_samples=420", "train.eval_steps=8"]
    train(recipe=TINY, set_=settings, runs=folder / "runs")
    return find_run(folder / "runs", "last")


def stand_in_llama_cpp(folder: Path) -> Path:
    """A folder like llama.cpp's repository, with the converter and without the server."""
    folder.mkdir(parents=True)
    (folder / "convert_hf_to_gguf.py").write_text(CONVERTER, encoding="utf-8")
    return folder


def stand_in_server(folder: Path) -> Path:
    """The program llama-server; canned.json has to be written beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    server = folder / "llama-server"
    server.write_text(f"#!{sys.executable}\n{SERVER}", encoding="utf-8")
    server.chmod(0o755)
    return server
