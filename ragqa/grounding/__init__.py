"""Whether a sentence of an answer is supported by the passages it cites.

sources = read_sources([Source(heading, text), ...], embedder)
support = support_of(sentence, [1, 3], sources, snapshot.idf)

`sources` reads the passages and `comparing` compares a sentence with them. `entity_check` (with
`attribution`), `polarity` (with `negations`), `orders` and `quotes` look for contradictions.
`model` turns all of this into a probability; `evidence` finds the supporting sentences. A sentence
of `code` is compared word by word.
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
