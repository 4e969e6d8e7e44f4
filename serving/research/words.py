"""Chinese and English of what the tables say in codes."""

import operator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """A text in both languages."""

    zh: str
    en: str

    @property
    def title(self) -> "Said":
        """The same as it stands at the head of a line: English begins with a capital."""
        return Said(self.zh, self.en[:1].upper() + self.en[1:])

    @property
    def both(self) -> str:
        """The two as one text, which the page's script splits again: for charts, which are drawn in one language at a time."""
        return f"⟦{self.zh}¦{self.en}⟧"


HORIZONS = {"short": Said("短期", "Short term"), "medium": Said("中期", "Medium term"), "long": Said("长期", "Long term")}
SPANS = {"short": Said("1–10 个交易日", "1–10 sessions"), "medium": Said("2–12 周", "2–12 weeks"), "long": Said("3–12 个月", "3–12 months")}
DIRECTIONS = {
    "up": Said("看涨", "Up"),
    "down": Said("看跌", "Down"),
    "sideways": Said("震荡", "Sideways"),
    "undecided": Said("不作判断", "No statement"),
}
STATUSES = {"validated": Said("已验证", "Validated"), "rejected": Said("未通过", "Rejected"), "draft": Said("草稿", "Draft")}
BLOCKS = {
    "policy": Said("政策与消息", "Policy and news"),
    "receipts": Said("仓单", "Receipts"),
    "money": Said("资金", "Money"),
    "fundamentals": Said("基本面", "Fundamentals"),
}
VERDICTS = {
    "supported": Said("支持", "Supported"),
    "contradicted": Said("矛盾", "Contradicted"),
    "definition_dependent": Said("取决于口径", "Depends on definition"),
    "judgement": Said("主观判断", "Judgement"),
    "conditional": Said("条件性预测", "Conditional"),
    "not_computable": Said("无法核算", "Not computable"),
    "duplicate": Said("重复", "Duplicate"),
}
OUTCOMES = {
    "ok": Said("正常", "OK"),
    "unchanged": Said("无变化", "Unchanged"),
    "no_session": Said("非交易日", "No session"),
    "not_published": Said("尚未发布", "Not published"),
    "blocked": Said("被拦截", "Blocked"),
    "not_data": Said("不是数据", "Not data"),
    "format_changed": Said("格式变化", "Format changed"),
    "http_error": Said("网络错误", "HTTP error"),
}
SOURCES = {"shfe": Said("上期所", "SHFE"), "gfex": Said("广期所", "GFEX"), "customs": Said("海关", "Customs")}
MODELS = {"daily": Said("日度模型", "daily model"), "build_up": Said("原料测算", "build-up")}
FEEDS = {
    "kx": Said("日行情", "Daily quotes"),
    "pm": Said("会员持仓排名", "Member ranking"),
    "js": Said("结算参数", "Settlement parameters"),
    "limits": Said("涨跌停幅度", "Price limits"),
    "settlement": Said("保证金与手续费", "Margins and fees"),
    "trading_day": Said("当前交易日", "Current trading day"),
    "day_quotes": Said("日行情", "Daily quotes"),
    "wbill": Said("注册仓单", "Warehouse receipts"),
    "dailystock": Said("注册仓单", "Warehouse receipts"),
    "dailystock_html": Said("注册仓单", "Warehouse receipts"),
    "spot_price": Said("现货价", "Spot prices"),
    "overseas": Said("海外价格与运费", "Overseas prices and freight"),
    "cost_profit": Said("成本与利润", "Cost and profit"),
    "inputs": Said("原料价格", "Input prices"),
    "capacity": Said("产能与开工", "Capacity and operating rates"),
    "inventory": Said("库存", "Stocks"),
    "bars": Said("盘中价格", "Intraday prices"),
    "gacc": Said("海关进出口", "Customs trade"),
    "comtrade": Said("联合国商品贸易", "UN Comtrade"),
    "history": Said("人民币汇率中间价", "RMB central parity"),
    "latest": Said("人民币汇率中间价（当日）", "RMB central parity, latest"),
    "events": Said("政策事件", "Policy events"),
    "newsflash": Said("快讯", "Newsflashes"),
    "file": Said("未识别的文件", "Files nobody knows"),
}
PRICES = {
    "open": Said("开盘价", "open"),
    "high": Said("最高价", "high"),
    "low": Said("最低价", "low"),
    "close": Said("收盘价", "close"),
    "settle": Said("结算价", "settlement"),
    "stage_high": Said("阶段新高", "stage high"),
    "level_break": Said("突破价位", "level broken"),
}
_SIGNS = {">=": "≥", "<=": "≤", "<>": "≠"}
_HOLDS = {">=": operator.ge, "<=": operator.le, "<>": operator.ne, "=": operator.eq, ">": operator.gt, "<": operator.lt}
COMPARATORS = {"eq": "", "range": "", "gt": "> ", "ge": "≥ ", "lt": "< ", "le": "≤ ", "approx": "≈ "}
UNITS = {
    "yuan/t": Said("元/吨", "CNY/t"),
    "USD/t": Said("美元/吨", "USD/t"),
    "pct": Said("%", "%"),
    "pp": Said("个百分点", "pp"),
    "lots": Said("手", "lots"),
    "t": Said("吨", "t"),
    "kt": Said("千吨", "kt"),
    "kt/y": Said("千吨/年", "kt a year"),
    "kt/d": Said("千吨/日", "kt a day"),
    "CNY/t": Said("元/吨", "CNY/t"),
    "ratio": Said("", ""),
    "score": Said("分", "points"),
    "sigma": Said("倍标准差", "sigma"),
    "intensity": Said("", ""),
    "documents": Said("份", "documents"),
    "trading days": Said("个交易日", "sessions"),
    "count": Said("", ""),
}
TRUTH = "0 or 1"
"""Unit of what is true or false."""
STATES = {
    "long_build": Said("增仓上涨", "long build"),
    "short_covering": Said("减仓上涨", "short covering"),
    "short_build": Said("增仓下跌", "short build"),
    "long_liquidation": Said("减仓下跌", "long liquidation"),
    "up": Said("上行", "up"),
    "down": Said("下行", "down"),
    "flat": Said("持平", "flat"),
    "high": Said("高", "high"),
    "low": Said("低", "low"),
}
# What rules flag, watch, weaken, warn of and set against each other; a code of an operator's own rule stands as it is.
CODES = {
    "ARBITRAGE_WINDOW": Said("期现正套窗口", "cash-and-carry window"),
    "EXPIRY_WALL": Said("仓单集中到期", "expiry of receipts"),
    "IMPORT_WINDOW": Said("进口窗口", "import window"),
    "LIMIT_OR_MARGIN_CHANGED": Said("涨跌停板或保证金调整", "change of limit or margin"),
    "SQUEEZE": Said("逼仓风险", "squeeze"),
    "STALE_SOURCE": Said("数据源过期", "late source"),
    "SENTIMENT_VS_FUNDAMENTALS": Said("情绪与基本面", "sentiment against fundamentals"),
    "IMPORT_ARRIVALS": Said("进口到货", "import arrivals"),
    "MAJOR_LEVEL": Said("整数关口", "major level"),
    "POLICY_FOLLOWUP": Said("政策后续文件", "policy follow-up"),
    "ARB_OPEN": Said("期现正套打开", "cash and carry open"),
    "IMPORT_WINDOW_NEAR": Said("进口窗口", "import window"),
    "OVEREXTENDED": Said("波动过大", "overextended"),
    "OVERSUPPLY": Said("供应过剩", "oversupply"),
    "POLICY_GAP": Said("政策落差", "policy gap"),
    "RECEIPTS_UP_5_20D": Said("5至20日仓单回升", "receipts rising within 5 to 20 days"),
}
LEVELS = {
    "carry_break_even": Said("正套平衡价", "carry breaks even"),
    "center": Said("价格中枢", "centre"),
    "cost_daily": Said("日度成本", "daily cost"),
    "cost_monthly": Said("月度成本", "monthly cost"),
    "import_parity": Said("进口平价", "import parity"),
    "limit_down": Said("跌停价", "limit down"),
    "limit_up": Said("涨停价", "limit up"),
    "major": Said("整数关口", "major level"),
    "round": Said("整数位", "round level"),
    "stage_high_20": Said("20日高点", "20-session high"),
    "stage_high_60": Said("60日高点", "60-session high"),
    "stage_low_20": Said("20日低点", "20-session low"),
    "stage_low_60": Said("60日低点", "60-session low"),
}
REASONS = {
    "nothing_known": Said("决策时点尚无数据", "nothing known at the decision"),
    "no_data": Said("无数据", "no data"),
    "stale": Said("数据过期", "out of date"),
    "too_few_observations": Said("观测不足", "too few observations"),
    "coverage_below_minimum": Said("覆盖率不足", "coverage below the minimum"),
    "no_quotes": Said("无行情", "no quotes"),
    "no_receipts": Said("无仓单", "no receipts"),
    "no_spot": Said("无现货价", "no spot price"),
    "stale_quotes": Said("行情滞后", "quotes are late"),
    "stale_receipts": Said("仓单滞后", "receipts are late"),
    "stale_spot": Said("现货价滞后", "the spot price is late"),
    "not_traded": Said("当日无成交", "not traded"),
    "no_close_printed": Said("未公布收盘价", "no close was printed"),
    "cash_cost_only": Said("仅有现金成本", "cash cost only"),
    "no_earlier_month": Said("无上月数据", "no earlier month"),
    "chinese_new_year": Said("春节合并发布", "published together over the New Year"),
    "no_built_capacity": Said("无建成产能", "no built capacity"),
    "no_operating_capacity": Said("无运行产能", "no operating capacity"),
    "no_demand_of_this_provider": Said("该来源无需求数据", "no demand from this provider"),
    "no_expiry_schedule": Said("无到期明细", "no expiry schedule"),
}  # fmt: skip


def say(words: dict[str, Said], code: Any) -> Said:
    """Give a code's words; one without any speaks for itself."""
    if code in words:
        return words[code]
    text = "" if code is None else str(code).replace("_", " ")
    return Said(text, text)


def reason(text: str | None, column: str = "") -> Said:
    """Give the words of a `null_reason`: one code, or `column:code` parts, of which only the column's own are meant."""
    parts = [part.rpartition(":") for part in (text or "nothing_known").split(";")]
    meant = dict.fromkeys(code for name, _, code in parts if name in ("", column))
    said = [say(REASONS, code) for code in meant] or [REASONS["no_data"]]
    return Said("、".join(one.zh for one in said), ", ".join(one.en for one in said))


def claimed(text: str, unit: str) -> Said:
    """Give what a claim states, `ge 18000 lots` or `range 3400 to 3500 yuan/t`, as readers write it; a direction speaks for itself."""
    sign, _, rest = text.partition(" ")
    if sign not in COMPARATORS:
        return say(STATES, text)
    figures = rest.removesuffix(unit).split(" to ")
    shown = "–".join(number(float(figure), ",.0f" if float(figure).is_integer() else "g") for figure in figures)
    said = say(UNITS, unit)
    return Said(f"{COMPARATORS[sign]}{shown} {said.zh}".strip(), f"{COMPARATORS[sign]}{shown} {said.en}".strip())


def measured(value: float | None, unit: str | None) -> Said:
    """Give a figure with its unit, or yes and no for what is true or false; codes that are no units are left out."""
    if unit == TRUTH and value is not None:
        return Said("是", "yes") if value else Said("否", "no")
    said = UNITS.get(unit or "", Said("", "")) if value is not None else Said("", "")
    space = "" if said.en == "%" else " "
    return Said(f"{number(value)}{space}{said.zh}".strip(), f"{number(value)}{space}{said.en}".strip())


def number(value: float | None, form: str = "compact") -> str:
    """Write a figure for readers: thousands apart, a true minus sign; a dash where there is none."""
    if value is None:
        return "–"
    if form == "compact":
        form = (
            ",.0f"
            if abs(value) >= 1000 or float(value).is_integer()
            else ".1f"
            if abs(value) >= 100
            else ".2f"
            if abs(value) >= 1 or value == 0
            else ".3f"
        )
    text = format(value, form)
    is_zero = not any(digit in text for digit in "123456789")
    return (text.lstrip("+-") if is_zero else text).replace("-", "−")


def is_met(condition: str | None, value: float | None) -> bool:
    """Tell whether a figure meets a rule's condition, `score >= 40.00`: of alternatives one may hold and another not."""
    _, _, rest = (condition or "").partition(" ")
    comparator, _, threshold = rest.partition(" ")
    return value is not None and comparator in _HOLDS and _HOLDS[comparator](round(value, 9), float(threshold.replace(",", "")))


def bound(condition: str) -> str:
    """Write a rule's condition as what its figure is held against: `score >= 40.00` as `≥ 40`."""
    comparator, _, threshold = condition.partition(" ")[2].partition(" ")
    return f"{_SIGNS.get(comparator, comparator)} {threshold.removesuffix('.00').replace('-', '−')}"
