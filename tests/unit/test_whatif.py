"""What a what-if reads of the last build is believed only where it makes sense."""

from pathlib import Path

import duckdb
import pytest

from serving.research.whatif import WhatIfError, _rebuild


@pytest.mark.parametrize(
    "body",
    [
        b'{"nodes": {"model.alumina.a": {"resource_type": "model"',
        b'{"nodes": {"model.alumina.a": {"resource_typ\xe5": "model"}}}',
        b'{"nodfs": {}}',
        b'{"nodes": {"model.alumina.a": {"resource_type": "model", "depends_oo": {"nodes": []}}}}',
        b'{"nodes": []}',
    ],
)
def test_what_dbt_said_of_its_models_and_has_rotted_is_a_sentence(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(body)
    with duckdb.connect() as con, pytest.raises(WhatIfError, match=r"manifest\.json has changed on disk; `alumina run` writes it anew"):
        _rebuild(con, tmp_path, set())
