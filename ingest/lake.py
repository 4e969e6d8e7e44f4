"""The lake: validated frames as Parquet, committed batch by batch.

A batch's files are written first; one line in `manifest.jsonl`, a journal (`ingest.journal`), commits them all. A file without a
line is debris of an interrupted run and is written again under the same name. Any number of processes may commit, one at a time,
and a payload that is there already is not committed again. Readers check each file's sha256 against the manifest, since a flipped
bit in Parquet is silent.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import polars as pl

from ingest.files import write_atomic
from ingest.journal import Fault, Journal, JournalError
from ingest.source import HomeError
from quality.raw import TABLES, RawTable


class LakeError(HomeError):
    """A committed file is missing or damaged, or the manifest is."""


_REBUILD = "run `alumina rebuild`, the archive holds its payloads"


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
        # The lock lies beside the lake, so that clearing the lake does not delete it.
        self.log = Journal(root, self.manifest.name, root.with_name(f"{root.name}.lock"), root / "manifest.length")
        self._read: tuple[list[bytes], tuple[Batch, ...]] = ([], ())

    def batches(self) -> Iterator[Batch]:
        """Read every commit in order. Raises LakeError where the manifest is damaged."""
        try:
            lines = self.log.read()
        except JournalError as error:
            raise LakeError(f"{error}; {_REBUILD}") from None
        if lines is not self._read[0]:
            self._read = (lines, tuple(map(_batch, lines)))
        return iter(self._read[1])

    def faults(self) -> Iterator[Fault]:
        """Name every damaged line of the manifest, and every committed file that is missing or damaged."""
        yield from self.log.faults()
        try:
            batches = list(self.batches())
        except LakeError:
            return  # a damaged manifest does not say which files were committed
        for file in (file for batch in batches for file in batch.files):
            if not self._is_whole(file):
                yield Fault(self.root / file.path, "is missing or has changed on disk")

    def verify(self) -> int:
        """Hash every committed file and give their number; raises LakeError for the first fault there is."""
        for fault in self.faults():
            raise LakeError(f"{fault}; {_REBUILD}")
        return sum(len(batch.files) for batch in self.batches())

    def adopt(self) -> None:
        """Chain a manifest written before its lines were chained; raises LakeError, with nothing changed, where one cannot be read."""
        try:
            self.log.adopt(_is_batch)
        except JournalError as error:
            raise LakeError(f"{error}; {_REBUILD}") from None

    def clear(self) -> None:
        """Delete the whole lake, while nobody commits."""
        with self.log.held():
            self.log.forget_length()
            if self.root.is_dir():
                shutil.rmtree(self.root)

    def parsed(self) -> dict[str, str]:
        """Give the payloads the lake holds: sha256 -> newest parser version."""
        return {sha: version for batch in self.batches() for sha, version in batch.payloads.items()}

    def configuration(self) -> dict[str, str]:
        """Give the payloads of the configuration in force, as `parsed` does; it counts as a whole, so the newest batch holds all of it."""
        whole = [batch for batch in self.batches() if any(TABLES[file.table].replace for file in batch.files)]
        return dict(whole[-1].payloads) if whole else {}

    def commit(self, payloads: Mapping[str, str], frames: Mapping[str, pl.DataFrame], *, durable: bool = True) -> Batch:
        """Write the validated frames of some payloads and commit them as one batch; gives the batch that holds them where there is one.

        The batch's name follows from the payloads, their parser versions and how often these were committed before, so the same input
        gives the same files, and going back to an earlier parser is a batch that nobody has seen.
        """
        with self.log.held():
            done = list(self.batches())
            newest = {sha: batch for batch in done for sha in batch.payloads}
            same = [batch for batch in done if batch.payloads == payloads]
            if any(TABLES[name].replace for name in frames):
                if same and [batch for batch in done if any(TABLES[file.table].replace for file in batch.files)][-1:] == same[-1:]:
                    return same[-1]
            # A payload that the same parser has read already stays as it is, whether by a cut-off run or by another run meanwhile.
            elif held := {sha for sha, version in payloads.items() if sha in newest and newest[sha].payloads[sha] == version}:
                if held == payloads.keys():
                    return max((newest[sha] for sha in held), key=done.index)
                payloads = {sha: version for sha, version in payloads.items() if sha not in held}
                frames = {name: frame.filter(~pl.col("payload_sha256").is_in(list(held))) for name, frame in frames.items()}
                same = [batch for batch in done if batch.payloads == payloads]
            batch_id = hashlib.sha256(json.dumps([len(same), sorted(payloads.items())]).encode()).hexdigest()[:16]
            files = tuple(
                self._write(TABLES[name], period, part, batch_id, durable=durable)
                for name, frame in frames.items()
                for period, part in _by_period(TABLES[name], frame)
            )
            batch = Batch(batch_id, dict(payloads), files)
            self.log.append([json.dumps(asdict(batch))], self.manifest.name)
        return batch

    def verified(self, file: LakeFile) -> Path:
        """Give the path of a committed file after hashing it again; raises LakeError when it is not the one committed."""
        if not self._is_whole(file):
            raise LakeError(f"lake file {file.path} is missing or has changed on disk; {_REBUILD}")
        return self.root / file.path

    def _is_whole(self, file: LakeFile) -> bool:
        try:
            return hashlib.sha256((self.root / file.path).read_bytes()).hexdigest() == file.sha256
        except OSError:
            return False

    def _write(self, table: RawTable, period: str, frame: pl.DataFrame, batch_id: str, *, durable: bool) -> LakeFile:
        buffer = io.BytesIO()
        frame.sort([*table.key, "payload_sha256"], maintain_order=True).write_parquet(buffer, compression="zstd")
        body = buffer.getvalue()
        path = f"{table.name}/{period}/{batch_id}.parquet"
        write_atomic(self.root / path, body, durable=durable)
        return LakeFile(table.name, path, hashlib.sha256(body).hexdigest(), frame.height)


def _is_batch(line: bytes) -> bool:
    """Tell whether a line is a commit as `Lake.commit` writes it."""
    try:
        _batch(line)
        return bool(orjson.loads(line).keys() == Batch.__dataclass_fields__.keys())
    except (ValueError, KeyError, TypeError):
        return False


def _batch(line: bytes) -> Batch:
    row = orjson.loads(line)
    return Batch(row["batch_id"], row["payloads"], tuple(LakeFile(**file) for file in row["files"]))


def _by_period(table: RawTable, frame: pl.DataFrame) -> Iterable[tuple[str, pl.DataFrame]]:
    if frame.is_empty():
        return []
    if table.period is None:
        return [("all", frame)]
    months = frame.group_by(pl.col(table.period).dt.truncate("1mo"), maintain_order=True)
    return [(f"{month:%Y-%m}", part) for (month,), part in months]
