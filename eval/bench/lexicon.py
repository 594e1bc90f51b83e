"""The words that made-up notes are written in, with the embedding of each.

They are the whole words in the vocabulary of ragqa's default model, which lists them by how common
they are, so a made-up note is cut into passages of the usual length and the real model can be asked
about it. Rare words are invented.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ragqa.config import cache_folder
from ragqa.embedders import DEFAULT_MODEL, embedder_for
from ragqa.embedders.models import find_model
from ragqa.text.words import STOP_WORDS
from ragqa.types import Vectors

_ONSETS = (*"bdfghjklmnprstvz", "br", "dr", "fl", "gr", "kl", "pr", "st", "tr")
_SYLLABLES: list[str] = [onset + vowel for onset in _ONSETS for vowel in "aeiou"]
_ENDINGS: tuple[str, ...] = (*"nrlxm", "th", "sk")


@dataclass(frozen=True)
class Lexicon:
    """Words, the commonest first, and their embeddings, shape (words, dimension)."""

    words: tuple[str, ...]
    vectors: Vectors

    @cached_property
    def common(self) -> npt.NDArray[np.int64]:
        """The rows of the function words."""
        return np.flatnonzero([word in STOP_WORDS for word in self.words])

    @cached_property
    def content(self) -> npt.NDArray[np.int64]:
        """The rows of all other words."""
        return np.flatnonzero([word not in STOP_WORDS for word in self.words])

    @cached_property
    def frequencies(self) -> npt.NDArray[np.float64]:
        """The share of a text that each word is, by Zipf's law as Mandelbrot wrote it."""
        shares = 1 / (np.arange(len(self.words)) + 2.7)
        return np.asarray(shares / shares.sum())


def invented(number: int) -> str:
    """A word that can be spoken and is in no dictionary, another for each number."""
    number, ending = divmod(number, len(_ENDINGS))
    syllables: list[str] = []
    while number or len(syllables) < 2:
        number, syllable = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[syllable])
    return "".join(syllables) + _ENDINGS[ending]


def load_lexicon() -> Lexicon:
    """The lexicon of the default model; its embeddings take a minute once, and are then kept."""
    model = find_model(DEFAULT_MODEL)
    kept = cache_folder() / f"bench-lexicon-{model.key[:16]}.npz"
    if not kept.exists():
        vocabulary = json.loads((model.path / "tokenizer.json").read_text("utf-8"))["model"][
            "vocab"
        ]
        words = [
            word
            for word in sorted(vocabulary, key=vocabulary.get)
            if re.fullmatch("[a-z]{2,}", word)
        ]
        vectors = embedder_for(DEFAULT_MODEL, building=True).embed_passages(words)
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, words=np.array(words), vectors=vectors)
    with np.load(kept) as data:
        return Lexicon(tuple(data["words"].tolist()), data["vectors"])
