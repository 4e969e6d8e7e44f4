"""The fitted forecast: `outlook_model.json` of the home, made from the panel's tables in the working warehouse.

No daily run makes this asset, because it imports scikit-learn and arch. The next run applies the fit in SQL.
"""

from dataclasses import dataclass

import dagster as dg

from ingest.settings import Settings
from ingest.source import DataOrigin
from orchestration.resources import Home
from orchestration.warehouse.load import WarehouseError, connect, write_lock
from serving.research.panel.model_file import Model, read_model, write_model

GROUP = "forecast"
KEY = dg.AssetKey(["forecast", "outlook_model"])
_CHAIN = dg.AssetKey(["intermediate", "int_panel__outcomes"])


@dataclass(frozen=True)
class Fitted:
    """The model of a home after a fit, how large its panel is, and whether any row differs from before."""

    model: Model
    products: int
    sessions: int
    is_changed: bool

    @property
    def licences(self) -> dict[str, bool]:
        """Whether each horizon may call, by its newest refit."""
        newest: dict[str, bool] = {}
        for row in self.model.rows:
            if row.term == "is_licensed":
                newest[row.horizon] = row.value == 1.0
        return newest


def fit(settings: Settings) -> Fitted:
    """Fit every horizon anew from the working warehouse and keep it in the home; raises WarehouseError where there is no panel to fit."""
    from serving.research.panel.fitting import fit_all

    with write_lock(settings, "fitting the forecast"), connect(settings, read_only=True) as con:
        if not con.sql("select 1 from duckdb_tables() where schema_name = 'intermediate' and table_name = 'int_panel__outcomes'").fetchall():
            raise WarehouseError(f"{settings.warehouse} holds no panel yet: alumina run")
        products, sessions, origin = con.sql(
            "select count(distinct exchange || '.' || product_id), count(distinct trade_date), max(data_origin) from intermediate.int_panel__chain"
        ).fetchall()[0]
        if origin is None:
            raise WarehouseError("the panel has no quotes of any product, so there is nothing to fit: alumina run with daily quotes")
        before = read_model(settings.outlook_model)
        model = write_model(settings.outlook_model, fit_all(con), DataOrigin(origin))
    return Fitted(model, products, sessions, before is None or before.sha256 != model.sha256)


@dg.asset(
    key=KEY,
    deps=[_CHAIN],
    group_name=GROUP,
    kinds={"scikitlearn"},
    owners=["team:data-engineering"],
    tags={"layer": "forecast"},
    description=(
        "Coefficients, shrinkage and licence of the forecast at every refit, walk-forward. Made once a quarter and after a backfill; "
        "the next daily run reads it into `raw.outlook__model` and applies it."
    ),
)
def outlook_model(home: Home) -> dg.MaterializeResult:
    """Fit, and report the result as metadata."""
    try:
        fitted = fit(home.settings)
    except WarehouseError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    return dg.MaterializeResult(
        metadata={
            "rows": len(fitted.model.rows),
            "products": fitted.products,
            "sessions": fitted.sessions,
            "sha256": fitted.model.sha256,
            "changed": fitted.is_changed,
            **{f"licence_{horizon}": licensed for horizon, licensed in fitted.licences.items()},
        }
    )
