"""Bytes of a server to messages: lines, server-sent events, JSON. All of it is untrusted."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ragqa.errors import BackendFailed

_BOM = b"\xef\xbb\xbf"


def lines(chunks: Iterable[bytes], *, max_line: int, max_bytes: int) -> Iterator[bytes]:
    """Cut what arrives at its line feeds, wherever the chunks were cut.

    :raises BackendFailed: a line or the whole is longer than that.
    """
    pending: list[bytes] = []
    size = total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise BackendFailed(f"sent more than {max_bytes:,} bytes")
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield _line([*pending, end], max_line)
            pending.clear()
            size = 0
        pending.append(rest)
        size += len(rest)
        if size > max_line:
            _line(pending, max_line)
    if size:
        yield _line(pending, max_line)


def _line(parts: list[bytes], max_line: int) -> bytes:
    line = b"".join(parts)
    if len(line) > max_line:
        raise BackendFailed(f"sent a line of more than {max_line:,} bytes")
    return line.removesuffix(b"\r")


def events(found: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each server-sent event, of the lines of a stream (WHATWG HTML, section 9.2).

    Names and numbers of events are left out: all that LLM servers say is in the data. An event
    that the end of the stream cuts off is given, too; some servers do not end their last.
    """
    data: list[bytes] = []
    for number, line in enumerate(found):
        text = line.removeprefix(_BOM) if number == 0 else line
        name, _, value = text.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif not text and data:
            yield b"\n".join(data)
            data = []
    if data:
        yield b"\n".join(data)


def read_object(text: bytes) -> dict[str, Any]:
    """Read one JSON object.

    :raises BackendFailed: it is something else.
    """
    try:
        value = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise not_a_completion()
    return value


def not_a_completion() -> BackendFailed:
    """The failure that a reply is not of the form that it should have."""
    return BackendFailed("sent something that is not the JSON of a completion")


def part(value: object, *path: str | int) -> Any:  # noqa: ANN401 - the value of any JSON
    """What lies at a path of keys and positions inside of JSON, None where nothing does."""
    for step in path:
        if isinstance(step, int) and isinstance(value, list) and len(value) > step:
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def text_at(value: object, *path: str | int) -> str:
    """The text at a path, "" where there is none."""
    found = part(value, *path)
    return found if isinstance(found, str) else ""


def error_in(value: object) -> str:
    """What a server says about a failure, in the forms that servers use; "" for none."""
    error = part(value, "error")
    if not error:
        return ""
    return text_at(error, "message") or (error if isinstance(error, str) else "an unnamed error")
