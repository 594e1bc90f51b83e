"""Decode the bytes of a text file, or say why it is no text."""

import codecs


class Unfit(Exception):
    """The file is not a readable note, for the reason given."""


class NotYet(Unfit):
    """The file could be read if something were installed."""


def decode_text(data: bytes) -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark; the mark is dropped.

    :raises Unfit: it is something else.
    """
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unfit("UTF-32; save it as UTF-8")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode_utf16(data)
    nul = data.find(b"\0")
    if nul >= 0:
        raise Unfit(f"binary: a NUL at byte {nul:,}")
    body = data.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as exc:
        at = len(data) - len(body) + exc.start
        raise Unfit(f"not UTF-8: byte {at:,} is invalid; save it as UTF-8") from exc


def _decode_utf16(data: bytes) -> str:
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError as exc:
        reason = f"not UTF-16: byte {exc.start:,} is invalid; save it as UTF-8"
        raise Unfit(reason) from exc
    if "\0" in text:
        raise Unfit(f"binary: a NUL at character {text.index(chr(0)):,}")
    return text
