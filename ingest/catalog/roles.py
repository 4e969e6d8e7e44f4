"""The roles a vendor's series may have for a commodity: what they are called, the unit the models read them in, which one a name suggests. Pure."""

from collections.abc import Mapping
from typing import NamedTuple


class Role(NamedTuple):
    """What the series of a role are called, and the unit the models read them in; a figure in another unit is held."""

    zh: str
    en: str
    unit: str


ROLES: Mapping[str, Role] = {
    "spot": Role("现货价", "spot price, national or of a region", "CNY/t"),
    "tender": Role("招标价", "tender price", "CNY/t"),
    "spread_1130": Role("11:30价差", "the vendor's own spread at 11:30", "CNY/t"),
    "cost_full": Role("完全成本", "full cost", "CNY/t"),
    "cost_cash": Role("现金成本", "cash cost", "CNY/t"),
    "profit": Role("利润", "profit", "CNY/t"),
    "input_ore": Role("铝土矿", "bauxite of a province", "CNY/t"),
    "ore_index": Role("进口铝土矿指数", "index of imported bauxite", "USD/t"),
    "input_caustic": Role("烧碱", "caustic soda", "CNY/t"),
    "input_coal": Role("动力煤", "steam coal", "CNY/t"),
    "input_power": Role("电价", "power", "CNY/kWh"),
    "capacity_built": Role("建成产能", "built capacity", "t/a"),
    "capacity_operating": Role("运行产能", "operating capacity", "t/a"),
    "capacity_aged20": Role("20年以上产能", "capacity older than 20 years", "t/a"),
    "operating_rate": Role("开工率", "operating rate", "ratio"),
    "output": Role("产量", "output", "t"),
    "demand": Role("需求", "demand", "t/a"),
    "downstream_built": Role("下游建成产能", "built capacity of the users", "t/a"),
    "downstream_operating": Role("下游运行产能", "operating capacity of the users", "t/a"),
    "downstream_rate": Role("下游开工率", "operating rate of the users", "ratio"),
    "stock_smelter": Role("铝厂库存", "stock at smelters", "t"),
    "stock_port": Role("港口库存", "stock in ports", "t"),
    "stock_transit": Role("在途库存", "stock in transit", "t"),
    "fob": Role("离岸价FOB", "price abroad, FOB", "USD/t"),
    "freight": Role("海运费", "freight", "USD/t"),
    "fx_sell": Role("美元卖出价", "selling rate of the dollar", "CNY/USD"),
    "port_price": Role("港口价", "price of imports in port", "CNY/t"),
    "port_gap": Role("港口价与指数之差", "gap between the price in port and the index", "CNY/t"),
}
"""Every role the models read."""
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


def suggested_role(name: str) -> str | None:
    """Give the role a series' name speaks of, None where it speaks of none."""
    by_name = sorted(ROLES, key=lambda role: -len(ROLES[role].zh))
    return next((role for role in by_name if ROLES[role].zh in name), None) or next(
        (role for role, words in _CALLED if any(word in name for word in words)), None
    )


def suggested_region(text: str, regions: Mapping[str, str]) -> str:
    """Give the region whose Chinese name stands in a text, else the nation; `regions` gives the name of each."""
    return next((region for region, name in regions.items() if name in text), "national")
