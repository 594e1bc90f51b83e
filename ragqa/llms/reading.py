"""Read a completion out of a server's untrusted bytes: lines, server-sent events, JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ragqa.errors import BackendFailed
from ragqa.llms.faults import broke_off, check_end, check_prompt

_BOM = b"\xef\xbb\xbf"
_END_MARK = b"[DONE]"


def streamed_text(found: Iterable[bytes], *, reports_usage: bool = False) -> Iterator[str]:
    """Yield the text of a streamed completion as its lines arrive.

    :param reports_usage: the server says last how many tokens of the prompt it read.
    :raises BackendFailed: it reports an error, is malformed or incomplete.
    """
    is_ended = False
    for message in events(found):
        if message.strip() == _END_MARK:
            return
        value = _without_error(message)
        if reports_usage:
            check_prompt(part(value, "usage", "prompt_tokens"))
        choice = part(value, "choices", 0)
        yield text_at(choice, "delta", "content")
        reason = text_at(choice, "finish_reason")
        check_end(reason)
        is_ended = is_ended or bool(reason)
        if is_ended and not reports_usage:
            return
    if not is_ended:
        raise broke_off()


def whole_text(reply: bytes) -> Iterator[str]:
    """Yield the text of a completion in a single document; raises as `streamed_text` does."""
    choice = part(_without_error(reply), "choices", 0)
    if part(choice, "message") is None:
        raise not_a_completion()
    yield text_at(choice, "message", "content")
    check_end(text_at(choice, "finish_reason"))


def _without_error(text: bytes) -> dict[str, Any]:
    value = read_object(text)
    if error := error_in(value):
        raise BackendFailed(f"failed: {error}")
    return value


def lines(chunks: Iterable[bytes], *, max_line: int, max_bytes: int) -> Iterator[bytes]:
    """Split chunks into lines at line feeds.

    :raises BackendFailed: a line or the whole is too long.
    """
    pending, total = bytearray(), 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise BackendFailed(f"sent more than {max_bytes:,} bytes")
        pending += chunk
        if b"\n" in chunk:
            *ended, rest = bytes(pending).split(b"\n")
            pending = bytearray(rest)
            yield from (_line(line, max_line) for line in ended)
        if len(pending) > max_line:
            raise _too_long(max_line)
    if pending:
        yield _line(bytes(pending), max_line)


def _line(line: bytes, max_line: int) -> bytes:
    if len(line) > max_line:
        raise _too_long(max_line)
    return line.removesuffix(b"\r")


def _too_long(max_line: int) -> BackendFailed:
    return BackendFailed(f"sent a line of more than {max_line:,} bytes")


def events(found: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each server-sent event in a stream's lines (WHATWG HTML, section 9.2).

    Event names and ids are ignored: LLM servers put everything into the data. An unterminated last
    event counts, too, since some servers send one.
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
    """Parse one JSON object.

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
    """The failure of a malformed reply."""
    return BackendFailed("sent something that is not the JSON of a completion")


def part(value: object, *path: str | int) -> Any:  # noqa: ANN401 - the value of any JSON
    """The JSON value at a path of keys and positions, None if there is none."""
    for step in path:
        if isinstance(step, int) and isinstance(value, list) and len(value) > step:
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def text_at(value: object, *path: str | int) -> str:
    """The text at a path, "" if there is none."""
    found = part(value, *path)
    return found if isinstance(found, str) else ""


def error_in(value: object) -> str:
    """A server's error message, in any of the usual forms; "" for none."""
    error = part(value, "error")
    if not error:
        return ""
    return text_at(error, "message") or (error if isinstance(error, str) else "an unnamed error")
