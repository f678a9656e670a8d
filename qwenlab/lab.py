"""The browser lab.

    qwenlab lab
    python app.py --host 0.0.0.0 --port 7861 --auth me:secret

Only this machine can open it unless --host says otherwise.
"""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError

MAX_UPLOAD = "2gb"


def main(
    host: Annotated[str, typer.Option(envvar="GRADIO_SERVER_NAME", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="GRADIO_SERVER_PORT", min=0, max=65535, help="0: any that is free.")
    ] = 7860,
    auth: Annotated[
        str, typer.Option(envvar="QWENLAB_AUTH", metavar="USER:PASSWORD", help="Ask for this before the page.")
    ] = "",
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Open the lab in a browser."""
    login = _login(auth)
    if not login and host not in ("127.0.0.1", "localhost", "::1"):
        typer.secho(
            f"Whoever reaches {host} can use this machine: think of --auth USER:PASSWORD.", fg="yellow", err=True
        )
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

    from qwenlab.ui import CSS, THEME, build

    build(runs).launch(
        server_name=host,
        server_port=port or _free_port(host),
        auth=login,
        theme=THEME,
        css=CSS,
        footer_links=[],
        max_file_size=MAX_UPLOAD,
        allowed_paths=[str(runs.resolve())],  # reports are downloaded from there
        ssr_mode=False,
        share=False,
    )


def _login(auth: str) -> tuple[str, str] | None:
    user, colon, password = auth.partition(":")
    if auth and not (user and colon and password):
        raise UserError("--auth is not USER:PASSWORD.", "For instance: --auth me:secret")
    return (user, password) if auth else None


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.lab")
