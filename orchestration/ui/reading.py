"""The served release for readers in a browser of this machine: its index, the page of any day, its files. Read-only; behind the guard of the UI.

Each answer is of the release that is served when it is asked for. A file is handed out when the release's manifest lists it and its hash is right.
"""

import errno
import socket
from datetime import date
from pathlib import PurePosixPath
from threading import Lock

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from ingest.settings import Settings
from ingest.source import HomeError
from orchestration.ui.guard import LOOPBACK, Guard, own_hosts
from orchestration.ui.services import ServicesError
from serving.read import UnreadableError, connect
from serving.research.note.contents import contents
from serving.research.note.known import NoteError
from serving.research.note.page import html
from serving.research.note.past import find
from serving.research.note.workbook import workbook
from serving.seal import BrokenSealError, sealed

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def reading(settings: Settings) -> Starlette:
    """Give the application: `/`, `/note/AO-2025-07-22.html` and `.xlsx`, `/files/…`. Nothing but GET and HEAD is taken."""
    one_at_a_time = Lock()  # a page takes a second of a processor; many at once would only be late together

    def index(_request: Request) -> Response:
        with connect(settings) as con:
            folder = settings.serving.resolve()
            files = [f"files/{path.relative_to(folder).as_posix()}" for path in sorted(folder.rglob("*")) if path.is_file()]
            listed = [name for name in files if name.count("/") == 1 or name.endswith("data_docs/index.html")]
            return HTMLResponse(contents(con, lambda code, day: f"note/{code}-{day}.html", listed))

    def note(request: Request) -> Response:
        (code, _, day), form = request.path_params["name"].partition("-"), request.path_params["form"]
        try:
            wanted = date.fromisoformat(day)
        except ValueError:
            raise NoteError(f"{day!r} is no day such as 2025-07-22") from None
        if form not in ("html", "xlsx"):
            raise NoteError(f"a page is served as html or xlsx, not as {form!r}; `alumina note` writes the other forms")
        with one_at_a_time:
            page = find(settings, wanted, code.upper()).page
            if form == "xlsx":
                headers = {"content-disposition": f'attachment; filename="{page.known.commodity_code}-{page.known.day}.xlsx"'}
                return Response(workbook(page), media_type=SHEET, headers=headers)
            return HTMLResponse(html(page))

    def file(request: Request) -> Response:
        name = PurePosixPath(request.path_params["name"])
        return FileResponse(sealed(settings.serving.resolve(), str(name)))

    def missing(_request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"{error}\n", 404)

    def broken(_request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"{error}\n", 503)

    routes = [Route("/", index), Route("/note/{name}.{form:str}", note), Route("/files/{name:path}", file)]
    refusals = {NoteError: missing, BrokenSealError: missing, UnreadableError: broken, HomeError: broken}
    return Starlette(routes=routes, exception_handlers=refusals)


def serve_release(settings: Settings, port: int) -> None:
    """Serve the release on the loopback interface until told to end; raises ServicesError when the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise ServicesError(f"port {port} on {LOOPBACK} is taken; choose another with --port") from None
    with listener:
        app = Guard(reading(settings), own_hosts(port) | set(settings.proxy_hosts))
        config = uvicorn.Config(app, log_level="warning", proxy_headers=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])
