"""What people are told of a failure: the sentence alone where we wrote it, its type as well where nobody foresaw it."""

import re
import traceback

# A sentence of these needs no name before it; of another, "KeyError: 'x'", the bare text says nothing.
OURS = re.compile(r"(?:quality|ingest|serving|orchestration|dagster\._core\.definitions\.events)\.")
INTERRUPTED = frozenset({"KeyboardInterrupt", "DagsterExecutionInterruptedError"})
_HEAD = re.compile(r"([\w.]+)(?:: |$)")


def explain(error: BaseException | str) -> str:
    """Say a failure in words; a text is an exception as a traceback ends with it."""
    text = (error if isinstance(error, str) else "".join(traceback.format_exception_only(error))).strip()
    head = _HEAD.match(text)
    if head is None:
        return text
    name, sentence = head[1].rpartition(".")[-1], text[head.end() :]
    if name in INTERRUPTED:
        return "the run was interrupted; run again"
    return sentence if sentence and OURS.match(head[1]) else f"{name}: {sentence}" if sentence else name
