"""The tests reach nothing beyond this machine; the guard that holds it works, here and in processes of ours."""

import socket
import subprocess
import sys

import pytest


def test_a_remote_address_is_refused() -> None:
    with pytest.raises(PermissionError, match="tried to reach"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(PermissionError, match="tried to reach"):
        socket.getaddrinfo("example.org", 80)


def test_this_machine_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=1):
        pass


def test_processes_of_ours_are_held_to_it() -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PermissionError: a test tried to reach 192.0.2.1" in result.stderr
