"""Bytes and JSON made worse: what a fuzzer without coverage tries."""

import json
import random
from collections.abc import Sequence
from typing import Any

LONG_BYTES = 100_000
HALF = 0.5

TOKENS: Sequence[bytes] = [
    token.encode("utf-8", "surrogatepass")
    for token in (
        *("# ", "## ", "- ", "1. ", "> ", "    ", "\t", "```", "~~~", "---\n", "...\n", "===\n"),
        *("| a | b |\n", "|---|---|\n", "|", "<div>", "<!--", "-->", "[a]: /b\n", "[^1]", "[", "]"),
        *("](", ")", "(", "[[a|b]]", "![[", "`", "**", "_", "*", "~~", "\\", "&amp;", "&#0;", "$$"),
        *("title: ", "tags: [", "date: 2024-02-30\n", "{{", "!!python/object", "&a ", "*a", "? "),
        *("Cats sleep 12 hours. ", "Cats do not sleep. ", "e.g. ", "Dr. ", "3.14", "1,000", "12%"),
        *("\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\xa0", "\ufeff"),
        *("\x00", "\x1b[31m", "\x1b]52;c;aGk=\x07", "\x9b5m", "\u202e", "\u2066", "\U000e0041"),
        *("\u0301", "\u200d", "\u200f", "\u4e2d\u6587", "\u0e01", "\U0001f600", "\ufffd", "\u0130"),
        *("[1]", "[2][3]", "[1-3]", "[99]", "\u30103\u2020source\u3011", "[link=https://evil.a]"),
        *("https://evil.example/?q=", "javascript:", "data:", "mailto:", "www.", "<https://a.b>"),
        *(
            '{"',
            '": ',
            '"',
            "null",
            "NaN",
            "Infinity",
            "-1",
            "1e999",
            "9" * 400,
            "true",
            "[]",
            "{}",
        ),
        *("\\ud800", "\\u0000", "_id", "text", "gold", "quote", "note", "part", "answer"),
        *("corpus = ", "index = ", "embedder = ", "llm = ", "passage_tokens = ", "top_k = "),
        *("\ud800", "NO ANSWER", "not ", "never ", "before ", "more than ", "January 5, 2024"),
    )
] + [b"\xff", b"\xff\xfe", b"\xfe\xff\x00", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"]

HOSTILE: Sequence[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63), 2**64, 10**400, 0.5, -0.0,
    1e308, float("inf"), float("-inf"), float("nan"), "", "x", "\x00", "\x1b[31m",
    "\u202e", "\ud800", "../../etc/passwd", "/etc/passwd", "/dev/zero", "a\x00b", "a/../b",
    ".", "..", "x" * 70_000, "2024-02-30", [], {}, [[]], [None], {"": None}, [1, 2], [0, 10**9],
    [-5, -1], [10, 3], ["a", "b"],
]  # fmt: skip
"""Values that JSON can hold and no honest file does."""


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Some seed, changed in a few places."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 3, 5, 10, 30))):
        at = rng.randrange(len(data) + 1)
        size = rng.choice((1, 2, 4, 8, 30, 300))
        match rng.randrange(7):
            case 0:
                data[at : at + size] = b""
            case 1:
                data[at:at] = data[at : at + size] * rng.choice((1, 2, 9))
            case 2:
                data[at:at] = rng.choice(TOKENS) * rng.choice((1, 1, 1, 2, 40))
            case 3:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 4:
                other = rng.choice(seeds)
                start = rng.randrange(len(other) + 1)
                data[at:at] = other[start : start + size]
            case 5:
                value = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
                data[at : at + size] = bytes([value]) * len(data[at : at + size])
            case _:
                data[at : at + 4] = rng.choice(
                    (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\0\0\0\0")
                )
    return bytes(data)


def long(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A few tokens, or a piece of a seed, again and again: what shows time that is not linear."""
    del seeds
    unit = b"".join(rng.choice(TOKENS) for _ in range(rng.choice((1, 1, 2, 2, 3, 5))))
    between = rng.choice((b"", b"", b" ", b"\n", b"\n\n", b"a", b" a ", b"a\n"))
    first = rng.choice((b"", b"", b"Cats sleep. ", b"# Cats\n\n", b"---\n", rng.choice(TOKENS)))
    unit += between
    return b"\x00\x01" + first + unit * (LONG_BYTES // len(unit))


def worse_document(rng: random.Random, data: bytes) -> bytes | None:
    """The same JSON, JSON line or line of TOML behind the first byte, made worse; None if none."""
    whole, lines = data[1:], data[1:].split(b"\n")
    at = rng.randrange(len(lines))
    try:
        return data[:1] + _dumped(worse(rng, json.loads(whole)))
    except (ValueError, RecursionError):
        pass
    try:
        lines[at] = _dumped(worse(rng, json.loads(lines[at])))
    except (ValueError, RecursionError):
        name, equals, _ = lines[at].partition(b" = ")
        if not equals:
            return None
        lines[at] = name + equals + _dumped(rng.choice(HOSTILE)).lower()
    return data[:1] + b"\n".join(lines)


def _dumped(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps(value).encode()


def mixed(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Some seed, changed as the document that it is or as the bytes that it is."""
    document = worse_document(rng, rng.choice(seeds)) if rng.random() < HALF else None
    return document or mutated(rng, seeds)


def worse(rng: random.Random, value: Any, *, share: float = 0.05) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value with some of its parts replaced, dropped or doubled."""
    if rng.random() < share:
        return rng.choice(HOSTILE)
    if isinstance(value, dict):
        kept = {key: worse(rng, each, share=share) for key, each in value.items()}
        if kept and rng.random() < share:
            del kept[rng.choice(list(kept))]
        if rng.random() < share:
            kept[str(rng.choice(HOSTILE))] = rng.choice(HOSTILE)
        return kept
    if isinstance(value, list):
        items = [worse(rng, each, share=share) for each in value]
        return items + items if rng.random() < share else items
    if isinstance(value, int) and not isinstance(value, bool) and rng.random() < share:
        return value + rng.choice((-1, 1, 1000, -1000))
    return value
