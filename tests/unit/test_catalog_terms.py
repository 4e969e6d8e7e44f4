"""Dated terms of the catalogue: one scope or many in an entry."""

import pytest

from ingest.source import PayloadError, Request
from ingest.sources.catalog import Catalog

HEAD = '[[term]]\nname = "freight_cny_t"\nvalid_from = "2023-06-19"\nunit = "CNY/t"\nlabel = "assumed"\nsource = "assumed"\n'


def terms(body: str) -> list[tuple[str, float]]:
    frame = Catalog().parse(Request("catalog", "catalog", "terms.toml", "terms.toml"), (HEAD + body).encode()).frames["catalog__terms"]
    return list(frame.select("scope", "term_value").iter_rows())


def test_one_entry_states_a_term_for_many_scopes() -> None:
    assert terms('values = { "shanxi>henan" = 80, "shanxi>gansu" = 240 }') == [("shanxi>henan", 80.0), ("shanxi>gansu", 240.0)]


def test_a_term_without_a_scope_holds_for_all_of_the_commodity() -> None:
    assert terms("value = 5") == [("", 5.0)]


def test_a_term_without_a_value_is_refused_by_name() -> None:
    with pytest.raises(PayloadError, match="value"):
        terms("")
