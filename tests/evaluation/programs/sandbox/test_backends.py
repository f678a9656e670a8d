"""Plans: what each backend needs of a machine, and what it says when that is not there."""

import platform
import shutil
import sys
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.programs.sandbox import bubblewrap, landlock
from qwenlab.evaluation.programs.sandbox.interpreter import OPTIONS, Interpreter, judging_interpreter
from qwenlab.evaluation.programs.sandbox.plan import Plan, Unavailable

SYSTEM = Interpreter("/usr/bin/python3.11", "3.11.2", "/usr/lib/python3.11", folders=("/usr/lib/x86_64-linux-gnu",))
OWN = Interpreter(
    "/home/ada/conda/bin/python3.12",
    "3.12.4",
    "/home/ada/conda/lib/python3.12",
    packages=("/home/ada/conda/lib/python3.12/site-packages",),
    files=("/home/ada/conda/lib/libz.so",),
    numpy=("/home/ada/conda/lib/python3.12/site-packages/numpy",),
)


@pytest.fixture
def bwrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An older bwrap than any that this machine may have, first on the path."""
    path = tmp_path / "bwrap"
    path.write_text("#!/bin/sh\necho bubblewrap 0.6.1\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return path


def planned(interpreter: Interpreter) -> Plan:
    found = bubblewrap.plan(interpreter)
    assert isinstance(found, Plan)
    return found


def pairs(plan: Plan) -> list[tuple[str, ...]]:
    return list(zip(plan.command, plan.command[1:], plan.command[2:], strict=False))


def test_bwrap_s_line(bwrap: Path) -> None:
    plan = planned(SYSTEM)
    assert plan.command[0] == str(bwrap)
    assert plan.version == "0.6.1"
    assert {"--unshare-user", "--unshare-all", "--die-with-parent"} < set(plan.command)
    assert not {"--proc", "--dev", "--as-pid-1", "--share-net", "--bind", "--disable-userns"} & set(plan.command)
    assert plan.command[-3:] == [*OPTIONS[1:], "/box/main.py"][-3:] or plan.command[-1] == "/box/main.py"
    assert plan.threads == 64


def test_it_binds_the_interpreter_and_nothing_else(bwrap: Path) -> None:
    bound = [source for option, source, _ in pairs(planned(SYSTEM)) if option == "--ro-bind"]
    assert bound == ["/usr/bin/python3.11", "/usr/lib/python3.11", "/usr/lib/x86_64-linux-gnu", "{box}"]
    bound = [source for option, source, _ in pairs(planned(OWN)) if option == "--ro-bind"]
    assert bound == [OWN.path, OWN.library, *OWN.files, *OWN.numpy, "{box}"]


def test_what_others_installed_in_its_folder_is_hidden_but_for_numpy(bwrap: Path) -> None:
    words = planned(OWN).command
    hidden = words.index("--tmpfs")
    assert words[hidden + 1] == OWN.packages[0]
    assert hidden < words.index(OWN.numpy[0]) < words.index("--remount-ro")
    assert not any("ld.so.cache" in word for word in planned(SYSTEM).command)
    assert any("ld.so.cache" in word for word in planned(OWN).command)


def test_an_old_kernel_would_count_the_user_s_other_processes(bwrap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "release", lambda: "5.10.0-28-amd64")
    assert planned(SYSTEM).threads is None


def test_without_bwrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert bubblewrap.plan(SYSTEM) == Unavailable("bubblewrap is not installed.", "sudo apt install bubblewrap")


@pytest.mark.parametrize(
    ("said", "mends"),
    [
        ("bwrap: setting up uid map: Permission denied", "apparmor"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "apparmor"),
        ("bwrap: No permissions to create new namespace, likely because ...", "apparmor"),
        ("something else", "apt install bubblewrap"),
    ],
)
def test_what_mends_it_goes_by_what_bwrap_says(said: str, mends: str) -> None:
    assert mends in bubblewrap.mend(said)
    assert "sysctl" not in bubblewrap.mend(said)


@pytest.mark.parametrize("abi", [0, 1, 2])
def test_landlock_is_needed_as_of_truncation(abi: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "landlock_abi", lambda: abi)
    found = landlock.plan(SYSTEM)
    assert isinstance(found, Unavailable)
    assert "ABI 3 is needed" in found.reason


@pytest.mark.parametrize(("abi", "fields"), [(3, 1), (4, 2), (5, 2), (6, 3), (99, 3)])
def test_each_abi_gets_the_fields_that_it_knows(abi: int, fields: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "landlock_abi", lambda: abi)
    found = landlock.plan(SYSTEM)
    assert isinstance(found, Plan) and found.landlock
    assert len(found.landlock.handled) == fields
    assert found.landlock.handled[0] == (1 << (15 if abi < 5 else 16)) - 1
    writable = [path for path, rights in found.landlock.rules if rights & landlock.WRITE_FILE]
    assert writable == ["/dev/null"]


def test_landlock_grants_the_interpreter_and_nothing_else(tmp_path: Path) -> None:
    library, packages = tmp_path / "python", tmp_path / "python/site-packages"
    (packages / "numpy").mkdir(parents=True)
    (library / "json").mkdir()
    (library / "os.py").touch()
    own = Interpreter(
        sys.executable, "3.12.4", str(library), packages=(str(packages),), numpy=(str(packages / "numpy"),)
    )
    found = landlock.plan(own)
    if not (isinstance(found, Plan) and found.landlock):
        pytest.skip("this machine has no Landlock")
    assert {path: rights for path, rights in found.landlock.rules if not path.startswith(("/etc/", "/dev/"))} == {
        sys.executable: landlock.READ_FILE | landlock.EXECUTE,
        "{box}": landlock.READ,
        str(library): landlock.READ_DIR,
        str(library / "json"): landlock.READ,
        str(library / "os.py"): landlock.READ_FILE,
        str(packages): landlock.READ_DIR,
        str(packages / "numpy"): landlock.READ,
    }


@pytest.mark.parametrize("plan", [bubblewrap.plan, landlock.plan])
def test_a_machine_without_a_table_of_calls_is_refused(monkeypatch: pytest.MonkeyPatch, plan: object) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert callable(plan)
    assert plan(SYSTEM).reason == "There is no table of system calls for riscv64, only for x86-64 and aarch64."


def test_the_interpreter_is_the_system_s_where_there_is_one() -> None:
    found = judging_interpreter()
    if Path("/usr/bin/python3").exists():
        assert found.path.startswith("/usr/bin/python3")
    assert found.command("main.py") == [found.path, "-s", "-B", "main.py"]
    assert found.version in str(found)


def test_no_interpreter_is_new_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwenlab.evaluation.programs.sandbox.interpreter.OLDEST", (9, 9))
    with pytest.raises(UserError, match=r"No Python 9\.9 or newer"):
        judging_interpreter()
