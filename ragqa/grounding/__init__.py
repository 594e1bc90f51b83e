"""Whether a sentence of an answer is supported by the passages that it cites.

sources = read_sources([Source(heading, text), ...], embedder)
support = support_of(sentence, [1, 3], sources, snapshot.idf)

`sources` reads the passages, `comparing` holds a sentence against them, `entity_check` (with
`attribution`), `polarity` (with `negations`), `orders` and `quotes` look for contradictions,
`model` weighs all of it, and `evidence` finds what it rests on. A sentence that is `code` is met by
its words.
"""

from ragqa.grounding.comparing import Idf
from ragqa.grounding.model import Model, Models, shipped
from ragqa.grounding.sources import Source, Sources, read_sources
from ragqa.grounding.supporting import Signals, Support, signals_of, support_of

__all__ = [
    "Idf",
    "Model",
    "Models",
    "Signals",
    "Source",
    "Sources",
    "Support",
    "read_sources",
    "shipped",
    "signals_of",
    "support_of",
]
