"""Downloads of what was exported: the files of a run's exports and nothing else, read as they are sent.

Weights are many GB. None of it is held in memory or copied on the disk: a single file is sent from where it lies, and
can be gone on with where a connection broke; a whole folder is a tar archive that is made on the way, whose length is
known before.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from qwenlab.errors import UserError
from qwenlab.runs import list_runs
from qwenlab.runs.exports import Export, find_export

PATH = "/exports"
"""Below it `RUN/EXPORT` is a folder as an archive, and `RUN/EXPORT/FILE` one file of it."""

BYTES_AT_ONCE = 1 << 20

PACKED = ("application/x-tar", "application/octet-stream")
"""Types of what is sent: weights do not get smaller by compression."""

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class _Member(NamedTuple):
    """A file in an archive."""

    path: Path
    head: bytes
    size: int

    @property
    def padding(self) -> int:
        return -self.size % tarfile.BLOCKSIZE


def address(export: Export, file: Path | None = None) -> str:
    """Where the export, or a file of it, is fetched; below the page's own address."""
    parts = [export.run.name, export.name, *(file.relative_to(export.folder).parts if file else ())]
    return f".{PATH}/{'/'.join(quote(part, safe='') for part in parts)}"


def downloads(runs: Path) -> list[Route]:
    """The routes, over this folder of runs."""

    def folder(request: Request) -> Response:
        export = _found(runs, request)
        return _archive(export, request.method) if export else _nothing()

    def file(request: Request) -> Response:
        export, name = _found(runs, request), request.path_params["file"]
        # No path is made of what was asked for: it is looked up among the files that there are.
        known = {path.relative_to(export.folder).as_posix(): path for path in export.files} if export else {}
        if export is None or name not in known:
            return _nothing()
        path = known[name]
        shown = f"{export.run.name}{path.suffix}" if path.suffix == ".gguf" else path.name
        return FileResponse(path, headers=HEADERS, media_type=PACKED[1], filename=shown)

    return [Route(f"{PATH}/{{run}}/{{export}}", folder), Route(f"{PATH}/{{run}}/{{export}}/{{file:path}}", file)]


def _found(runs: Path, request: Request) -> Export | None:
    for run in list_runs(runs):
        if run.name == request.path_params["run"]:
            try:
                return find_export(run, request.path_params["export"])
            except UserError:
                return None
    return None


def _nothing() -> Response:
    return PlainTextResponse("There is no such export.\n", 404)


def _archive(export: Export, method: str) -> Response:
    name = f"{export.run.name}-{export.name}"
    members = [_member(path, f"{name}/{path.relative_to(export.folder).as_posix()}") for path in export.files]
    length = sum(len(member.head) + member.size + member.padding for member in members) + 2 * tarfile.BLOCKSIZE
    headers = HEADERS | {
        "Content-Length": str(length),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}.tar",
    }
    if method == "HEAD":
        return Response(headers=headers, media_type=PACKED[0])
    return StreamingResponse(_written(members), headers=headers, media_type=PACKED[0])


def _member(path: Path, name: str) -> _Member:
    found = path.stat()
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = found.st_size, int(found.st_mtime), 0o644
    return _Member(path, info.tobuf(tarfile.GNU_FORMAT), found.st_size)


def _written(members: list[_Member]) -> Iterator[bytes]:
    for member in members:
        yield member.head
        left = member.size
        with member.path.open("rb") as file:
            # A file that has become shorter ends the answer before its length: the browser says that it failed.
            while left and (piece := file.read(min(left, BYTES_AT_ONCE))):
                left -= len(piece)
                yield piece
        if left:
            raise RuntimeError(f"{member.path} was cut while it was sent.")
        yield bytes(member.padding)
    yield bytes(2 * tarfile.BLOCKSIZE)
