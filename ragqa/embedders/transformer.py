"""The shared part of the transformer embedders: tokenising, batching and normalising.

The embedders for building and for asking differ only in their `Model`, so they cannot drift apart.
"""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vectors

Inputs: TypeAlias = Mapping[str, npt.NDArray[np.int64]]
"""Arrays of shape (texts, tokens), by the model's name for them."""

SENTENCE = "sentence"
TOKENS = "tokens"

GROUP_TEXTS = 2048
"""How many passages are tokenised and sorted at once; each takes some 20 kB of tokens."""

_FIELDS = {
    "input_ids": "ids",
    "attention_mask": "attention_mask",
    "token_type_ids": "type_ids",
}
_UNKNOWN = ("[UNK]", "<unk>")
"""What tokenizers call a piece that they do not know."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Model(Protocol):
    """Computes embeddings from token ids."""

    @property
    def input_names(self) -> Sequence[str]:
        """Its inputs, of `input_ids`, `attention_mask` and `token_type_ids`."""
        ...

    @property
    def batch_tokens(self) -> int:
        """The best batch size in tokens, padding included."""
        ...

    def run(self, inputs: Inputs, outputs: Sequence[str]) -> list[Vectors]:
        """Compute the named outputs for each text in order.

        `SENTENCE` has shape (texts, dimension), `TOKENS` (texts, tokens, dimension).
        """
        ...


class TransformerEmbedder:
    """An `Embedder` made of a tokenizer and a model.

    :param tokenizer: with the model's padding settings; the embedder takes it over.
    """

    def __init__(
        self, *, info: EmbedderInfo, dtype: str, tokenizer: Tokenizer, model: Model
    ) -> None:
        self.info = info
        self.dtype = dtype
        self._model = model
        padding = tokenizer.padding or {}
        self._pad_id = int(padding.get("pad_id", 0))
        self._pads_left = padding.get("direction") == "left"
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._unknown = {tokenizer.token_to_id(token) for token in _UNKNOWN}
        self._tokenizer = tokenizer

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's untruncated tokens as a passage, special tokens and prompt included."""
        return [len(e) for e in self._encode(texts, self.info.passage_prompt)]

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """Measure the word pieces of some texts."""
        cut = zip(texts, self._encode(texts, ""), strict=True)
        return sum((_pieces(text, encoding, self._unknown) for text, encoding in cut), Pieces())

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages in order; returns shape (len(texts), dimension), float32.

        :raises ValueError: a text exceeds the window.
        """
        vectors = np.empty((len(texts), self.info.dimension), np.float32)
        done = 0
        for first in range(0, len(texts), GROUP_TEXTS):
            encodings = self._encode(texts[first : first + GROUP_TEXTS], self.info.passage_prompt)
            self._check_window(encodings, first)
            for batch in batches(encodings, self._model.batch_tokens):
                (pooled,) = self._model.run(self._inputs([encodings[i] for i in batch]), [SENTENCE])
                vectors[[first + i for i in batch]] = _unit(pooled)
                done += len(batch)
                if progress is not None:
                    progress("embedding", done, len(texts))
        return vectors

    def embed_query(self, text: str) -> TokenVectors:
        """Embed a question with its token vectors, truncated to the window."""
        return self._token_vectors([text], self.info.query_prompt)[0]

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed candidate sentences with their token vectors, truncated to the window."""
        return self._token_vectors(texts, self.info.passage_prompt)

    def _token_vectors(self, texts: Sequence[str], prompt: str) -> list[TokenVectors]:
        encodings = self._encode(texts, prompt, truncate=True)
        found: dict[int, TokenVectors] = {}
        for batch in batches(encodings, self._model.batch_tokens):
            inputs = self._inputs([encodings[i] for i in batch])
            pooled, tokens = self._model.run(inputs, [SENTENCE, TOKENS])
            for row, index in enumerate(batch):
                kept, spans = _content(encodings[index], prompt + texts[index], len(prompt))
                found[index] = TokenVectors(
                    vectors=_unit(tokens[row, kept]), spans=spans, pooled=_unit(pooled[row])
                )
        return [found[i] for i in range(len(texts))]

    def _encode(
        self, texts: Sequence[str], prompt: str, *, truncate: bool = False
    ) -> list[Encoding]:
        if truncate:
            self._tokenizer.enable_truncation(self.info.window)
        else:
            self._tokenizer.no_truncation()
        return self._tokenizer.encode_batch([prompt + encodable(text) for text in texts])

    def _check_window(self, encodings: Sequence[Encoding], first: int) -> None:
        for position, encoding in enumerate(encodings, start=first):
            if len(encoding) > self.info.window:
                raise ValueError(
                    f"passage {position} has {len(encoding)} tokens, "
                    f"the window of {self.info.name} is {self.info.window}"
                )

    def _inputs(self, encodings: Sequence[Encoding]) -> Inputs:
        names = self._model.input_names
        return padded(encodings, names, pad_id=self._pad_id, pads_left=self._pads_left)


def padded(
    encodings: Sequence[Encoding], names: Sequence[str], *, pad_id: int, pads_left: bool = False
) -> Inputs:
    """Pad a batch in place; returns the inputs of these names, (texts, tokens of the longest)."""
    longest = max(1, *map(len, encodings))
    for encoding in encodings:
        encoding.pad(longest, direction="left" if pads_left else "right", pad_id=pad_id)
    return {
        name: np.array([getattr(encoding, _FIELDS[name]) for encoding in encodings], np.int64)
        for name in names
    }


def encodable(text: str) -> str:
    """Replace lone surrogates, which a tokenizer rejects."""
    return _SURROGATE.sub("\ufffd", text)


def batches(encodings: Sequence[Encoding], batch_tokens: int) -> Iterator[list[int]]:
    """Batches of text numbers, grouped by length to save padding, the longest first."""
    order = sorted(range(len(encodings)), key=lambda i: -len(encodings[i]))
    begin = 0
    while begin < len(order):
        longest = max(1, len(encodings[order[begin]]))
        end = begin + max(1, batch_tokens // longest)
        yield order[begin:end]
        begin = end


def _content(
    encoding: Encoding, text: str, skip: int
) -> tuple[list[int], tuple[tuple[int, int], ...]]:
    """The tokens of a text after its first `skip` characters, and their spans from there.

    Some tokenizers include the space before a word; spans leave it out.
    """
    kept: list[int] = []
    spans: list[tuple[int, int]] = []
    for i, (start, end) in enumerate(encoding.offsets):
        piece = text[max(start, skip) : end]
        word = piece.strip()
        if word and not encoding.special_tokens_mask[i]:
            begin = end - len(piece.lstrip()) - skip
            kept.append(i)
            spans.append((begin, begin + len(word)))
    return kept, tuple(spans)


def _pieces(text: str, encoding: Encoding, unknown: Container[int | None]) -> Pieces:
    number = size = words = read_to = 0
    padded = f" {text} "
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        # A character may be cut into several pieces, but has its bytes only once.
        letters = "".join(filter(str.isalnum, text[max(start, read_to) : end]))
        if any(map(str.isalnum, text[start:end])):
            is_known = token not in unknown
            is_inner = padded[start : start + 2].isalnum() or padded[end : end + 2].isalnum()
            number += 1
            # A character alone says nothing, in whatever script.
            size += len(letters.encode()) if is_known and len(letters) > 1 else 0
            words += is_known and not is_inner and len(letters) > 1
        read_to = max(read_to, end)
    return Pieces(number, size, words)


def _unit(vectors: Vectors) -> Vectors:
    """Scale the last axis to unit length; a zero vector stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny), np.float32)
