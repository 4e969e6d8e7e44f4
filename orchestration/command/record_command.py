"""`alumina fit` and `alumina backtest`: fit the forecast, and measure how it and its intervals did. Nothing here publishes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ingest.settings import Settings
from ingest.source import HomeError
from orchestration.command.terminal import Output, console

if TYPE_CHECKING:
    import polars as pl

    from serving.research.panel.evaluation import Figure, Report

record_app = typer.Typer(rich_markup_mode=None)
out = console(Output("stdout"))
TEXTS = ("commodity", "horizon", "method", "on calls", "note")
"""Columns that are no figures."""


class RecordError(HomeError):
    """There is nothing to fit or to judge; the message says what to do."""


@record_app.command()
def fit() -> None:
    """Fit the forecast anew from the panel of all products; the next run applies it. Once a quarter, and after a backfill."""
    from ingest.home import open_home
    from orchestration.assets.forecast import fit as fit_forecast
    from orchestration.warehouse.load import WarehouseError

    open_home(Settings())
    try:
        with out.status("fitting"):
            fitted = fit_forecast(Settings())
    except WarehouseError as error:
        raise RecordError(str(error)) from None
    licences = ", ".join(f"{horizon} {'may call' if licensed else 'has no licence'}" for horizon, licensed in fitted.licences.items())
    _say(f"the panel: {fitted.products} products, {fitted.sessions} sessions; {licences or 'too short for a refit'}")
    _say("fitted; the next run applies it: alumina run" if fitted.is_changed else "nothing changed: the fit is the one the home holds")


@record_app.command()
def backtest(markdown: Annotated[bool, typer.Option("--markdown", help="As a page: how docs/track-record.md shows it.")] = False) -> None:
    """Show how forecast and intervals of all products fared, out of sample, beside baselines, and each commodity's stances."""
    from orchestration.warehouse.load import WarehouseError, connect
    from serving.research.backtest import backtest as judge_stances
    from serving.research.panel.evaluation import report

    settings = Settings()
    if not settings.warehouse.is_file():
        raise RecordError(f"{settings.warehouse} is not there yet: alumina run")
    try:
        with out.status("judging"), connect(settings, read_only=True) as con:
            if not con.sql("select 1 from duckdb_tables() where schema_name = 'intermediate' and table_name = 'int_panel__forecasts'").fetchall():
                raise RecordError(f"{settings.warehouse} holds no panel yet: alumina run")
            told, stances = report(con), judge_stances(con)
    except WarehouseError as error:
        raise RecordError(str(error)) from None
    if told is None:
        raise RecordError("the panel has no quotes of any product, so there is nothing to judge: alumina run with daily quotes")
    shown = [*sheets(told), sides(stances)]
    if markdown:
        _say("\n\n".join([*lines(told), *(sheet.markdown for sheet in shown)]))
        return
    for line in lines(told):
        _say(line)
    for sheet in shown:
        out.print(sheet.table)


@dataclass(frozen=True)
class Sheet:
    """A table of texts, for a terminal or a page."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    @property
    def table(self) -> Table:
        """The sheet as a terminal shows it."""
        table = Table(title=self.title)
        for name in self.columns:
            table.add_column(name, justify="left" if name in TEXTS else "right", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    @property
    def markdown(self) -> str:
        """The sheet as Markdown."""
        head = ["| " + " | ".join(self.columns) + " |", "|" + "---|" * len(self.columns)]
        return "\n".join([f"**{self.title}**", "", *head, *("| " + " | ".join(row) + " |" for row in self.rows)])


def lines(told: "Report") -> list[str]:
    """Give the sentences above the tables: the size of the panel and how to read the skill."""
    found = [
        f"{told.products} products, {told.sessions} sessions; they move together like {told.effective_products:.1f} independent ones.",
        "Skill is one less the Brier score over that of the better of 0.5 and the share of rises; intervals in brackets hold 90 %, by blocks of dates.",
    ]
    if told.data_origin == "sample":
        found.insert(0, "SAMPLE DATA: largely simulated prices. This shows that the machinery runs, not that anything can be forecast.")
    return found


def sheets(told: "Report") -> list[Sheet]:
    """Give probabilities, intervals and, where there is one, the reliability curve."""
    scores = []
    for row in told.scores:
        if not row.rows:
            scores.append((row.horizon, row.method, "0", "–", "–", "–", "–", "–", row.reason.replace("_", " ")))
            continue
        calls = "none" if not row.calls else f"{row.calls}, Brier {row.call_brier:.3f}"
        if row.call_hit is not None and row.call_base is not None and row.down_share is not None:
            calls += f", hits {_figure(row.call_hit, '.2f')}, base {row.call_base:.2f}, down {row.down_share:.0%}"
        skill = "–" if row.skill is None else _figure(row.skill, "+.3f")
        scores.append((row.horizon, row.method, str(row.rows), f"{row.blocks:.1f}", f"{row.brier:.4f}", f"{row.log:.4f}", skill, calls, ""))
    spreads = [
        (
            spread.horizon,
            str(spread.outcomes),
            f"{spread.blocks:.1f}",
            _figure(spread.coverage, ".1%"),
            f"{spread.pinball:.4f}",
            "–" if spread.gain is None else _figure(spread.gain, "+.1%"),
        )
        for spread in told.spreads
    ]
    bins = [(step.horizon, f"{step.said:.3f}", f"{step.came:.3f}", str(step.rows)) for step in told.bins]
    found = [
        Sheet(
            "Probabilities: Brier 0.25 is one who says nothing",
            ("horizon", "method", "rows", "blocks", "Brier", "log", "skill", "on calls", "note"),
            scores,
        ),
        Sheet("Intervals of 80 %", ("horizon", "outcomes", "blocks", "coverage", "quantile loss", "gain over constant ones"), spreads),
    ]
    return [*found, Sheet("Reliability (CORP)", ("horizon", "said", "came true", "rows"), bins)] if bins else found


def sides(stances: "pl.DataFrame") -> Sheet:
    """Give of each commodity's stances how often the price went their way, the shares of days on either side and the longest run on one."""
    rows = []
    for row in stances.iter_rows(named=True):
        if (row["statements"], row["strategy"]) == ("validated", "rules") and row["side_up_ratio"] is not None:
            hits = "–" if row["hit_ratio"] is None else f"{row['hit_ratio']:.2f} [{row['hit_ratio_low']:.2f}, {row['hit_ratio_high']:.2f}]"
            shares = (f"{row['side_up_ratio']:.0%}", f"{row['side_down_ratio']:.0%}", f"{row['longest_spell_sessions']}")
            rows.append((row["commodity_code"], row["horizon"], str(row["calls"]), hits, *shares))
    return Sheet("Stances: where the evidence leaned", ("commodity", "horizon", "leaning", "hits", "days up", "days down", "longest spell"), rows)


def _figure(figure: "Figure", form: str) -> str:
    span = "too few dates" if math.isnan(figure.low) else f"{figure.low:{form}}, {figure.high:{form}}"
    return f"{figure.value:{form}} [{span}]"


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)
