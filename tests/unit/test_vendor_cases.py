"""Files of people that were read wrongly once, each with its right value; where they are on the machine."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from feeds import Home

from ingest.catalog.configuration import Configuration
from ingest.catalog.mapping import write
from ingest.catalog.schemas import MappedSeries
from ingest.dropped import Examination, examine
from ingest.source import Outcome
from ingest.sources import sources

THREE = {("SMM", "T-SD", date(2025, 7, day)): value for day, value in ((14, 3120.0), (15, 3130.0), (16, 3140.0))}
INDEX = {("SMM", "SMM-AO-INDEX", date(2025, 7, 22)): 3200.0}
TERMINAL = {
    ("SMM", number, date(2025, 7, day)): value
    for number, day, value in (("S0000001", 21, 3185.0), ("S0000001", 22, 3199.0), ("S0000002", 21, 3165.0), ("S0000002", 22, 3175.0))
}
SHANDONG = {("SMM", "T", date(2025, 7, 16)): 3140.0}
TAKEN = {
    "blank-columns-title-footer/09_trailing_cols/smm_spot_price_20250716.xlsx": THREE,
    "blank-columns-title-footer/09b_trailing_commas_csv/smm_spot_price_20250716.csv": THREE,
    "blank-columns-title-footer/10_title_row/smm_spot_price_20250716.xlsx": THREE,
    "blank-columns-title-footer/19_footer_long/smm_spot_price_20250716.csv": THREE,
    "blank-columns-title-footer/19b_footer_long_xlsx/smm_spot_price_20250716.xlsx": THREE,
    "excel-text-exports/18_utf16_tsv/smm_spot_price_20250716.csv": THREE,
    "excel-text-exports/18b_tsv/smm_spot_price_20250716.csv": THREE,
    "excel-text-exports/18c_semicolon/smm_spot_price_20250716.csv": THREE,
    "excel-text-exports/18h_sep_line/smm_spot_price_20250716.csv": THREE,
    "hidden-first-sheet/smm_spot_price_20250722.xlsx": INDEX,
    "title-rows-above-header/smm_spot_price_20250722.xlsx": INDEX,
    "notes-below-table/smm_spot_price_20250722.csv": INDEX,
    "notes-below-table/smm_spot_price_20250722_r1.csv": INDEX,
    "mysteel-export/mysteel_spot_price_20250722.csv": {
        ("MYSTEEL", "ID00000001", date(2025, 7, 21)): 3165.0,
        ("MYSTEEL", "ID00000001", date(2025, 7, 22)): 3175.0,
    },
    "terminal-ids-unmapped/smm_spot_price_20250722.csv": TERMINAL,
    "second-vintage-stated-time/iai_capacity_20251020.csv": {("IAI", "IAI-CN-PROD", date(2025, 9, 30)): 7_920_000.0},
    "unknown-series-id/a3_pub_ampm_smm_spot_price_20250716.csv": SHANDONG,
    "unknown-series-id/j1_idcase_smm_spot_price_20250716.csv": {
        ("SMM", "smm-ao-spot-shandong", date(2025, 7, 16)): 3140.0,
        ("SMM", "SMM-AO-SPOT-SHANDONG", date(2025, 7, 16)): 3150.0,
    },
    "unknown-series-id/j2_idfw_smm_spot_price_20250716.csv": {("SMM", "SMM-AO-INDEX", date(2025, 7, 16)): 3140.0},
    "unknown-series-id/j3_idnbsp_smm_spot_price_20250716.csv": {("SMM", "SMM-AO-INDEX", date(2025, 7, 16)): 3140.0},
    "unknown-series-id/vendor_own_id_smm_spot_price_20250717.csv": {("SMM", "201102250321", date(2025, 7, 17)): 3160.0},
}
REFUSED = {
    "long-ids/smm_spot_price_20250716.xlsx": "mangled_series_id",
    "numeric-id-rounded/smm_spot_price_20250722.xlsx": "mangled_series_id",
}
# Of the rest the one series each that no mart reads.
UNREAD = {
    "terminal-ids-unmapped/smm_spot_price_20250722.csv": ["S0000001", "S0000002"],
    "unknown-series-id/a3_pub_ampm_smm_spot_price_20250716.csv": ["T"],
    "unknown-series-id/j1_idcase_smm_spot_price_20250716.csv": ["smm-ao-spot-shandong"],
    "unknown-series-id/j2_idfw_smm_spot_price_20250716.csv": [],
    "unknown-series-id/j3_idnbsp_smm_spot_price_20250716.csv": [],
    "unknown-series-id/vendor_own_id_smm_spot_price_20250717.csv": ["201102250321"],
}


def tried(shared_data: Path, case: str, home: Home) -> Examination:
    configuration = Configuration(home.settings.catalog_overlay)
    return examine(shared_data / "cases" / case, sources(configuration), configuration, home.settings)


@pytest.mark.parametrize("case", TAKEN)
def test_a_file_that_was_read_wrongly_gives_its_right_figures(shared_data: Path, case: str, home: Home) -> None:
    found = tried(shared_data, case, home)
    assert (found.attempt.outcome, found.refused) == (Outcome.OK, ())
    by_series = {(one.provider, one.series_id, one.last): one.value for one in found.series}
    assert {key: TAKEN[case][key] for key in by_series} == by_series
    assert sum(one.rows for one in found.series) == len(TAKEN[case])


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_was_taken_by_mistake_is_refused(shared_data: Path, case: str, home: Home) -> None:
    found = tried(shared_data, case, home)
    assert (found.attempt.outcome, found.attempt.reason) == (Outcome.NOT_DATA, REFUSED[case])
    assert "format the column of ids as text" in found.attempt.message


@pytest.mark.parametrize("case", UNREAD)
def test_a_series_no_mart_reads_is_said_when_the_file_is_tried(shared_data: Path, case: str, home: Home) -> None:
    notes = tried(shared_data, case, home).notes
    assert [number for number in UNREAD[case] if not any(f"series {number} of SMM" in note for note in notes)] == []
    assert len(notes) == (len(UNREAD[case]) + 1 if UNREAD[case] else 0)
    if "smm-ao-spot-shandong" in UNREAD[case]:
        assert "the catalogue has SMM-AO-SPOT-SHANDONG" in notes[0]


def test_a_product_nobody_knows_is_named_with_the_place_to_name_it(shared_data: Path, home: Home) -> None:
    found = tried(shared_data, "renamed-product/dailystock_20250716.html", home)
    assert not found.is_taken
    assert "'氧化铝AO(仓库)' is not known" in found.attempt.message
    assert "catalog/exchanges.toml" in found.attempt.message
    shutil.copytree(shared_data / "cases" / "renamed-product", home.settings.catalog_overlay, ignore=shutil.ignore_patterns("*.html", "README*"))
    assert tried(shared_data, "renamed-product/dailystock_20250716.html", home).is_useful


def test_the_hidden_sheet_is_named(shared_data: Path, home: Home) -> None:
    assert "sheet Sheet is hidden and was not read" in tried(shared_data, "hidden-first-sheet/smm_spot_price_20250722.xlsx", home).attempt.message


def test_once_they_are_mapped_nothing_is_said_of_them(shared_data: Path, home: Home) -> None:
    case = "terminal-ids-unmapped/smm_spot_price_20250722.csv"
    entries = [
        MappedSeries(commodity="AO", role="spot", provider="SMM", series_id=number, region=region, source="x")
        for number, region in (("S0000001", "national"), ("S0000002", "shandong"))
    ]
    write(home.settings.catalog_overlay, entries)
    assert tried(shared_data, case, home).notes == ()
