"""Try an LLM with one harmless prompt that contains no notes."""

import time
from dataclasses import dataclass

from ragqa.llms import LLM, Destination, Prompt
from ragqa.llms.limits import bounded

PROMPT = Prompt(
    instructions=(
        "Answer the question in one sentence, from the numbered passages alone. After the sentence "
        "give the number of the passage that says so, in square brackets."
    ),
    message=(
        "[1] The old stone bridge of Aldmoor was built in 1871.\n"
        "[2] The market of Aldmoor is held on Thursdays.\n\n"
        "Question: When was the bridge of Aldmoor built?"
    ),
)
WHAT = "a fixed question with two made-up passages, and nothing of your notes"


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome of the prompt.

    :param first_ms: time to the first piece of text, in milliseconds.
    :param total_ms: time to the end of the reply, in milliseconds.
    :param pieces: the number of pieces; more than one if the backend streams.
    :param reply: the text of the reply.
    """

    destination: Destination
    first_ms: float
    total_ms: float
    pieces: int
    reply: str

    @property
    def streams(self) -> bool:
        """Whether the backend streams its reply."""
        return self.pieces > 1

    @property
    def cites(self) -> bool:
        """Whether the reply cites the right passage, and no other."""
        return "[1]" in self.reply and "[2]" not in self.reply


def try_llm(llm: LLM, *, max_tokens: int, deadline_s: int) -> Trial:
    """Send the prompt and wait for the reply, with the same limits as for any answer.

    :raises BackendFailed: there was no reply.
    """
    start = time.perf_counter()
    arrived: list[float] = []
    pieces: list[str] = []
    stream = bounded(
        llm,
        PROMPT,
        max_tokens=max_tokens,
        deadline_s=deadline_s,
    )
    for piece in stream:
        arrived.append(_since(start))
        pieces.append(piece)
    return Trial(
        destination=llm.destination,
        first_ms=arrived[0],
        total_ms=_since(start),
        pieces=len(pieces),
        reply="".join(pieces),
    )


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 1)
