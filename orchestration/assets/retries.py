"""Which failures are worth a second try in the same run: a disk that fails for a moment, a killed process. Any other would fail the same way."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

SECONDS = 20
# A full disk, a limit on the size of files, or a disk that may not be written, is the same in a minute.
_LASTING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR}


@contextmanager
def tried_again() -> Iterator[None]:
    """Let Dagster try the step once more where the machine failed for a moment; a second failure is raised as it is."""
    try:
        yield
    except OSError as error:
        if error.errno in _LASTING:
            raise
        raise again() from error


def again() -> dg.RetryRequested:
    """Give what asks Dagster for the one more try."""
    return dg.RetryRequested(max_retries=1, seconds_to_wait=SECONDS)
