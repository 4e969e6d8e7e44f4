"""How a failure is told to people: our own errors by their sentence, unforeseen ones with their type in front."""

import re
import traceback

# These carry a whole sentence. The text of any other error, such as KeyError's 'x', says nothing without its type.
OURS = re.compile(r"(?:quality|ingest|serving|orchestration|dagster\._core\.definitions\.events)\.")
INTERRUPTED = frozenset({"KeyboardInterrupt", "DagsterExecutionInterruptedError"})
_HEAD = re.compile(r"([\w.]+)(?:: |$)")


def explain(error: BaseException | str) -> str:
    """Say a failure in words. A string is taken as the last line of a traceback."""
    text = (error if isinstance(error, str) else "".join(traceback.format_exception_only(error))).strip()
    head = _HEAD.match(text)
    if head is None:
        return text
    name, sentence = head[1].rpartition(".")[-1], text[head.end() :]
    if name in INTERRUPTED:
        return "the run was interrupted; run again"
    return sentence if sentence and OURS.match(head[1]) else f"{name}: {sentence}" if sentence else name
