"""The model server in front of a model that takes nothing, as a process with few files: `python -m ... FILES`."""

import resource
import sys

from qwenlab.web.server import Server, address_of, listening
from tests.routes import server


def main() -> None:
    """Print the address and serve until the process is ended."""
    files = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    with listening("127.0.0.1", 0) as listener:
        Server(server(None), lambda: print(address_of(listener), flush=True)).run([listener])


if __name__ == "__main__":
    main()
