"""Ten notes of invented publishers: true claims are not accused, planted errors are caught, and the text gives the claims."""

from tests.pipeline.noted import is_held_out, notes

TRUE_CLAIMS, PLANTED_ERRORS = 282, 62


def test_the_notes_are_what_was_counted() -> None:
    claims = [claim for note in notes() for claim in note.claims]
    assert (sum(not claim.planted for claim in claims), sum(bool(claim.planted) for claim in claims)) == (TRUE_CLAIMS, PLANTED_ERRORS)
    assert [note.name[:3] for note in notes() if is_held_out(note.name)] == ["n02", "n04", "n06", "n08", "n10"]
    assert all(note.text[claim.start : claim.end] in claim.row["quote_zh"] for note in notes() for claim in note.claims)
