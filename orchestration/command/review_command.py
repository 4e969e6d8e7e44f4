"""`alumina review`: list held figures, and record a person's decision on them. Builds nothing; the next run acts on it."""

from datetime import datetime
from typing import Annotated, Any

import duckdb
import typer
from filelock import FileLock

from ingest.catalog.documents import REVIEWS
from ingest.catalog.schemas import Review
from ingest.settings import Settings
from ingest.source import SHANGHAI, ConfigurationError, HomeError
from orchestration.command.terminal import Output, console
from orchestration.command.words import language, said

review_app = typer.Typer(help="Held figures: list, accept, reject.", no_args_is_help=True, rich_markup_mode=None)
out = console(Output("stdout"))
Ids = Annotated[list[str], typer.Argument(help="IDs of held figures, as `alumina review list` shows them.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept for later readers.")]


class ReviewError(HomeError):
    """A decision that cannot be recorded; the message says why."""


@review_app.command("list")
def review_list(
    everything: Annotated[bool, typer.Option("--all", help="Also those that were released, accepted, rejected or replaced.")] = False,
) -> None:
    """List the held figures with their reasons. They are in no mart until a later file agrees or a person accepts them."""
    settings = Settings()
    known, words = _held(settings), _words(settings)
    shown = [row for row in known if everything or row["held_status"] == "held"]
    _say(said("review.held_ever" if everything else "review.held", count=len(shown)))
    for row in shown:
        word = words.get(row["held_id"])
        waiting = said("review.waiting", verdict=said(f"review.{word.verdict}")) if word and row["held_status"] == "held" else ""
        _say(f"  {row['held_id']}  {row['held_status']}{waiting}  {row['request_name'] or row['payload_sha256']}")
        for column in ("reason_zh", "reason_en") if language() == "zh" else ("reason_en", "reason_zh"):
            _say(f"      {row[column]}")


@review_app.command("accept")
def review_accept(ids: Ids, reason: Reason) -> None:
    """Accept held figures, with those of their series that agree with them. The next run acts on it."""
    _write(ids, "accept", reason)


@review_app.command("reject")
def review_reject(ids: Ids, reason: Reason) -> None:
    """Reject held figures for good, even where a later print agrees. The next run acts on it."""
    _write(ids, "reject", reason)


def _write(ids: list[str], verdict: str, reason: str) -> None:
    from ingest.catalog.reviews import add
    from ingest.home import open_home

    settings = Settings()
    open_home(settings)
    known = {row["held_id"]: row for row in _held(settings)}
    status = {name: row["held_status"] for name, row in known.items()}
    if not reason.strip():
        raise ReviewError(said("refused.no_reason"))
    for name in ids:
        if name not in status:
            raise ReviewError(said("refused.not_held", name=name))
        if status[name] not in ("held", "replaced"):
            raise ReviewError(said("refused.decided", name=name, status=status[name], file=settings.catalog_overlay / REVIEWS))
        if verdict == "accept" and known[name]["held_rule"] == "unit_of_role":
            raise ReviewError(said("refused.no_unit", name=name))
    with FileLock(settings.root / "reviews.lock"):
        words = _words(settings)
        for name in ids:
            if name in words:
                verdict = said(f"review.{words[name].verdict}")
                raise ReviewError(said("refused.said_already", name=name, verdict=verdict, file=settings.catalog_overlay / REVIEWS))
        file = add(settings.catalog_overlay, list(dict.fromkeys(ids)), verdict, reason.strip(), datetime.now(SHANGHAI))
    _say(said("review.written", ids=", ".join(ids), verdict=said(f"review.{verdict}"), file=file))


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)


def _words(settings: Settings) -> dict[str, Review]:
    from ingest.catalog.reviews import said

    try:
        return said(settings.catalog_overlay)
    except ConfigurationError as error:
        raise ReviewError(str(error)) from None


def _held(settings: Settings) -> list[dict[str, Any]]:
    """Give every figure that was ever held, as published."""
    from serving.read import UnreadableError, query

    try:
        found = query(settings, "select * from serving.held_figures order by held_at, held_id")
    except UnreadableError as error:
        raise ReviewError(str(error)) from None
    except duckdb.CatalogException:
        raise ReviewError(said("refused.no_held_table")) from None
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]
