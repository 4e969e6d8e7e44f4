"""A batch is there whole or not at all; the same input gives the same bytes; damage is noticed."""

from pathlib import Path

import polars as pl
import pytest
from feeds import DAY, NOON

from ingest.journal import Journal
from ingest.lake import Batch, Lake, LakeError
from quality.fields import FIELDS
from quality.raw import POLARS_TYPES, TABLES

SHA, OTHER = "a" * 64, "b" * 64


def totals(sha: str = SHA, volume: int = 10, product: str = "ao", day: str = "2025-07-16") -> pl.DataFrame:
    """One stored row of the smallest table of facts."""
    table = TABLES["shfe__daily_totals"]
    row = {
        "trade_date": DAY, "total_scope": "product", "product_id": product, "volume_lots": volume, "payload_sha256": sha, "source": "shfe",
        "fetched_at": NOON, "parser_version": "1", "data_origin": "files",
    }  # fmt: skip
    frame = pl.DataFrame({name: [row.get(name)] for name in table.stored_schema}, schema=table.stored_schema)
    return frame.with_columns(pl.lit(day).str.to_date().alias("trade_date"))


def parameters(value: float, sha: str = SHA) -> pl.DataFrame:
    table = TABLES["catalog__parameters"]
    row = {
        "commodity_code": "*", "parameter": "p", "parameter_value": value, "unit": "t", "source_note": "test", "payload_sha256": sha,
        "source": "catalog", "fetched_at": NOON, "parser_version": "1", "data_origin": "config",
    }  # fmt: skip
    return pl.DataFrame({name: [row.get(name)] for name in table.stored_schema}, schema=table.stored_schema)


def quarantined(sha: str) -> pl.DataFrame:
    table = TABLES["ingest__quarantine"]
    row = {
        "table_name": "spot__quotes", "request_name": "f", "reason": "r", "message": "m", "row_json": "{}", "payload_sha256": sha,
        "source": "spot", "fetched_at": NOON, "parser_version": "1", "data_origin": "files",
    }  # fmt: skip
    return pl.DataFrame({name: [row.get(name)] for name in table.stored_schema}, schema=table.stored_schema)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def read(lake: Lake, batch: Batch) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(lake.verified(file)) for file in batch.files])


def test_what_is_committed_is_read_back(lake: Lake) -> None:
    batch = lake.commit({SHA: "1"}, {"shfe__daily_totals": totals()})
    (found,) = lake.batches()
    assert found == batch
    assert read(lake, found).equals(totals())
    assert lake.parsed() == {SHA: "1"}
    assert [file.rows for file in batch.files] == [1]


def test_rows_are_filed_by_month_and_sorted_by_their_key(lake: Lake) -> None:
    frame = pl.concat([totals(product="zn", day="2025-08-01"), totals(product="zn"), totals(product="ao"), totals(product="cu")])
    batch = lake.commit({SHA: "1"}, {"shfe__daily_totals": frame})
    assert {file.path: file.rows for file in batch.files} == {
        f"shfe__daily_totals/2025-08/{batch.batch_id}.parquet": 1,
        f"shfe__daily_totals/2025-07/{batch.batch_id}.parquet": 3,
    }
    july = next(file for file in batch.files if "2025-07" in file.path)
    assert pl.read_parquet(lake.verified(july))["product_id"].to_list() == ["ao", "cu", "zn"]
    assert dict(read(lake, batch).schema) == TABLES["shfe__daily_totals"].stored_schema


def test_an_empty_frame_commits_its_payload_and_no_file(lake: Lake) -> None:
    batch = lake.commit({SHA: "1"}, {"shfe__daily_totals": totals().clear()})
    assert batch.files == ()
    assert lake.parsed() == {SHA: "1"}


def test_a_crash_before_the_manifest_line_leaves_nothing_visible_and_the_next_run_heals_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise OSError("power went out")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", crash)
        with pytest.raises(OSError, match="power went out"):
            lake.commit({SHA: "1"}, {"shfe__daily_totals": totals()})
    assert list(lake.root.rglob("*.parquet")), "the crash came after the files were written"
    assert list(lake.batches()) == []
    assert lake.parsed() == {}
    batch = lake.commit({SHA: "1"}, {"shfe__daily_totals": totals()})
    assert list(lake.batches()) == [batch]
    assert len(list(lake.root.rglob("*.parquet"))) == 1, "the debris was written over"


def test_a_manifest_line_cut_anywhere_commits_nothing_and_hides_nothing(lake: Lake) -> None:
    first = lake.commit({SHA: "1"}, {"shfe__daily_totals": totals()})
    whole = lake.manifest.read_bytes()
    second = lake.commit({OTHER: "1"}, {"shfe__daily_totals": totals(OTHER)})
    line = lake.manifest.read_bytes()[len(whole) :]
    for length in range(1, len(line) - 1):
        lake.manifest.write_bytes(whole + line[:length])
        lake.log.forget_length()  # a write that was cut off noted none
        assert list(lake.batches()) == [first], length
    assert lake.commit({OTHER: "1"}, {"shfe__daily_totals": totals(OTHER)}) == second
    assert list(lake.batches()) == [first, second]


def test_the_same_input_gives_the_same_files_wherever_and_in_whatever_order(tmp_path: Path) -> None:
    rows = [totals(product="ao"), totals(OTHER, product="ao"), totals(product="cu", day="2025-08-01")]
    bodies = []
    for name, frames, payloads in (("one", rows, {SHA: "1", OTHER: "1"}), ("two", rows[::-1], {OTHER: "1", SHA: "1"})):
        lake = Lake(tmp_path / name)
        lake.commit(payloads, {"shfe__daily_totals": pl.concat(frames)})
        bodies.append({path.relative_to(lake.root): path.read_bytes() for path in lake.root.rglob("*.parquet")})
    assert len(bodies[0]) == 2
    assert bodies[0] == bodies[1]


def test_another_parser_version_gives_another_batch(lake: Lake) -> None:
    batches = [lake.commit({SHA: version}, {"shfe__daily_totals": totals()}) for version in ("1", "2")]
    assert batches[0].batch_id != batches[1].batch_id
    assert lake.parsed() == {SHA: "2"}


def test_an_earlier_parser_version_that_is_back_is_a_batch_of_its_own_and_once_only(lake: Lake) -> None:
    batches = [lake.commit({SHA: version}, {"shfe__daily_totals": totals()}) for version in ("1", "2", "1", "1")]
    assert batches[3] == batches[2]
    assert list(lake.batches()) == batches[:3]
    assert len({batch.batch_id for batch in batches[:3]}) == 3
    assert lake.parsed() == {SHA: "1"}


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_file_that_changed_on_disk_is_noticed_and_the_message_says_what_to_do(lake: Lake, damage: str) -> None:
    (file,) = lake.commit({SHA: "1"}, {"shfe__daily_totals": totals()}).files
    path = lake.verified(file)
    body = bytearray(path.read_bytes())
    if damage == "flip":
        body[len(body) // 2] ^= 1
        path.write_bytes(bytes(body))
    elif damage == "cut":
        path.write_bytes(bytes(body[:-1]))
    else:
        path.unlink()
    with pytest.raises(LakeError, match=f"{file.path}.*alumina rebuild"):
        lake.verified(file)


def test_a_payload_another_run_committed_meanwhile_is_not_committed_again_and_its_company_is(lake: Lake) -> None:
    first = lake.commit({SHA: "1"}, {"shfe__daily_totals": totals()})
    other = Lake(lake.root)
    both = pl.concat([totals(volume=99), totals(OTHER)])
    second = other.commit({SHA: "1", OTHER: "1"}, {"shfe__daily_totals": both})
    assert list(lake.batches()) == [first, second]
    assert dict(second.payloads) == {OTHER: "1"}
    assert read(lake, second).equals(totals(OTHER))
    assert read(lake, first).equals(totals()), "what was committed is never written over"
    assert other.commit({SHA: "1", OTHER: "1"}, {"shfe__daily_totals": both}) == second


def test_a_lake_is_emptied_only_while_nobody_commits(lake: Lake) -> None:
    lake.commit({SHA: "1"}, {"shfe__daily_totals": totals()})
    lake.clear()
    assert list(lake.batches()) == []
    assert not lake.root.exists()
    lake.clear()
    lake.commit({SHA: "1"}, {"shfe__daily_totals": totals()})
    assert lake.verify() == 1


def test_unchanged_configuration_is_not_committed_twice(lake: Lake) -> None:
    first = lake.commit({SHA: "1"}, {"catalog__parameters": parameters(1)})
    assert lake.commit({SHA: "1"}, {"catalog__parameters": parameters(1)}) == first
    assert list(lake.batches()) == [first]


def test_unchanged_configuration_is_not_committed_twice_after_a_batch_of_facts_with_refused_rows(lake: Lake) -> None:
    # Every batch may hold quarantined rows; they say nothing about which configuration is the newest.
    config = {"catalog__parameters": parameters(1), "ingest__quarantine": quarantined(SHA).clear()}
    lake.commit({SHA: "1"}, config)
    lake.commit({OTHER: "1"}, {"shfe__daily_totals": totals(OTHER), "ingest__quarantine": quarantined(OTHER)})
    lake.commit({SHA: "1"}, config)
    assert len(list(lake.batches())) == 2


def test_configuration_that_goes_back_to_an_earlier_state_is_committed_again(lake: Lake) -> None:
    for sha, value in ((SHA, 1.0), (OTHER, 2.0), (SHA, 1.0)):
        lake.commit({sha: "1"}, {"catalog__parameters": parameters(value, sha)})
    assert [list(batch.payloads) for batch in lake.batches()] == [[SHA], [OTHER], [SHA]]


def test_a_lake_that_was_never_written_is_empty(lake: Lake) -> None:
    assert list(lake.batches()) == []
    assert lake.parsed() == {}


def test_the_types_of_the_lake_are_those_of_the_declared_columns() -> None:
    moments = {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP"}  # the second is for published columns in Shanghai's time alone
    assert {kind.value for kind in POLARS_TYPES} == {"VARCHAR", "DATE", "BIGINT", "DOUBLE", "BOOLEAN"} | moments
    assert [column for table in TABLES.values() for column in table.columns if FIELDS[column].kind.value == "TIMESTAMP"] == []
