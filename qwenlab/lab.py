"""The browser lab.

    qwenlab lab
    python app.py --host 0.0.0.0 --port 7861 --auth me:secret

Only this machine can open it unless --host says otherwise.
"""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.credentials import hold_hub_token
from qwenlab.errors import UserError


def main(
    host: Annotated[str, typer.Option(envvar="GRADIO_SERVER_NAME", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="GRADIO_SERVER_PORT", min=0, max=65535, help="0: any that is free.")
    ] = 7860,
    auth: Annotated[
        str, typer.Option(envvar="QWENLAB_AUTH", metavar="USER:PASSWORD", help="Ask for this before the page.")
    ] = "",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name that it is opened by, such as that of a proxy before it."),
    ] = None,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Open the lab in a browser."""
    login = _login(auth)
    if not login and host not in ("127.0.0.1", "localhost", "::1"):
        typer.secho(
            f"Whoever reaches {host} can use this machine: think of --auth USER:PASSWORD.", fg="yellow", err=True
        )
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    hold_hub_token()

    from qwenlab.web.gate import own_names
    from qwenlab.web.server import Server, address_of, listening

    with listening(host, port) as listener, tempfile.TemporaryDirectory(prefix="qwenlab-") as passing:
        # What browsers send and fetch passes through a folder of its own: the usual one is shared by all users.
        os.environ["GRADIO_TEMP_DIR"] = passing

        from qwenlab.ui import build
        from qwenlab.ui.door import close, make_app

        page = build(runs)
        app = make_app(page, login, own_names(host, allow_host or ()), runs)
        told = f"The lab is open at {address_of(listener)}"
        try:
            Server(app, lambda: print(told, flush=True), ending=lambda: close(page), grace=1).run([listener])
        except KeyboardInterrupt:
            print("closed")


def _login(auth: str) -> tuple[str, str] | None:
    user, colon, password = auth.partition(":")
    if auth and not (user and colon and password):
        raise UserError("--auth is not USER:PASSWORD.", "For instance: --auth me:secret")
    return (user, password) if auth else None


if __name__ == "__main__":
    cli.run(main, "python -m qwenlab.lab")
