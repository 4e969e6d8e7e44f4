"""The page as a workbook: the tables behind it, one sheet a topic, figures as numbers with their units, nothing that would run.

Text that begins like a formula is stored as text and marked so (`quotePrefix`); control characters, which the format cannot hold, are left out.
"""

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from serving.research import wording as words
from serving.research.note.charts import Chart
from serving.research.note.model import Page
from serving.research.terms import scale
from serving.research.wording import Said, say

FILE_NAME = "note.xlsx"

_WIDEST = 60


def workbook(page: Page) -> bytes:
    """Write a page as an .xlsx file."""
    import openpyxl

    book = openpyxl.Workbook()
    book.properties.title = f"{page.name.zh} {page.name.en} {page.known.day}"
    book.properties.creator = "alumina warehouse"
    book.remove(book.active)
    for name, headers, rows in _sheets(page):
        _sheet(book, name, headers, rows)
    for chart in (*page.figures, *page.charts):
        _sheet(book, f"{chart.title.zh.split('：')[0].split('（')[0]} {chart.key}"[:31], *_drawn(chart))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


_Row = Sequence[Any]
_Sheet = tuple[str, Sequence[Said], Iterable[_Row]]


def _sheets(page: Page) -> Iterable[_Sheet]:
    first = page.first
    said, zh, en = page.headline.plain, Said("中文", "Chinese"), Said("英文", "English")
    yield (
        "要点 Headline",
        (Said("项目", "item"), zh, en),
        [
            ("品种 commodity", page.name.zh, page.name.en),
            ("日期 day", page.known.day, page.known.day),
            ("决策时点 decided (Shanghai)", _plain(page.known.decision_at), _plain(page.known.decision_at)),
            (
                "数据性质 data",
                "样本（大部分为模拟）" if page.is_sample else first["data_origin"],
                "SAMPLE, largely simulated" if page.is_sample else first["data_origin"],
            ),
            ("要点 headline", said.zh, said.en),
            *((f"{card['name'].zh} {card['name'].en}", card["sentence"].plain.zh, card["sentence"].plain.en) for card in page.cards),
        ],
    )
    yield (
        "期限 Horizons",
        (
            Said("期限", "horizon"), Said("倾向（−2至2）", "stance, -2 to 2"), Said("倾向", "stance"), Said("80%区间下限（元/吨）", "80 % interval, low, CNY/t"),
            Said("80%区间上限（元/吨）", "80 % interval, high, CNY/t"), Said("上涨概率", "probability of a rise"), Said("历史命中率", "record, hit ratio"),
            Said("随机水平", "by chance"), Said("次数", "outcomes"), Said("状态", "status"), Said("覆盖率", "coverage"),
        ),
        [
            (
                f"{card['name'].zh} {card['name'].en}", card["row"]["stance"], f"{card['stance'].zh} {card['stance'].en}", card["row"]["interval80_low_cny_t"],
                card["row"]["interval80_high_cny_t"], card["row"]["probability_up"], card["row"]["stance_track_hit_ratio"],
                card["row"]["stance_track_base_ratio"], card["row"]["stance_track_n"], f"{card['status'].zh} {card['status'].en}", card["row"]["coverage"],
            )
            for card in page.cards
        ],
    )  # fmt: skip
    yield (
        "指标 Figures",
        (
            Said("组", "group"), Said("指标", "indicator"), Said("数值", "value"), Said("单位", "unit"), Said("变化", "change"), Said("分位", "percentile"),
            Said("数据日", "data of"), Said("来源", "source"), Said("时效", "age"), Said("缺失原因", "why missing"),
        ),
        [
            (
                f"{title.zh} {title.en}", f"{one.name.zh} {one.name.en}", one.figure, _unit(one.stored_unit, one.unit), one.moved, one.percentile,
                one.data_date, one.provider.en, f"{one.badge.zh} {one.badge.en}", f"{one.missing.zh} {one.missing.en}" if one.missing else None,
            )
            for title, group in page.readings.groups
            for one in group
        ],
    )  # fmt: skip
    yield (
        "驱动 Drivers",
        (
            Said("分项", "component"), Said("板块", "block"), Said("数值", "value"), Said("单位", "unit"), Said("得分", "score"), Said("权重", "weight"),
            Said("贡献（分）", "contribution, points"), Said("数据日", "data of"),
        ),
        [
            (
                f"{row['name'].zh} {row['name'].en}", say(words.BLOCKS, row["block"]).zh, row["signal_value"], row["unit"], row["component_score"],
                row["weight"], row["contribution"], row["data_date"],
            )
            for row in page.components
        ],
    )  # fmt: skip
    yield (
        "变化 Changes",
        (
            Said("分项", "component"), Said("之前", "before"), Said("现在", "now"), Said("变化（分）", "change, points"), Said("新数据", "new data"),
            Said("修订", "revision"), Said("日历", "calendar"), Said("配置", "settings"),
        ),
        [
            (
                f"{row['name'].zh} {row['name'].en}", row["contribution_before"], row["contribution"], row["contribution_change"],
                row["change_new_data"], row["change_revision"], row["change_calendar"], row["change_configuration"],
            )
            for row in page.changes
        ],
    )  # fmt: skip
    yield (
        "风险与情景 Scenarios",
        (Said("规则", "rule"), Said("名称", "name"), Said("是否风险", "a risk"), Said("若", "if"), Said("则", "then"), Said("失效", "ends with")),
        [
            (
                rule["id"], f"{rule['title'].zh} {rule['title'].en}", rule["is_risk"],
                *((f"{rule['scenario'][f'{part}_zh']} {rule['scenario'][f'{part}_en']}" for part in ("if_text", "then_text", "invalidated_by")) if rule["scenario"] else ("", "", "")),
            )
            for rule in page.rules
        ],
    )  # fmt: skip
    yield (
        "价位 Levels",
        (Said("价位（元/吨）", "level, CNY/t"), Said("是什么", "what it is"), Said("方向", "side"), Said("距收盘（元/吨）", "from the close, CNY/t"), Said("距收盘（%）", "from the close, %")),
        [(one.price, f"{one.name.zh} {one.name.en}", f"{one.side.zh} {one.side.en}", one.distance, one.distance_pct) for one in page.levels],
    )  # fmt: skip
    yield (
        "日程 Ahead",
        (Said("日期", "day"), Said("类别", "kind"), Said("内容", "what"), Said("原文", "text")),
        [(one.day, f"{one.kind.zh} {one.kind.en}", f"{one.text.zh} {one.text.en}", one.foreign) for one in page.ahead],
    )
    yield (
        "来源 Sources",
        (
            Said("数据", "data"),
            Said("来源", "source"),
            Said("最新数据日", "newest day"),
            Said("可知时间（北京）", "known at, Shanghai"),
            Said("天数", "days"),
        ),
        [(f"{one.what.zh} {one.what.en}", one.provider.en, one.newest, _plain(one.known_at), one.days) for one in page.sources],
    )


def _unit(stored: str, shown: Said) -> str:
    """Name the unit a figure is stored in: the workbook scales nothing."""
    plain = scale(stored, 0.0).unit
    return f"{plain.zh} {plain.en}".strip() or f"{shown.zh} {shown.en}"


def _drawn(chart: Chart) -> tuple[Sequence[Said], Iterable[_Row]]:
    """Give the rows a chart is drawn from."""
    data = chart.spec["datasets"]["rows"]
    headers = [Said(name, name) for name in data["columns"]]
    note = Said(f"{chart.title.zh}（{chart.unit.zh}）：{chart.says.zh}", f"{chart.title.en} ({chart.unit.en}): {chart.says.en}")
    return [*headers, note], data["values"]


def _plain(moment: datetime) -> datetime:
    """A workbook knows no zones: moments are those of Shanghai, as the sheets say."""
    return moment.replace(tzinfo=None)


def _sheet(book: Any, name: str, headers: Sequence[Said], rows: Iterable[_Row]) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment, Font, PatternFill

    sheet = book.create_sheet(name)
    table = [[f"{said.zh} {said.en}" if said.zh != said.en else said.en for said in headers], *rows]
    widths = [8] * len(headers)
    for number, row in enumerate(table, start=1):
        for place, value in enumerate(row, start=1):
            if value is None:
                continue
            if isinstance(value, str):
                value = _one_language(ILLEGAL_CHARACTERS_RE.sub("", value))
            cell = sheet.cell(row=number, column=place, value=value)
            if isinstance(value, str):
                cell.data_type = "s"  # never a formula, whatever it begins with
                cell.quotePrefix = value[:1] in "=+-@＝＋－＠"
                if len(value) > _WIDEST:
                    cell.alignment = Alignment(wrap_text=True, vertical="top")
            elif isinstance(value, datetime):
                cell.number_format = "yyyy-mm-dd hh:mm"
            elif isinstance(value, date):
                cell.number_format = "yyyy-mm-dd"
            elif isinstance(value, float):
                cell.number_format = "#,##0.00##"
            if number > 1 and place <= len(widths):
                widths[place - 1] = max(widths[place - 1], min(_WIDEST, sum(2 if ord(letter) > 255 else 1 for letter in str(value)) + 2))
    for place, width in enumerate(widths, start=1):
        column = sheet.cell(row=1, column=place)
        column.font, column.fill = Font(bold=True), PatternFill("solid", fgColor="E8EBF0")
        column.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[column.column_letter].width = max(width, 12)
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions


def _one_language(text: str) -> str:
    """Show words of a chart, which hold both languages, as both."""
    return text.replace("⟦", "").replace("¦", " ").replace("⟧", "")
