"""Transformer models to embedders, and the one for asking: an export on ONNX Runtime, no torch.

An export is a folder in the user's cache, named by its model's digest. This module opens exports;
`ragqa.embedders.sentence_transformers` makes them. The embedders for building and for asking differ
only in their model, so they cannot drift apart.
"""

import hashlib
import logging
import os
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Encoding, Tokenizer

from ragqa.config.files import cache_folder
from ragqa.embedders.models import ModelFolder, digests, read_json
from ragqa.errors import IndexUnusable
from ragqa.safe import private_folder, why_not_private
from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vectors

if TYPE_CHECKING:
    from ragqa.embedders.sentence_transformers import TorchModel

Inputs: TypeAlias = Mapping[str, npt.NDArray[np.int64]]
"""Arrays of shape (texts, tokens), by the model's name for them."""

SENTENCE = "sentence"
TOKENS = "tokens"

EXPORT_VERSION = 2
"""Part of an export's name; raise it when the export changes."""

MODEL_FILE = "model.onnx"
WEIGHTS_FILE = "weights.bin"
TOKENIZER_FILE = "tokenizer.json"
META_FILE = "meta.json"
EXPORTED_FILES = (MODEL_FILE, WEIGHTS_FILE, TOKENIZER_FILE)

_CURRENT = ("name", "revision", "query_prompt", "passage_prompt")
"""What an export records of its model, and takes from the one that is there."""

GROUP_TEXTS = 2048
"""How many passages are tokenised and sorted at once; each takes some 20 kB of tokens."""

MAX_THREADS = 8

_FIELDS = {
    "input_ids": "ids",
    "attention_mask": "attention_mask",
    "token_type_ids": "type_ids",
}
_UNKNOWN = ("[UNK]", "<unk>")
"""What tokenizers call a piece that they do not know."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")

logger = logging.getLogger("ragqa")


class TransformerEmbedder:
    """An `Embedder` made of a tokenizer and a model.

    :param tokenizer: with the model's padding settings; the embedder takes it over.
    """

    def __init__(
        self,
        *,
        info: EmbedderInfo,
        dtype: str,
        tokenizer: Tokenizer,
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
    ) -> list[Encoding]:
        if truncate:
            self._tokenizer.enable_truncation(self.info.window)
        else:
            self._tokenizer.no_truncation()
        return self._tokenizer.encode_batch([prompt + encodable(text) for text in texts])

    def _run(self, encodings: Sequence[Encoding], *outputs: str) -> list[Vectors]:
        names = self._model.input_names
        inputs = padded(encodings, names, pad_id=self._pad_id, pads_left=self._pads_left)
        return self._model.run(inputs, outputs)


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


class OnnxModel:
    """An ONNX Runtime session: computes outputs, such as embeddings, from token ids.

    A question's 20 to 30 candidate sentences take a third less time, and 40 MB less memory, in
    small batches of similar length than in one padded batch.

    :param hint: what to do if the model cannot be used.
    :param optimised: whether its graph was optimised when it was written.
    :raises IndexUnusable: the file is damaged, or needs another version of ONNX Runtime.
    """

    batch_tokens = 256

    def __init__(self, path: Path, *, hint: str, optimised: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        options.intra_op_num_threads = min(cores or 1, MAX_THREADS)
        options.log_severity_level = 4  # fatal only: errors are raised anyway
        # Packing the weights takes 40 ms at start and saves 4 ms a question; most runs ask one.
        options.add_session_config_entry("session.disable_prepacking", "1")
        # Spinning is no faster, and much slower when other processes run too.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if optimised:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._path, self._hint = path, hint
        with self._translated():
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        self.input_names = tuple(node.name for node in self._session.get_inputs())
        self.output_names = tuple(node.name for node in self._session.get_outputs())

    def run(self, inputs: Inputs, outputs: Sequence[str]) -> list[Vectors]:
        """Compute the named outputs for each text in order.

        `SENTENCE` has shape (texts, dimension), `TOKENS` (texts, tokens, dimension).

        :raises IndexUnusable: ONNX Runtime fails.
        """
        with self._translated():
            return [np.asarray(output) for output in self._session.run(list(outputs), dict(inputs))]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as exc:  # ONNX Runtime's errors have no common base class
            reason = str(exc).partition("\n")[0]
            raise IndexUnusable(
                f"the model in {self._path} cannot be used: {reason}", hint=self._hint
            ) from exc


def open_files(folder: Path, info: EmbedderInfo) -> TransformerEmbedder:
    """Open the files of an export.

    :raises Exception: they are damaged, or need other versions of the libraries; tokenizers raises
        nothing narrower.
    """
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    model = OnnxModel(folder / MODEL_FILE, hint=f"rm -r {folder}", optimised=True)
    return TransformerEmbedder(info=info, dtype="float32", tokenizer=tokenizer, model=model)


def export_folder(model: ModelFolder) -> Path:
    """The folder of a model's export, which need not exist."""
    key = hashlib.sha256(f"{EXPORT_VERSION} {model.key}".encode()).hexdigest()
    return cache_folder() / "onnx" / key[:32]


def open_export(model: ModelFolder) -> TransformerEmbedder | None:
    """Open a model's export; None if there is none, or it is damaged."""
    folder = export_folder(model)
    meta = read_json(folder / META_FILE, dict[str, dict[str, Any]])
    try:
        if meta and _is_sound(folder, meta["files"]):
            current = {name: getattr(model, name) for name in _CURRENT}
            return open_files(folder, EmbedderInfo(**(meta["info"] | current)))
    except Exception as exc:  # noqa: BLE001 - damage may raise anything; it is made anew
        logger.debug("the export in %s is damaged: %s", folder, exc)
    return None


def _is_sound(folder: Path, expected: Mapping[str, str]) -> bool:
    """Whether an export's files have the recorded digests, and nobody else can have put them there.

    :raises OSError: one of them cannot be read.
    """
    private_folder(folder.parent)  # so that nobody replaces it between this check and its use
    own = (folder, *(folder / name for name in (META_FILE, *EXPORTED_FILES)))
    if problem := next(filter(None, map(why_not_private, own)), ""):
        _warn_once(folder, problem)
        return False
    current = digests(folder / name for name in EXPORTED_FILES)
    return {path.name: sha256 for path, sha256 in current.items()} == expected


@cache
def _warn_once(folder: Path, problem: str) -> None:
    """Say once that an export is made anew, however often it is looked for."""
    logger.warning("the model kept in %s is not used, and made anew: %s", folder, problem)
