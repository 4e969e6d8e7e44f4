"""How the tables of vendors' files are laid out: found in the lines of a sheet, and turned into one record a figure.

Long: a header, a figure a row. Across: a header, a series a row, a day or month a column. Wide: a series a column under rows of labels, a day
a row; the shortest is one row of names. Whatever is around a table (titles, notes, blank columns, another table) is not of it.
What a record may hold, and what becomes of it, is `ingest.vendor`'s to say.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest import values
from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.source import Outcome, PayloadError, Reject
from ingest.table import BRACKETS, NAMES_IN_A_HEADER, NOTE, Line, Table, heading, is_note, named, note_of, repeats, tables, tidy

HEADERS = {
    "obs_date": ("日期", "价格日期", "数据日期", "报价日期", "指标日期", "时间", "date"),
    "series_name": ("名称", "品名", "产品名称", "指标名称", "品种名称"),
    "region": ("地区", "区域", "产地"),
    "low_value": ("最低价", "最低"),
    "high_value": ("最高价", "最高"),
    "average": ("均价", "平均价", "中间价"),
    "single": ("数值", "值", "value"),
    "change_value": ("涨跌", "涨跌额"),
    "unit": ("单位",),
    "basis_note": ("口径", "含税", "成本口径", "模型"),
    "series_id": ("指标ID", "指标编码", "指标编号", "指标代码", "产品ID", "产品编码", "代码"),
    "provider": ("数据来源", "来源", "提供方", "数据源"),
    "frequency": ("频率", "频度", "更新频率"),
    "published_at": ("发布时间", "更新时间"),
}
_COLUMN_OF = {heading(header): column for column, headers in HEADERS.items() for header in headers}
FIGURES = ("low_value", "high_value", "average", "single")
# Columns that stand in vendors' exports and cannot be the id or the source of a series under another name.
_BESIDE = frozenset(
    map(heading, ("规格", "品级", "牌号", "型号", "备注", "涨跌幅", "指标描述", "国家", "更新日期", "起始日期", "开始时间", "结束时间", "序列描述"))
)

# Rows of a wide export that say something about each series; the others of column 1 are days, or a footer about the whole.
LABELS = frozenset({"series_name", "frequency", "unit", "series_id", "provider", "published_at", "region", "basis_note"})
_STATED = re.compile(r"[\W_]*(?P<what>数据来源|资料来源|来源|单位|source|unit)\s*[:：]\s*(?P<said>\S.*)", re.IGNORECASE)
WANTED = (
    "日期, 名称, 均价 or 数值, 单位, 指标ID and 数据来源 beside each other (a figure a row), "
    "or 指标名称, 单位 and 指标ID under each other (a series a column)"
)


@dataclass
class Records:
    """What the tables of a sheet hold: a record a figure, what was unusual, what could not be read."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """How the sheets of one file are read: into which table, with which units, at most how many figures of a wide export."""

    table: str
    units: Mapping[str, Any]
    most: int

    def read(self, lines: Sequence[Line]) -> Records | None:
        """Read the tables of one sheet; None where there is none. Raises PayloadError where one cannot be trusted."""
        found = Records()
        for has_header, part in (group for beside in _apart(lines) for group in _groups(beside)):
            if has_header:
                for table in tables(part, _is_header):
                    self._add(found, self._across(table) if _days_across(table.header) else self._long(table))
            else:
                for block in _blocks(part):
                    self._add(found, self._wide(block))
        return found if found.rows or found.rejects else None

    def _add(self, found: Records, more: Records) -> None:
        found.rows += more.rows
        found.rejects += more.rejects
        found.remarks += [remark for remark in more.remarks if remark not in found.remarks]

    def _long(self, table: Table) -> Records:
        table = self._with_units_below(table)
        columns, units = self._columns(table.header)
        remarks = _remarks(columns, table.around)
        stated = self._stated(table.around, columns, units, remarks, needs=("obs_date",))
        if not {"average", "single"} & set(columns):
            raise _missing(["均价 or 数值"], "the header", table.line)
        if not table.rows:
            raise PayloadError(Outcome.NOT_DATA, "no_rows", f"the table under the header in line {table.line} has no rows")
        rows = [stated | dict(zip(columns, map(tidy, cells), strict=True)) | {"_line": f"line {number}"} for number, cells in table.rows]
        if "unit" in columns and (unit := next(iter(units.values()), "")):
            for row in rows:
                row["unit"] = self._one_unit(row["unit"], unit, row["_line"])
        return Records(rows, remarks)

    def _with_units_below(self, table: Table) -> Table:
        """Take a first row of nothing but units into the header: `均价` over `元/吨`."""
        if not table.rows:
            return table
        said = [tidy(cell) for cell in table.rows[0][1]]
        known = {heading(unit) for unit in self.units}
        if not any(said) or not all(heading(text) in known or _COLUMN_OF.get(heading(text)) == "unit" for text in said if text):
            return table
        header = [f"{name}({unit})" if heading(unit) in known else name for name, unit in zip(table.header, said, strict=True)]
        return Table(table.line, header, table.rows[1:], table.around)

    def _across(self, table: Table) -> Records:
        """Turn a table with a day or a month a column into single values."""
        days = _days_across(table.header)
        for place, cell in enumerate(table.header):
            if place not in days and values.looks_like_a_value(cell):
                try:
                    values.written_day(cell)
                except ValueError as error:
                    raise PayloadError(Outcome.FORMAT_CHANGED, "unreadable_header", f"line {table.line}, column {place + 1}: {error}") from None
        labels = [place for place in range(len(table.header)) if place not in days]
        columns, units = self._columns([table.header[place] for place in labels])
        remarks = _remarks(columns, table.around)
        stated = self._stated(table.around, columns, units, remarks)
        self._hold(len(table.rows) * len(days), len(columns))
        by_month = all(values.is_month(table.header[place]) for place in days)
        # A spreadsheet stores a month as its first day; in a monthly series that means the whole month.
        rejects: list[Reject] = []
        of_month = {place: values.written_day(table.header[place]) for place in days}
        are_first = all(day.day == 1 for day in of_month.values())
        rows = []
        for number, cells in table.rows:
            said = stated | {column: tidy(cells[place]) for column, place in zip(columns, labels, strict=True)}
            if by_month and not said.get("frequency"):
                said["frequency"] = "月"
            if {"unit", "series_id"} & set(columns) and not said.get("unit") and not (said.get("series_id") if "series_id" in columns else ""):
                wrong = f"line {number}: {said.get('series_name', '')!r} has neither a unit nor an id; a sum of the other rows is no series"
                rejects.append(Reject(self.table, "no_series", wrong, {str(place): cell for place, cell in enumerate(cells)}))
                continue
            is_monthly = are_first and "月" in said.get("frequency", "")
            for place in days:
                if (cell := tidy(cells[place])) not in values.MISSING:
                    day = f"{of_month[place]:%Y-%m}" if is_monthly else table.header[place]
                    rows.append(said | {"obs_date": day, "single": cell, "_line": f"line {number}, column {place + 1} ({table.header[place]})"})
        if not rows:
            raise PayloadError(Outcome.NOT_DATA, "no_rows", f"the table under the header in line {table.line} has no values")
        return Records(rows, remarks, rejects)

    def _wide(self, block: Sequence[Line]) -> Records:
        """Turn a wide export into single values. Blank cells are no observations; a label row is known by its label, wherever it stands."""
        labels: dict[str, list[str]] = {}
        days: list[Line] = []
        around: list[str] = []
        remarks: list[str] = []
        rejects: list[Reject] = []
        for number, cells in block:
            head, rest = tidy(cells[0]), [tidy(cell) for cell in cells[1:]]
            column = _COLUMN_OF.get(heading(head))
            if column == "obs_date" and not days and any(rest):
                column = "series_name" if "series_name" not in labels else None  # 日期 above the days and beside the names
            if column in LABELS and any(rest):
                # 更新时间 of a series is the time of its newest value only. It is kept as text, and the publication clock dates the others.
                key = f"?{head}" if column == "published_at" else str(column)
                if key in labels:
                    raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"line {number}: the labels name {head} twice")
                labels[key] = [cell.removesuffix(" 00:00:00") for cell in rest]  # a spreadsheet's date has a midnight
            elif values.looks_like_a_value(head):
                try:
                    values.written_day(head)
                except ValueError as error:
                    rejects.append(Reject(self.table, "unreadable_value", f"line {number}: {error}", {str(k): v for k, v in enumerate(cells)}))
                else:
                    days.append((number, cells))
            elif not any(rest) or is_note(cells):
                around.append(note_of(cells))
                remarks += [] if NOTE.match(around[-1]) else [f"unknown_line:{around[-1]}"]
            elif not days:
                labels[f"?{head}"] = rest
                remarks.append(f"unknown_column:{head}")
            else:
                wrong = f"line {number}: {head!r} is not a date; write it as 2025-07-22"
                rejects.append(Reject(self.table, "unreadable_value", wrong, {str(k): v for k, v in enumerate(cells)}))
        titled = labels.get("series_name") or labels.get("series_id") or []
        width = len(titled)
        kept, unit_of = [], {}
        for place, name in enumerate(titled):
            label, unit = self._with_unit(name)
            if unit:
                unit_of[place], titled[place] = unit, label
            if any(place < len(texts) and texts[place] for texts in labels.values()) or any(
                place + 1 < len(cells) and tidy(cells[place + 1]) for _, cells in days
            ):
                kept.append(place)
        if width and "unit" not in labels and all(place in unit_of for place in kept):
            labels["unit"] = [unit_of.get(place, "") for place in range(width)]
        stated = self._stated(around, list(labels), {}, remarks, what="row labelled")
        source = _said_of(around, "数据来源", "资料来源", "来源", "source")
        self._hold(len(days) * width, len(labels))
        for number, cells in days:
            if len(cells) - 1 != width:
                raise PayloadError(
                    Outcome.NOT_DATA,
                    "ragged",
                    f"line {number} has {len(cells)} cells, the labels {width + 1}; is a number written as 8,863 without quotation marks?",
                )
        rows = []
        for number, cells in days:
            for place in kept:
                cell = tidy(cells[place + 1])
                if cell in values.MISSING:
                    continue
                said = stated | {column: texts[place] if place < len(texts) else "" for column, texts in labels.items()}
                who = said.get("series_id") or said.get("series_name")
                # A blank label of one series does not override what a title or note says of all.
                said["unit"] = self._one_unit(said["unit"], unit_of.get(place, ""), f"column {place + 2} ({who})")
                said["provider"] = said.get("provider") or source
                if not said["provider"] and "provider" not in labels:
                    del said["provider"]
                rows.append({"obs_date": cells[0], "single": cell, **said, "_line": f"line {number}, column {place + 2} ({who})"})
        if not rows and not rejects:
            raise PayloadError(Outcome.NOT_DATA, "no_rows", "the file has labels and no values")
        return Records(rows, remarks, rejects)

    @staticmethod
    def _one_unit(stated: str, in_header: str, where: str) -> str:
        """Give the unit of a figure from its row, label and header. Raises PayloadError where they disagree."""
        if stated and in_header and heading(stated) != heading(in_header):
            raise PayloadError(
                Outcome.FORMAT_CHANGED, "two_units", f"{where}: the unit is {stated} and the header says {in_header}; keep the one that is right"
            )
        return stated or in_header

    def _hold(self, figures: int, labels: int) -> None:
        """Refuse an export with more figures than the limit: each of them repeats its labels in memory."""
        if labels > (allowed := SHIPPED_ONLY.limits.shape.label_rows) or figures > self.most:
            raise PayloadError(
                Outcome.NOT_DATA,
                "oversized",
                f"the file has {figures:,} figures under {labels} labels, more than the {self.most:,} under {allowed} that are read; export a shorter span",
            )

    def _columns(self, header: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """Map printed headers to columns, with the units some of them name; unknown ones become `?header` and are kept as text."""
        columns, units = [], {}
        for name in header:
            label, unit = self._with_unit(name)
            match = BRACKETS.fullmatch(heading(label))
            # 名称(中文) is 名称. Behind a figure's header a remark may mean another figure, as in 均价(含税).
            bare = match["name"] if match and _COLUMN_OF.get(match["name"], "single") not in (*FIGURES, "change_value") else heading(label)
            column = _COLUMN_OF.get(bare, f"?{tidy(name)}")
            if unit and column in (*FIGURES, "change_value"):
                units[column] = unit
            columns.append(column)
        of_figures = {unit for column, unit in units.items() if column in FIGURES}
        if len(of_figures) > 1:
            raise PayloadError(
                Outcome.FORMAT_CHANGED, "two_units", f"the header names figures in {' and '.join(sorted(of_figures))}; export one unit a file"
            )
        # 涨跌(%) beside 均价(元/吨) is another quantity than the change of the price.
        if (change := units.get("change_value")) and change not in of_figures:
            columns[columns.index("change_value")] = f"?{tidy(header[columns.index('change_value')])}"
        twice = set(repeats(columns))
        if repeated := [name for name, column in zip(header, columns, strict=True) if column in twice]:
            raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"the header names a column twice: {', '.join(sorted(repeated))}")
        return columns, {column: unit for column, unit in units.items() if column in FIGURES}

    def _with_unit(self, name: str) -> tuple[str, str]:
        """Take a header with a unit in brackets apart: `均价(元/吨)`."""
        match = BRACKETS.fullmatch(heading(name))
        if match and (unit := next((unit for unit in self.units if heading(unit) == match["said"]), "")):
            return tidy(re.split(r"[(（\[［【]", tidy(name), maxsplit=1)[0]), unit
        return tidy(name), ""

    def _stated(
        self,
        around: Sequence[str],
        columns: Sequence[str],
        units: Mapping[str, str],
        remarks: list[str],
        needs: Sequence[str] = (),
        what: str = "column",
    ) -> dict[str, Any]:
        """Give what a note, a title or a header says for all figures of a table. Raises PayloadError where something needed is said nowhere."""
        found: dict[str, Any] = {}
        unit = next(iter(units.values()), "") or _said_of(around, "单位", "unit")
        if "unit" not in columns and unit:
            found["unit"] = unit
        if "provider" not in columns and (source := _said_of(around, "数据来源", "资料来源", "来源", "source")):
            found["provider"] = source
        titles = [text for text in around if not _STATED.match(text) and not re.search(r"\d{4}|[:：]", text)]
        unclear = [name for column in columns if column.startswith("?") and heading(name := column[1:]) not in _BESIDE | _COLUMN_OF.keys()]
        if "series_name" not in columns and "series_id" not in columns and len(titles) == 1 and not unclear:
            found["series_name"] = titles[0]
        have = {*columns, *found}
        missing = [HEADERS[column][0] for column in (*needs, "series_name") if column not in have]
        missing += [HEADERS["unit"][0]] if "unit" not in have else []
        # Without a column 指标ID a series is identified by its name, unless an unknown column may be the id.
        for column in ("series_id", "provider"):
            if column not in have and unclear:
                missing.append(HEADERS[column][0])
        if missing:
            raise _missing(missing, what, unclear=unclear)
        if "series_id" not in have:
            remarks.append("no_ids: the file has no 指标ID, so each series is known by its name")
        return found


def _missing(names: Sequence[str], what: str, line: int = 0, unclear: Sequence[str] = ()) -> PayloadError:
    place = f"the header in line {line} has no column" if line else "no row is labelled" if what == "row labelled" else "the header has no column"
    other = f"; nobody knows {', '.join(unclear)}: rename the one that is meant" if unclear else ""
    return PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"{place} {', '.join(names)}{other}; add it and drop the file again")


def _said_of(around: Sequence[str], *names: str) -> str:
    """Give what a note or title says of the unit or the source: `单位：元/吨`."""
    found = (match for text in around if (match := _STATED.match(text)))
    return next((match["said"].strip() for match in found if match["what"].lower() in names), "")


def _remarks(columns: Sequence[str], around: Sequence[str]) -> list[str]:
    unknown = [f"unknown_column:{column[1:]}" for column in columns if column.startswith("?")]
    return unknown + [f"unknown_line:{text}" for text in around if not NOTE.match(text)]


def no_table(lines: Sequence[Line]) -> PayloadError:
    """Say that a sheet holds no table of the contract."""
    number, cells = lines[0]
    return PayloadError(
        Outcome.FORMAT_CHANGED, "no_header", f"no line is the header of a table: wanted are {WANTED}; line {number} says {note_of(cells)[:80]!r}"
    )


def _is_header(cells: Sequence[str]) -> bool:
    known = named(cells, _COLUMN_OF)
    return len(known) >= NAMES_IN_A_HEADER or (bool(known & {"series_name", "series_id"}) and len(_days_across(cells)) > 1)


def _days_across(header: Sequence[str]) -> list[int]:
    """Give the places of a header that are days or months."""
    return [place for place, cell in enumerate(header) if values.looks_like_a_value(tidy(cell)) and values.is_day(tidy(cell))]


def _is_label(cells: Sequence[str]) -> bool:
    column = _COLUMN_OF.get(heading(cells[0]))
    return (column in LABELS or column == "obs_date") and any(map(tidy, cells[1:]))


def _blocks(lines: Sequence[Line]) -> Iterable[list[Line]]:
    """Give the wide exports that stand under each other: each begins with its names. Lines without any label row are none."""
    blocks: list[list[Line]] = [[]]
    has_names = has_days = False
    for number, cells in lines:
        is_names = _COLUMN_OF.get(heading(cells[0])) in ("series_name", "obs_date") and _is_label(cells)
        if is_names and has_names and has_days:
            blocks.append([])
            has_days = False
        has_names, has_days = has_names or is_names, has_days or values.looks_like_a_value(tidy(cells[0]))
        blocks[-1].append((number, cells))
    return (block for block in blocks if _is_wide(block))


def _is_wide(block: Sequence[Line]) -> bool:
    labels = sum(_is_label(cells) for _, cells in block)
    return labels > 1 or (labels == 1 and any(values.looks_like_a_value(tidy(cells[0])) for _, cells in block))


def _groups(lines: Sequence[Line]) -> Iterable[tuple[bool, list[Line]]]:
    """Give the tables that stand under each other with blank lines between, each with its titles, and whether it has a header.

    Rows after a gap are of the table before.
    """
    pieces: list[list[Line]] = []
    for line in lines:
        if pieces and line[0] == pieces[-1][-1][0] + 1:
            pieces[-1].append(line)
        else:
            pieces.append([line])
    groups: list[tuple[bool, list[Line]]] = []
    titles: list[Line] = []
    for piece in pieces:
        has_header = any(_is_header(cells) for _, cells in piece)
        if has_header or any(True for _ in _blocks(piece)):
            groups.append((has_header, [*titles, *piece]))
        elif groups and not all(is_note(cells) for _, cells in piece):
            groups[-1][1].extend([*titles, *piece])
        else:
            titles += piece
            continue
        titles = []
    if groups:
        groups[-1][1].extend(titles)
    return groups or [(False, list(lines))]


def _apart(lines: Sequence[Line]) -> Iterable[list[Line]]:
    """Give tables that stand beside each other one by one: blank columns lie between them, and each has a header of its own."""
    wide = max((len(cells) for _, cells in lines), default=0)
    is_blank = [True] * wide
    for _, cells in lines:
        for place, cell in enumerate(cells):
            if is_blank[place] and tidy(cell):
                is_blank[place] = False
    places = [place for place in range(wide) if not is_blank[place]]
    starts = [place for place in places if place == 0 or is_blank[place - 1]]
    ends = [place + 1 for place in places if place == wide - 1 or is_blank[place + 1]]
    spans = list(zip(starts, ends, strict=True))
    if not spans:
        return []
    if len(spans) > 1:
        span_of = {place: number for number, (start, end) in enumerate(spans) for place in range(start, end)}
        cut: list[list[Line]] = [[] for _ in spans]
        for number, cells in lines:
            for span in sorted({span_of[place] for place, cell in enumerate(cells) if tidy(cell)}):
                cut[span].append((number, cells[slice(*spans[span])]))
        begin = [_begins(part) for part in cut]
        if all(is_table or all(is_note(cells) for _, cells in part) for is_table, part in zip(begin, cut, strict=True)) and any(begin):
            notes = [line for is_table, part in zip(begin, cut, strict=True) if not is_table for line in part]
            return [sorted([*notes, *part], key=lambda line: line[0]) for is_table, part in zip(begin, cut, strict=True) if is_table]
    return [[(number, cells[starts[0] :]) for number, cells in lines]]


def _begins(lines: Sequence[Line]) -> bool:
    return any(_is_header(cells) for _, cells in lines) or any(True for _ in _blocks(lines))
