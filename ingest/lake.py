"""The lake: validated frames as Parquet, committed batch by batch.

A batch's files are written first; one line in `manifest.jsonl` commits them all. A file without a line is debris of an
interrupted run and is written again under the same name. Readers check each file's sha256 against the manifest, since a
flipped bit in Parquet is silent.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import polars as pl

from ingest.files import append_lines, write_atomic
from quality.raw import TABLES, RawTable


class LakeError(Exception):
    """A committed file is missing or has changed."""


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One Parquet file of a batch: path below the lake, sha256 of its bytes, rows."""

    table: str
    path: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one commit holds: the payloads parsed (sha256 -> parser version) and the files made of them."""

    batch_id: str
    payloads: Mapping[str, str]
    files: tuple[LakeFile, ...]


class Lake:
    """Parquet files under one folder: `{table}/{YYYY-MM or all}/{batch}.parquet`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = root / "manifest.jsonl"
        self._read: tuple[bytes, tuple[Batch, ...]] = (b"", ())

    def batches(self) -> Iterator[Batch]:
        """Read every commit in order; a line cut by an interrupted write commits nothing."""
        manifest = self.manifest.read_bytes() if self.manifest.is_file() else b""
        if manifest != self._read[0]:  # a run asks more than once, and a manifest of ten years is long
            self._read = (manifest, tuple(_batches(manifest)))
        return iter(self._read[1])

    def parsed(self) -> dict[str, str]:
        """Give the payloads the lake holds: sha256 -> newest parser version."""
        return {sha: version for batch in self.batches() for sha, version in batch.payloads.items()}

    def commit(self, payloads: Mapping[str, str], frames: Mapping[str, pl.DataFrame], *, durable: bool = True) -> Batch:
        """Write the validated frames of some payloads and commit them as one batch.

        The batch's name follows from the payloads, their parser versions and how often these were committed before, so the same input
        gives the same files, and going back to an earlier parser is a batch that nobody has seen.
        """
        done = list(self.batches())
        same = [batch for batch in done if batch.payloads == payloads]
        # The same payloads read by the same parsers are there already: after a cut-off run, or the same configuration as before.
        newest = {sha: batch for batch in done for sha in payloads.keys() & batch.payloads.keys()}
        is_state = any(TABLES[name].replace for name in frames)
        current = [batch for batch in done if any(TABLES[file.table].replace for file in batch.files)][-1:]
        if same and (current == same[-1:] if is_state else all(newest[sha] is same[-1] for sha in payloads)):
            return same[-1]
        batch_id = hashlib.sha256(json.dumps([len(same), sorted(payloads.items())]).encode()).hexdigest()[:16]
        files = tuple(
            self._write(TABLES[name], period, part, batch_id, durable=durable)
            for name, frame in frames.items()
            for period, part in _by_period(TABLES[name], frame)
        )
        batch = Batch(batch_id, dict(payloads), files)
        append_lines(self.manifest, [json.dumps(asdict(batch))])
        return batch

    def verified(self, file: LakeFile) -> Path:
        """Give the path of a committed file after hashing it again; raises LakeError when it is not the one committed."""
        path = self.root / file.path
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
            raise LakeError(f"lake file {file.path} is missing or has changed on disk; run `alumina rebuild`, the archive holds its payloads")
        return path

    def _write(self, table: RawTable, period: str, frame: pl.DataFrame, batch_id: str, *, durable: bool) -> LakeFile:
        buffer = io.BytesIO()
        frame.sort([*table.key, "payload_sha256"], maintain_order=True).write_parquet(buffer, compression="zstd")
        body = buffer.getvalue()
        path = f"{table.name}/{period}/{batch_id}.parquet"
        write_atomic(self.root / path, body, durable=durable)
        return LakeFile(table.name, path, hashlib.sha256(body).hexdigest(), frame.height)


def _batches(manifest: bytes) -> Iterator[Batch]:
    for line in manifest.splitlines():
        try:
            row = orjson.loads(line)
            yield Batch(row["batch_id"], row["payloads"], tuple(LakeFile(**file) for file in row["files"]))
        except (ValueError, KeyError, TypeError):
            continue


def _by_period(table: RawTable, frame: pl.DataFrame) -> Iterable[tuple[str, pl.DataFrame]]:
    if frame.is_empty():
        return []
    if table.period is None:
        return [("all", frame)]
    months = frame.group_by(pl.col(table.period).dt.truncate("1mo"), maintain_order=True)
    return [(f"{month:%Y-%m}", part) for (month,), part in months]
