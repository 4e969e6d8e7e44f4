"""Member ranking (`pm`): three boards stand side by side in a printed row; here each is a row of its own."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ingest import values
from ingest.answer import extra_of, frame_of, lacking, require, rows_of, stated_time, text_of
from ingest.source import Parsed, Reject, Request
from ingest.table import part_of

_BOARDS = {"volume": "1", "long": "2", "short": "3"}
_RANKING_REQUIRED = {
    "INSTRUMENTID",
    "RANK",
    *(f"{name}{n}{tail}" for n in "123" for name, tail in (("CJ", ""), ("CJ", "_CHG"), ("PARTICIPANTABBR", ""))),
}
_RANKING_KNOWN = _RANKING_REQUIRED | {"PRODUCTNAME", "PRODUCTSORTNO", *(f"PARTICIPANTID{n}" for n in "123")}
_ROW_KINDS = {-1: "futures_companies", 0: "non_futures_companies", 999: "top20_sum", **dict.fromkeys(range(1, 21), "member")}


def parse_ranking(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read members, printed sums and the two groups of members."""
    rows = rows_of(request, envelope, "o_cursor")
    require(request, set().union(*rows), _RANKING_REQUIRED, remarks, _RANKING_KNOWN)
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in rows:
        instrument = text_of(row.get("INSTRUMENTID"))
        part = part_of(row, instrument=instrument, row_kind=_kind(row.get("RANK"))) if instrument else row
        if gap := lacking("shfe__member_ranking", part, _RANKING_REQUIRED):
            rejects.append(gap)
            continue
        boards: list[dict[str, Any]] = []
        match = re.fullmatch(r"([A-Za-z]+)(?:(\d{4})|all|actv)", instrument)
        try:
            rank = values.whole(row["RANK"])
            if match is None or rank not in _ROW_KINDS:
                raise ValueError(f"rank {row['RANK']!r} of {instrument!r} is not a row of a ranking")
            for board, n in _BOARDS.items():
                lots = values.whole(row[f"CJ{n}"])
                if lots is None:
                    continue  # a board with fewer than 20 names ends in blanks
                kind = _ROW_KINDS[rank]
                boards.append(
                    {
                        "trade_date": day,
                        "instrument": instrument,
                        "product_id": match.group(1).lower(),
                        "delivery_month_code": match.group(2),
                        "board": board,
                        "row_kind": kind,
                        "rank": rank if kind == "member" else None,
                        "participant_id": (text_of(row.get(f"PARTICIPANTID{n}")) or None) if kind == "member" else None,
                        "participant": text_of(row[f"PARTICIPANTABBR{n}"]) or None,
                        "position_lots": lots,
                        "position_change_lots": values.whole(row[f"CJ{n}_CHG"]),
                        "extra": extra_of(row, _RANKING_KNOWN),
                    }
                )
        except ValueError as error:
            rejects.append(Reject("shfe__member_ranking", "not_a_ranking_row", str(error), part))
        else:
            kept += boards
    return Parsed({"shfe__member_ranking": frame_of("shfe__member_ranking", kept)}, tuple(rejects), stated_time(envelope), tuple(remarks))


def _kind(rank: Any) -> str:
    """Say what a row is by its rank, as far as that can be read; else it may be a member."""
    try:
        place = values.whole(rank)
    except ValueError:
        return "member"
    return "member" if place is None else _ROW_KINDS.get(place, "member")
