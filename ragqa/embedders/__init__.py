"""From text to unit vectors: the embedder of a tokenizer and a model, and workers.

The models of `sentence_transformers` (for building) and `onnx` (for asking) are all that differs.
"""

import logging
import os
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vectors

if TYPE_CHECKING:
    from concurrent.futures import Future

    from tokenizers import Encoding, Tokenizer

    from ragqa.embedders.onnx import OnnxModel
    from ragqa.embedders.sentence_transformers import TorchModel

DEFAULT_MODEL = "all-MiniLM-L6-v2"

CANARY = "The quick brown fox asks its notes a question."
"""Embedded when an index is built and again before questions: the vectors must agree."""

Inputs: TypeAlias = Mapping[str, npt.NDArray[np.int64]]
"""Arrays of shape (texts, tokens), by the model's name for them."""

SENTENCE = "sentence"
TOKENS = "tokens"

GROUP_TEXTS = 2048
"""How many passages are tokenised and sorted at once; each takes some 20 kB of tokens."""

FIELDS = {
    "input_ids": "ids",
    "attention_mask": "attention_mask",
    "token_type_ids": "type_ids",
}
"""The attribute of an encoding that holds each of a model's inputs."""

_UNKNOWN = ("[UNK]", "<unk>")
"""What tokenizers call a piece that they do not know."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")

logger = logging.getLogger("ragqa")


class Embedder:
    """Turns text into unit vectors; equal texts always get equal vectors.

    :param info: the fingerprint stored with an index.
    :param dtype: the number format of the computation, "float32" or "bfloat16".
    :param tokenizer: with the model's padding settings; the embedder takes it over.
    """

    def __init__(
        self,
        *,
        info: EmbedderInfo,
        dtype: str,
        tokenizer: "Tokenizer",
        model: "OnnxModel | TorchModel",
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
        """Measure the word pieces of some texts: how well the embedder can read them."""
        cut = zip(texts, self._encode(texts, ""), strict=True)
        return sum((_pieces(text, encoding, self._unknown) for text, encoding in cut), Pieces())

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages in order; returns shape (len(texts), dimension), float32.

        :param progress: called with ("embedding", done, total).
        :raises ValueError: a text exceeds the window.
        """
        vectors = np.empty((len(texts), self.info.dimension), np.float32)
        done = 0
        for first in range(0, len(texts), GROUP_TEXTS):
            encodings = self._encode(texts[first : first + GROUP_TEXTS], self.info.passage_prompt)
            for position, encoding in enumerate(encodings, start=first):
                if len(encoding) > self.info.window:
                    raise ValueError(
                        f"passage {position} has {len(encoding)} tokens, "
                        f"the window of {self.info.name} is {self.info.window}"
                    )
            for batch in batches(encodings, self._model.batch_tokens):
                (pooled,) = self._run([encodings[i] for i in batch], SENTENCE)
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
        by_text: dict[int, TokenVectors] = {}
        for batch in batches(encodings, self._model.batch_tokens):
            pooled, tokens = self._run([encodings[i] for i in batch], SENTENCE, TOKENS)
            for row, index in enumerate(batch):
                kept, spans = _content(encodings[index], prompt + texts[index], len(prompt))
                by_text[index] = TokenVectors(
                    vectors=_unit(tokens[row, kept]), spans=spans, pooled=_unit(pooled[row])
                )
        return [by_text[i] for i in range(len(texts))]

    def _encode(
        self, texts: Sequence[str], prompt: str, *, truncate: bool = False
    ) -> list["Encoding"]:
        if truncate:
            self._tokenizer.enable_truncation(self.info.window)
        else:
            self._tokenizer.no_truncation()
        return self._tokenizer.encode_batch([prompt + encodable(text) for text in texts])

    def _run(self, encodings: Sequence["Encoding"], *outputs: str) -> list[Vectors]:
        names = self._model.input_names
        inputs = padded(encodings, names, pad_id=self._pad_id, pads_left=self._pads_left)
        return self._model.run(inputs, outputs)


def padded(
    encodings: Sequence["Encoding"], names: Sequence[str], *, pad_id: int, pads_left: bool = False
) -> Inputs:
    """Pad a batch in place; returns the inputs of these names, (texts, tokens of the longest)."""
    longest = max(1, *map(len, encodings))
    for encoding in encodings:
        encoding.pad(longest, direction="left" if pads_left else "right", pad_id=pad_id)
    return {
        name: np.array([getattr(encoding, FIELDS[name]) for encoding in encodings], np.int64)
        for name in names
    }


def encodable(text: str) -> str:
    """Replace lone surrogates, which a tokenizer rejects."""
    return _SURROGATE.sub("\ufffd", text)


def batches(encodings: Sequence["Encoding"], batch_tokens: int) -> Iterator[list[int]]:
    """Batches of text numbers, grouped by length to save padding, the longest first."""
    order = sorted(range(len(encodings)), key=lambda i: -len(encodings[i]))
    begin = 0
    while begin < len(order):
        longest = max(1, len(encodings[order[begin]]))
        end = begin + max(1, batch_tokens // longest)
        yield order[begin:end]
        begin = end


def _content(
    encoding: "Encoding", text: str, skip: int
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


def _pieces(text: str, encoding: "Encoding", unknown: Container[int | None]) -> Pieces:
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


_begun: dict[str, "Future[Embedder | None]"] = {}


def begin(model: str) -> None:
    """Open a model's export in a thread; `embedder_for` waits for it, and says what is wrong."""
    from concurrent.futures import ThreadPoolExecutor

    with suppress(RuntimeError):  # there may be no more threads
        _begun[model] = ThreadPoolExecutor(1, "ragqa-model").submit(_exported, model)


def embedder_for(model: str, *, building: bool, dtype: str = "") -> Embedder:
    """Load the embedder of a model: on torch for building, from its export for asking.

    Both give the same results. An export that is missing or damaged is made, which loads torch; a
    model that cannot be exported runs on torch.

    :param model: its name or folder.
    :param building: whether it is to embed many passages, or to start fast.
    :param dtype: the number format for building; "" for the fastest.
    :raises UsageError: there is no such model, or it cannot be loaded.
    :raises IndexUnusable: the weights of the default model are damaged.
    """
    if building:
        return _on_torch(model, dtype)
    begun = _begun.pop(model, None)
    if exported := begun.result() if begun and not begun.exception() else _exported(model):
        return exported
    logger.warning("preparing %s for questions, once; this takes some seconds", model)
    on_torch = _on_torch(model)
    return _exported(model) or on_torch


def _exported(model: str) -> Embedder | None:
    from ragqa.embedders.models import find_model
    from ragqa.embedders.onnx import open_export

    return open_export(find_model(model))


def _on_torch(model: str, dtype: str = "") -> Embedder:
    """Load a model on torch, which would else keep what it compiles where other users may write."""
    from ragqa.config import cache_folder
    from ragqa.safe import private_folder

    with suppress(OSError):
        private_folder(folder := cache_folder() / "torch")
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    from ragqa.embedders.sentence_transformers import load

    return load(model, dtype)


EmbedParts: TypeAlias = Callable[[Sequence[Sequence[str]], Progress], Iterator[Vectors]]
"""Embeds parts of many texts, one after another, and reports as `embed_passages` does."""

Workers: TypeAlias = Callable[[Embedder, Progress], AbstractContextManager[EmbedParts]]
"""Makes what computes the same as this embedder, and ends with the context."""


def here(embedder: Embedder, progress: Progress) -> AbstractContextManager[EmbedParts]:
    """Embed in this process alone; the progress of starting is unused."""
    del progress

    def embed(parts: Sequence[Sequence[str]], progress: Progress) -> Iterator[Vectors]:
        for texts in parts:
            yield embedder.embed_passages(texts, progress=progress)

    return nullcontext(embed)
