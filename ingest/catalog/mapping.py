"""What a vendor's series is to a commodity, as a home says it: its `series.toml`, which adds to the shipped files. Written here, checked before.

The roles are those the models read (`ingest.catalog.references`); here stands what they are called, for those who choose one.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from ingest.catalog.documents import SERIES, catalog_files
from ingest.catalog.references import faults_of
from ingest.catalog.schemas import MappedSeries
from ingest.files import write_atomic
from ingest.source import ConfigurationError

ROLES: Mapping[str, tuple[str, str]] = {
    "spot": ("现货价", "spot price, national or of a region"),
    "tender": ("招标价", "tender price"),
    "spread_1130": ("11:30价差", "the vendor's own spread at 11:30"),
    "cost_full": ("完全成本", "full cost"),
    "cost_cash": ("现金成本", "cash cost"),
    "profit": ("利润", "profit"),
    "input_ore": ("铝土矿", "bauxite of a province"),
    "ore_index": ("进口铝土矿指数", "index of imported bauxite"),
    "input_caustic": ("烧碱", "caustic soda"),
    "input_coal": ("动力煤", "steam coal"),
    "input_power": ("电价", "power"),
    "capacity_built": ("建成产能", "built capacity"),
    "capacity_operating": ("运行产能", "operating capacity"),
    "capacity_aged20": ("20年以上产能", "capacity older than 20 years"),
    "operating_rate": ("开工率", "operating rate"),
    "output": ("产量", "output"),
    "demand": ("需求", "demand"),
    "downstream_built": ("下游建成产能", "built capacity of the users"),
    "downstream_operating": ("下游运行产能", "operating capacity of the users"),
    "downstream_rate": ("下游开工率", "operating rate of the users"),
    "stock_smelter": ("铝厂库存", "stock at smelters"),
    "stock_port": ("港口库存", "stock in ports"),
    "stock_transit": ("在途库存", "stock in transit"),
    "fob": ("离岸价FOB", "price abroad, FOB"),
    "freight": ("海运费", "freight"),
    "fx_sell": ("美元卖出价", "selling rate of the dollar"),
    "port_price": ("港口价", "price of imports in port"),
    "port_gap": ("港口价与指数之差", "gap between the price in port and the index"),
}
"""Every role in Chinese and English."""
# What series of a role are called, where that is not the name of the role; the first that fits.
_CALLED = (
    ("spread_1130", ("价差", "升贴水", "基差")),
    ("operating_rate", ("开工率", "产能利用率")),
    ("spot", ("现货", "均价", "市场价", "价格", "指数")),
    ("fob", ("FOB", "离岸")),
    ("freight", ("运费",)),
    ("fx_sell", ("卖出价", "汇率")),
    ("cost_full", ("成本",)),
)
_HEAD = "# Series this home adds to the commodities' files: written by `alumina inbox map`, and by people.\n"


def suggested_role(name: str) -> str | None:
    """Give the role a series' name speaks of, None where it speaks of none."""
    by_name = sorted(ROLES, key=lambda role: -len(ROLES[role][0]))
    return next((role for role in by_name if ROLES[role][0] in name), None) or next(
        (role for role, words in _CALLED if any(word in name for word in words)), None
    )


def suggested_region(text: str, regions: Mapping[str, str]) -> str:
    """Give the region whose Chinese name stands in a text, else the nation; `regions` gives the name of each."""
    return next((region for region, name in regions.items() if name in text), "national")


def write(overlay: Path, entries: Iterable[MappedSeries]) -> Path:
    """Add series to the home's file and give its path; raises ConfigurationError, with nothing written, where the catalogue would be wrong."""
    path = overlay / SERIES
    before = path.read_bytes() if path.is_file() else _HEAD.encode()
    body = before.rstrip() + b"\n\n" + "\n\n".join(map(_text, entries)).encode() + b"\n"
    if wrong := faults_of((dict(catalog_files(overlay)) | {SERIES: body}).items()):
        raise ConfigurationError(f"nothing was written: catalogue file {wrong[0]}")
    write_atomic(path, body)
    return path


def _text(entry: MappedSeries) -> str:
    told = entry.model_dump(exclude_none=True)
    names = ("commodity", "role", "provider", "series_id", "region", "model_id", "source")
    return "\n".join(["[[series]]", *(f"{name} = {json.dumps(told[name], ensure_ascii=False)}" for name in names if name in told)])
