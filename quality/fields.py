"""Every column once: type, unit, bounds, and what it means in English and Chinese.

A name has one meaning wherever it stands. The pandera models of raw tables, the DDL of `raw`, the comments in the
published file and `serving.data_dictionary` are all made from this list; nothing else describes a column.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Storage type of a column."""

    TEXT = "VARCHAR"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP WITH TIME ZONE"
    INTEGER = "BIGINT"
    NUMBER = "DOUBLE"
    FLAG = "BOOLEAN"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: unit `-` for pure text, keys and flags; bounds are inclusive and hold wherever the column stands."""

    name: str
    kind: Kind
    unit: str
    en: str
    zh: str
    ge: float | None = None
    le: float | None = None


T, D, TS, I, N, B = Kind.TEXT, Kind.DATE, Kind.TIMESTAMP, Kind.INTEGER, Kind.NUMBER, Kind.FLAG  # noqa: E741

_ALL = (
    # provenance, on every raw row
    Field("payload_sha256", T, "-", "sha256 of the archived payload the row was read from", "来源报文的 sha256"),
    Field("source", T, "-", "Source that delivered the payload", "数据来源"),
    Field("fetched_at", TS, "UTC", "When the bytes were first in hand", "首次取得报文的时间"),
    Field("published_at", TS, "UTC", "Time of publication the payload itself states; null where it states none", "报文自述的发布时间"),
    Field("parser_version", T, "-", "Version of the parser that read the payload", "解析器版本"),
    Field("data_origin", T, "-", "sample (simulated with published figures), files, live or config", "数据性质：样本、文件、实时或配置"),
    Field("extra", T, "JSON", "Fields of the row that no column holds, kept as text", "未建列字段，原样保留"),
    Field("available_at", TS, "UTC", "When the world could know the fact: stated publication time, else the publication clock", "市场可知时间"),
    Field("vintage", I, "count", "Version of the fact by publication order, 1 is the first", "版本序号", ge=1),
    Field("is_latest", B, "-", "True for the newest version of the fact", "是否最新版本"),
    # keys and calendar
    Field("commodity_code", T, "-", "Commodity, by its exchange code in capitals", "品种代码"),
    Field("trade_date", D, "-", "Exchange session; the night session belongs to the next trading day", "交易日"),
    Field("contract_code", T, "-", "Contract: commodity code and delivery month YYMM", "合约代码"),
    Field("delivery_month", D, "-", "First day of the delivery month", "交割月首日"),
    Field("session_index", I, "count", "Running number of the session in the exchange calendar", "交易日序号", ge=1),
    Field("previous_trade_date", D, "-", "Session before this one", "上一交易日"),
    Field("next_trade_date", D, "-", "Session after this one; null at the calendar's horizon", "下一交易日"),
    Field("last_trading_day", D, "-", "Last trading day of the contract; null past the calendar's horizon", "最后交易日"),
    Field("first_trade_date", D, "-", "First session the contract is seen in the quotes", "首个有行情的交易日"),
    Field("last_trade_date", D, "-", "Last session the contract is seen in the quotes", "末个有行情的交易日"),
    Field("sessions_to_last_trading_day", I, "trading days", "Trading days left until the last trading day", "距最后交易日的交易日数"),
    Field("name_en", T, "-", "English name", "英文名称"),
    Field("name_zh", T, "-", "Chinese name", "中文名称"),
    Field("exchange", T, "-", "Exchange", "交易所"),
    Field("product_id", T, "-", "Product code as the exchange writes it, lower case", "交易所品种代码"),
    Field("product_name", T, "-", "Product name as printed", "品种名称"),
    Field("product_class", T, "-", "Exchange's class of product: 1 futures", "品种类别"),
    Field("listing_date", D, "-", "First trading day of the commodity", "上市日"),
    Field("contract_size_t", N, "t/lot", "Tonnes in one lot", "合约乘数（吨/手）", ge=0),
    Field("tick_cny_t", N, "CNY/t", "Smallest price step", "最小变动价位", ge=0),
    Field("warrant_unit_t", N, "t", "Tonnes in one warrant", "每张仓单吨数", ge=0),
    Field("last_trading_day_of_month", I, "day", "Day of the delivery month that ends trading, postponed to the next session", "最后交易日（日）", 1, 31),
    Field("valid_from", D, "-", "First day the row holds", "生效日"),
    # exchange quotes, in the product's own quote unit
    Field("delivery_month_code", T, "-", "Delivery month as printed, YYMM", "交割月份代码"),
    Field("open_price", N, "quote unit", "First price of the trade date, night session included", "开盘价", ge=0),
    Field("high_price", N, "quote unit", "Highest price", "最高价", ge=0),
    Field("low_price", N, "quote unit", "Lowest price", "最低价", ge=0),
    Field("close_price", N, "quote unit", "Last price at 15:00", "收盘价", ge=0),
    Field("settle_price", N, "quote unit", "Settlement price: volume-weighted average of the trade date, on the tick", "结算价", ge=0),
    Field("pre_settle_price", N, "quote unit", "Settlement price of the session before", "前结算价", ge=0),
    Field("close_change", N, "quote unit", "Close less previous settlement, as printed (ZD1)", "涨跌1"),
    Field("settle_change", N, "quote unit", "Settlement less previous settlement, as printed (ZD2)", "涨跌2"),
    Field("volume_lots", I, "lots", "Volume, single-sided since 2020-01-01, double-sided before", "成交量（手）", ge=0),
    Field("open_interest_lots", I, "lots", "Open interest at close, single-sided since 2020-01-01", "持仓量（手）", ge=0),
    Field("open_interest_change_lots", I, "lots", "Open interest less that of the session before, as printed", "持仓变化（手）"),
    Field("turnover_10k_cny", N, "10k CNY", "Turnover as printed, in 万元", "成交额（万元）", ge=0),
    Field("total_scope", T, "-", "What the sum row covers: product or exchange", "合计范围"),
    # warehouse receipts
    Field("warehouse_type", T, "-", "warehouse (仓库) or factory (厂库)", "仓库或厂库"),
    Field("region", T, "-", "Region", "地区"),
    Field("warehouse", T, "-", "Warehouse or factory name as printed", "仓库名称"),
    Field("row_level", T, "-", "detail, region_total or product_total", "行级别：明细、地区合计、总计"),
    Field("receipts_qty", N, "quantity unit", "Registered warrants", "注册仓单数量", ge=0),
    Field("receipts_change_qty", N, "quantity unit", "Change on the day as printed", "仓单增减"),
    Field("quantity_unit", T, "-", "t, kg or bbl", "数量单位"),
    Field("payload_form", T, "-", "Form of the payload: json or html", "报文形式"),
    # member ranking
    Field("instrument", T, "-", "Contract or product board as printed, e.g. cu2609, cuall", "合约或品种榜"),
    Field("board", T, "-", "volume, long or short", "榜别：成交、多头、空头"),
    Field("row_kind", T, "-", "member, top20_sum, futures_companies or non_futures_companies", "行类别"),
    Field("rank", I, "rank", "Rank 1 to 20; null on sums", "名次", 1, 20),
    Field("participant_id", T, "-", "Member number, text with leading zeros", "会员号"),
    Field("participant", T, "-", "Member's short name", "会员简称"),
    Field("position_lots", I, "lots", "Volume, long or short lots of the row's board; client flow, both sides counted on the volume board", "手数", ge=0),
    Field("position_change_lots", I, "lots", "Change on the day as printed", "增减（手）"),
    # vendor series
    Field("feed", T, "-", "Feed of the source", "数据集"),
    Field("provider", T, "-", "Price provider; series of two providers are never mixed", "提供方"),
    Field("series_id", T, "-", "Provider's series id, text", "指标 ID"),
    Field("series_name", T, "-", "Series name as printed", "指标名称"),
    Field("obs_date", D, "-", "Day or period end the value describes", "观测日"),
    Field("low_value", N, "series unit", "Low end of the quoted range", "最低"),
    Field("high_value", N, "series unit", "High end of the quoted range", "最高"),
    Field("value", N, "series unit", "Average or single value", "均价或数值"),
    Field("change_value", N, "series unit", "Change as printed, against the previous published average", "涨跌"),
    Field("unit", T, "-", "Unit of value after scaling: CNY/t, USD/t, t, t/a, ratio, CNY/kWh", "单位"),
    Field("basis_note", T, "-", "Tax, moisture or model basis as printed", "口径"),
    Field("frequency", T, "-", "daily, weekly, ten_day or monthly", "频率"),
    Field("is_time_estimated", B, "-", "True where the row states no publication time", "发布时间是否估计"),
    # catalogue
    Field("role", T, "-", "What the marts read the series as: spot, spread_1130", "序列用途"),
    Field("region_name_zh", T, "-", "Region name in Chinese", "地区中文名"),
    Field("region_name_en", T, "-", "Region name in English", "地区英文名"),
    Field("dataset", T, "-", "Raw table the clock row speaks of", "数据表"),
    Field("day_offset", I, "days", "Calendar days after the observation day", "日偏移"),
    Field("earliest_minute", I, "minutes", "Earliest believable publication, minutes after midnight in Shanghai", "最早发布时刻（分钟）", 0, 2880),
    Field("latest_minute", I, "minutes", "End of the publication window, minutes after midnight in Shanghai", "最晚发布时刻（分钟）", 0, 2880),
    Field("label", T, "-", "sourced or assumed", "标注：有出处或假设"),
    Field("source_note", T, "-", "Where the configured value comes from", "依据"),
    Field("parameter", T, "-", "Name of a threshold, window or assumption", "参数名"),
    Field("parameter_value", N, "parameter unit", "Its value", "参数值"),
    Field("component", T, "-", "Component of the score", "评分分项"),
    Field("component_name", T, "-", "What the component measures", "分项名称"),
    Field("block", T, "-", "policy, receipts, money or fundamentals", "板块：政策、仓单、资金、基本面"),
    Field("signal", T, "-", "Signal the component reads", "信号名"),
    Field("weight", N, "weight", "Weight of the component", "权重", ge=0),
    Field("sign", I, "-", "+1 where a high signal lifts the score, -1 where it lowers it", "方向", -1, 1),
    Field("block_cap", N, "ratio", "Largest share of all weight a block may have", "板块权重上限", 0, 1),
    Field("config_version", T, "-", "Version of the configuration", "配置版本"),
    # receipts of attempts, quarantine, findings
    Field("attempted_at", TS, "UTC", "When the attempt ended", "尝试时间"),
    Field("run_id", T, "-", "Run that made the attempt", "运行编号"),
    Field("request_key", T, "-", "What distinguishes payloads of one feed, e.g. 20250716", "请求键"),
    Field("request_name", T, "-", "File name or address as asked for; data only", "请求名称"),
    Field("outcome", T, "-", "Typed outcome of the attempt", "结果类型"),
    Field("reason", T, "-", "Reason in one word", "原因"),
    Field("message", T, "-", "What happened, in one sentence", "说明"),
    Field("payload_bytes", I, "bytes", "Size of the payload", "报文字节数", ge=0),
    Field("http_status", I, "-", "HTTP status; null for files", "HTTP 状态码"),
    Field("table_name", T, "-", "Table spoken of", "表名"),
    Field("column_name", T, "-", "Column spoken of", "列名"),
    Field("row_json", T, "JSON", "The refused row", "被隔离的行"),
    # marts: futures
    Field("open_cny_t", N, "CNY/t", "First price of the trade date, night session included, tax-inclusive", "开盘价", ge=0),
    Field("high_cny_t", N, "CNY/t", "Highest price", "最高价", ge=0),
    Field("low_cny_t", N, "CNY/t", "Lowest price", "最低价", ge=0),
    Field("close_cny_t", N, "CNY/t", "Last price at 15:00; null where the contract did not trade", "收盘价", ge=0),
    Field("settle_cny_t", N, "CNY/t", "Settlement price", "结算价", ge=0),
    Field("pre_settle_cny_t", N, "CNY/t", "Settlement price of the session before", "前结算价", ge=0),
    Field("turnover_cny", N, "CNY", "Turnover", "成交额", ge=0),
    Field("is_dominant", B, "-", "True for the dominant contract of the session; null where it cannot be decided", "是否主力合约"),
    Field("is_traded", B, "-", "True where volume is above zero", "是否有成交"),
    Field("is_final", B, "-", "True where a settlement price is there", "是否终值"),
    Field("ret_cc_1d_pct", N, "pct", "Close over close of the session before, same contract", "收盘对收盘涨跌幅"),
    Field("ret_cc_2d_pct", N, "pct", "Close over close two sessions before, same contract", "两日收盘涨跌幅"),
    Field("ret_cc_5d_pct", N, "pct", "Close over close five sessions before, same contract", "五日收盘涨跌幅"),
    Field("ret_ss_2d_pct", N, "pct", "Settlement over settlement two sessions before, same contract", "两日结算涨跌幅"),
    Field("ret_c_ps_pct", N, "pct", "Close over previous settlement, the headline change", "收盘对前结算涨跌幅"),
    Field("ret_s_ps_pct", N, "pct", "Settlement over previous settlement", "结算对前结算涨跌幅"),
    Field("ma20_cny_t", N, "CNY/t", "Mean close of 20 sessions, same contract", "20日均价", ge=0),
    Field("sigma20_pct", N, "pct", "Standard deviation of 20 daily close returns, same contract", "20日波动率", ge=0),
    Field("trend_state", T, "-", "up_strong, down_strong or none; null with fewer than 20 sessions", "趋势状态"),
    # marts: receipts
    Field("receipts_t", N, "t", "Registered warrants, warehouses and factories", "注册仓单（吨）", ge=0),
    Field("receipts_change_t", N, "t", "Level less that of the session before; null where that session is not held", "仓单变化（吨）"),
    Field("published_change_t", N, "t", "Sum of the changes the exchange prints", "公布增减（吨）"),
    Field("warrants", I, "warrants", "Warrants: level over the warrant unit, rounded", "仓单张数", ge=0),
    Field("is_warrant_multiple", B, "-", "True where the level is a multiple of the warrant unit within tolerance", "是否为仓单整数倍"),
    Field("warehouse_count", I, "count", "Warehouses and factories with a detail row", "仓库数", ge=0),
    # marts: spot and basis
    Field("spot_cny_t", N, "CNY/t", "Spot price, tax-inclusive", "现货价", ge=0),
    Field("spot_low_cny_t", N, "CNY/t", "Low end of the quoted range", "现货最低价", ge=0),
    Field("spot_high_cny_t", N, "CNY/t", "High end of the quoted range", "现货最高价", ge=0),
    Field("spot_change_cny_t", N, "CNY/t", "Price less the previous published price of the series", "现货涨跌"),
    Field("futures_leg", T, "-", "Clock of the futures price: close (15:00), settle, t1130 (11:30, the vendor's definition)", "期货腿"),
    Field("spot_leg", T, "-", "Spot price used: natl or reg_<region>", "现货腿"),
    Field("futures_cny_t", N, "CNY/t", "Futures price of the leg, dominant contract", "期货价", ge=0),
    Field("basis_cny_t", N, "CNY/t", "Basis: spot less futures", "基差（现货减期货）"),
    Field("premium_cny_t", N, "CNY/t", "Futures premium: futures less spot, the negative of basis", "升水（期货减现货）"),
    Field("premium_rate_pct", N, "pct", "Futures premium over spot", "升水率"),
    Field("price_source", T, "-", "exchange, or vendor_spread where the 11:30 price follows from the vendor's spread", "价格来源"),
    Field("null_reason", T, "-", "Why the figure is null", "缺值原因"),
    # serving: outlook
    Field("as_of_date", D, "-", "Trade date the row describes", "所述交易日"),
    Field("decision_at", TS, "UTC", "Decision time; only facts available by then are used", "决策时间"),
    Field("horizon", T, "-", "short (1-10 trading days), medium (2-12 weeks) or long (3-12 months)", "期限"),
    Field("stance", I, "stance", "-2 strongly down to 2 strongly up; null where the rules cannot decide", "观点", -2, 2),
    Field("direction", T, "-", "up, down, sideways or undecided", "方向"),
    Field("confidence", N, "ratio", "0 to 1: base confidence times coverage; null without a stance", "置信度", 0, 1),
    Field("score", N, "score", "Sentiment score over the components there are; null without any", "情绪评分", -100, 100),
    Field("coverage", N, "ratio", "Share of all component weight that has data", "覆盖率", 0, 1),
    Field("contribution_policy", N, "score", "Part of the score from policy and news; null when the block is missing", "政策贡献", -100, 100),
    Field("contribution_receipts", N, "score", "Part of the score from receipts and deliverability; null when missing", "仓单贡献", -100, 100),
    Field("contribution_money", N, "score", "Part of the score from money; null when missing", "资金贡献", -100, 100),
    Field("contribution_fundamentals", N, "score", "Part of the score from fundamentals; null when missing", "基本面贡献", -100, 100),
    Field("missing_blocks", T, "-", "Blocks without any data, joined by ;", "缺失板块"),
    Field("status", T, "-", "validated, or draft where coverage is below the minimum or a fact is stale", "状态"),
    Field("status_reason", T, "-", "Why the row is a draft; null when validated", "状态原因"),
    Field("rule_ids", T, "-", "Rules that fired, joined by ;", "触发规则"),
    Field("dominant_contract", T, "-", "Dominant contract at the decision time", "主力合约"),
    Field("quotes_date", D, "-", "Trade date of the quotes used", "行情日期"),
    Field("receipts_date", D, "-", "Trade date of the receipts used", "仓单日期"),
    Field("spot_date", D, "-", "Day of the spot price used", "现货日期"),
    Field("valid_until", TS, "UTC", "When the row is stale: the next decision time", "有效期至"),
    Field("model_version", T, "-", "Version of weights and rules", "模型版本"),
    Field("inputs_hash", T, "-", "Hash of the facts the row was made from", "输入哈希"),
    Field("disclaimer", T, "-", "What the row is not", "免责声明"),
    Field("signal_value", N, "signal unit", "Value of the signal at the decision time", "信号值"),
    Field("percentile_ratio", N, "ratio", "Share of the window's values not above this one", "分位", 0, 1),
    Field("component_score", N, "score", "Score of the component, -100 to 100", "分项得分", -100, 100),
    Field("contribution", N, "score", "Part of the score from the component", "分项贡献", -100, 100),
    Field("data_date", D, "-", "Day the fact describes", "数据日期"),
    # serving: publication, dictionary, status, quality
    Field("release_id", T, "-", "Release the file belongs to", "发布编号"),
    Field("released_at", TS, "UTC", "When the release was built", "发布时间"),
    Field("data_through", D, "-", "Last trade date in the release", "数据截至"),
    Field("code_version", T, "-", "Version of the code that built the release", "代码版本"),
    Field("checks_passed", I, "count", "Checks that passed", "通过检查数", ge=0),
    Field("checks_failed", I, "count", "Checks that failed or found something without stopping the release", "未通过检查数", ge=0),
    Field("last_attempt_at", TS, "UTC", "Last attempt", "最近尝试"),
    Field("last_ok_at", TS, "UTC", "Last attempt that brought a payload or found it unchanged", "最近成功"),
    Field("attempts", I, "count", "Attempts", "尝试次数", ge=0),
    Field("attempts_ok", I, "count", "Attempts that ended ok or unchanged", "成功次数", ge=0),
    Field("attempts_failed", I, "count", "Attempts that ended otherwise, closed days aside", "失败次数", ge=0),
    Field("last_outcome", T, "-", "Outcome of the last attempt", "最近结果"),
    Field("last_message", T, "-", "Message of the last attempt that was not ok", "最近失败说明"),
    Field("check_id", T, "-", "Check", "检查项"),
    Field("tool", T, "-", "ingest, pandera, dbt or gx", "检查工具"),
    Field("severity", T, "-", "info, warning or error", "级别"),
    Field("result", T, "-", "pass, finding or fail", "结果"),
    Field("subject", T, "-", "What the finding is about: a key in words", "对象"),
    Field("expected_value", N, "as subject", "What it should have been", "应为"),
    Field("found_value", N, "as subject", "What it was", "实为"),
    Field("rows_failed", I, "count", "Rows that failed", "未通过行数", ge=0),
    Field("schema_name", T, "-", "Schema", "模式"),
    Field("data_type", T, "-", "Type", "类型"),
    Field("description_en", T, "-", "Description in English", "英文说明"),
    Field("description_zh", T, "-", "Description in Chinese", "中文说明"),
    Field("example", T, "-", "An example from the release", "示例"),
)  # fmt: skip

FIELDS: dict[str, Field] = {field.name: field for field in _ALL}
if len(FIELDS) != len(_ALL):
    raise ValueError("quality.fields declares a column twice")

PROVENANCE = ("payload_sha256", "source", "fetched_at", "published_at", "parser_version", "data_origin")
