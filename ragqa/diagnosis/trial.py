"""Try an LLM with one harmless prompt, which holds nothing of anybody's notes."""

import time
from dataclasses import dataclass

from ragqa.llms import LLM, Destination, Prompt
from ragqa.llms.limits import CHARS_PER_TOKEN, bounded

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
    """What came of the prompt.

    :param first_ms: how long the first piece of text took.
    :param total_ms: how long all of it took.
    :param pieces: in how many pieces it came; more than one where the backend streams.
    """

    destination: Destination
    first_ms: float
    total_ms: float
    pieces: int
    said: str

    @property
    def streams(self) -> bool:
        """Whether text comes as it is written."""
        return self.pieces > 1

    @property
    def cites(self) -> bool:
        """Whether it cited the passage that answers, and no other, as it was asked to."""
        return "[1]" in self.said and "[2]" not in self.said


def try_llm(llm: LLM, *, max_tokens: int, deadline_s: int) -> Trial:
    """Send the prompt and wait for the answer, which is given the room that any answer is.

    :raises BackendFailed: none came.
    """
    start = time.perf_counter()
    arrived: list[float] = []
    pieces: list[str] = []
    given = bounded(
        llm,
        PROMPT,
        max_tokens=max_tokens,
        deadline_s=deadline_s,
        max_chars=CHARS_PER_TOKEN * max_tokens,
    )
    for piece in given:
        arrived.append(_since(start))
        pieces.append(piece)
    return Trial(
        destination=llm.destination,
        first_ms=arrived[0],
        total_ms=_since(start),
        pieces=len(pieces),
        said="".join(pieces),
    )


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 1)
