"""Web pages, org, PDF, e-books, texts, slides, sheets and mail, by one library: xberg."""

import asyncio
import json
import re
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from html import unescape
from io import BytesIO
from xml.parsers.expat import ParserCreate
from zipfile import BadZipFile, ZipFile

import xberg

from ragqa.notes.blocks import one_line
from ragqa.notes.formats import Document, Place, Unfit, decode_text, paragraphs
from ragqa.text.dates import day_of

_TYPES = {
    "html": ("text/html", ""),
    "org": ("text/x-org", ""),
    "pdf": ("application/pdf", "page"),
    "epub": ("application/epub+zip", ""),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ""),
    "odt": ("application/vnd.oasis.opendocument.text", ""),
    "ods": ("application/vnd.oasis.opendocument.spreadsheet", "sheet"),
    "pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "slide"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "sheet"),
    "rtf": ("application/rtf", ""),
    "eml": ("message/rfc822", ""),
}
"""The type of each format, and what its pages are."""

_NO_TEXT = """
title, nav, footer, button, label, select, dialog, menu, template, iframe, object, canvas,
svg, [hidden], [aria-hidden=true], [style*="display:none"], [style*="display: none"], [role=menu],
[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog], .headerlink,
.linenos, .navbar, .sphinxsidebar, .breadcrumbs, .pagination, .mw-editsection, #cookie-banner
"""
_PAGE = {
    "autolinks": False,
    "bullets": "-",
    "compact_tables": True,
    "escape_asterisks": True,
    "escape_misc": True,
    "escape_underscores": True,
    "exclude_selectors": [selector.strip() for selector in _NO_TEXT.split(",")],
    "extract_metadata": False,
    "max_depth": 300,  # more overflow the stack
    "preprocessing": {"enabled": False},  # it would drop the heading in a <header>
    "skip_images": True,
    "sub_symbol": "<sub>",
    "sup_symbol": "<sup>",  # else 10 to the 4th is 104
}
_OPTIONS = {
    "output_format": "markdown",
    "escape_markdown": True,
    "use_cache": False,
    "disable_ocr": True,
    "max_archive_depth": 0,
    "security_limits": {"max_table_cells": 2_000_000},
    "pages": {"extract_pages": True},
    "images": {"extract_images": False, "inject_placeholders": False},
    "concurrency": {"max_threads": 1},
    "html_options": _PAGE,
}
_CONFIG = xberg.ExtractionConfig.from_json(json.dumps(_OPTIONS))
_HIDDEN = (
    r"(?is)<(script|style|noscript|template|svg|select|nav|footer|title)\b.*?(?:</\1\b|\Z)"
    r"|<(\w+)(?=[^<>]*(?:(?<![\w-])hidden\b|display:\s*none|cookie))[^<>]*>.*?(?:</\2\b|\Z)"
    r"|<!--.*?(?:-->|\Z)"
)
_UNSEEN = re.compile(rf"{_HIDDEN}|<[^<>]*>")
_MAX_SHEET_BYTES = 200_000_000
_CHARSET = re.compile(rb"(?i)<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})")
_TITLE = re.compile(r"(?i)<title[^>]{0,200}>([^<]{0,1000})")
_DATE = re.compile(r"(?i)<(?:meta[^>]{0,200}(?:modif|updat|publi[cs]|\bdate\b)|time)[^>]{0,200}>")
# What an org file says to its author alone.
_ASIDE = re.compile(
    r"""^[ \t]*(?:\#(?:[ \t].*)?
    |\#\+begin_(comment|export)\b.*\n(?:(?![ \t]*\#\+(?:begin|end)_).*\n)*+[ \t]*\#\+end_\1.*
    |:(?:properties|logbook|clock):[ \t]*\n(?:(?![ \t]*:end:|\*).*\n)*+[ \t]*:end:[ \t]*)$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_ORG_TAGS = re.compile(r"(?im)^(?:\*+ .*[ \t]|#\+filetags:[ \t]*):([\w@#%:]+):[ \t]*$")
_ORG_HEADING = re.compile(r"(?m)^\*+ .*")
_ORG_LINK = re.compile(r"\[\[(?:[^]\[\n]+\]\[)?([^]\[\n]+)\]\]")
_MARKUP = (
    r"(?m)[`*]|\\(?=[!-/:-@\[-`{-~])|<(?=[A-Za-z/!?%])|~(?=~)|(?<=~)~|%(?=%)|(?<=%)%"
    r"|(?<!\w)_|_(?!\w)|\[(?=[\[^!])|(?<=\])[(:]|(?<!\S)#(?=\S)|&(?=#?\w+;)"
    r"|^(?:[>|+=]|#(?=#*(?:\s|$))|-(?=\s|[- ]*$))"
)
"""What Markdown or Obsidian would take for markup in the name of a sheet."""

_MARKS = re.compile(
    r"(?ms)^[ \t]*(`{3,}).*?^[ \t]*\1|`[^`\n]+`|^[ \t]*\d+\\[.)]"
    r"|(?P<extra>(?<=[^\s\\])\\(?=[.!+-])|\\(?=&(?!\#?\w+;)))|%%"
)
"""Code and numbers at the start, to be left as they are; needless escapes; Obsidian's comments."""


def convert(name: str, data: bytes) -> Document:
    """Convert a file of the format with this name; only in the child process; or `Unfit`."""
    mime, what = _TYPES[name]
    source, data, warnings = _prepared(name, data)
    given = xberg.ExtractInput(kind="bytes", bytes=data, mime_type=mime)
    try:
        made = asyncio.run(xberg.extract(given, _CONFIG)).results[0]
    except (RuntimeError, ValueError, IndexError) as exc:
        raise Unfit(f"it cannot be read: {one_line(str(exc))[:200]}") from exc
    pages, text, places = (made.pages or []) if what else [], "", list[Place]()
    for page in pages:
        places.append(Place(len(text), page.page_number))
        sheet = re.sub(_MARKUP, r"\\\g<0>", one_line(page.sheet_name or ""))
        text += f"## {sheet}\n\n" * bool(sheet) + _plain(page.content)
    text = (text or _plain(made.content)).rstrip("\n") + "\n"
    if not text.strip("\ufeff \n"):
        raise Unfit("no text was found in it")
    what, places = (what, places) if places else ("paragraph", [*paragraphs(text)])

    about, additional = made.metadata, made.metadata.additional or {}
    titles = [about.title, about.subject, additional.get("directive_title", "").strip('"')]
    dates = [additional.get("directive_date"), about.modified_at, about.created_at]
    if name == "html":
        titles += map(unescape, _TITLE.findall(source))
        dates = _DATE.findall(source)
    title = one_line(next(filter(None, titles), ""))
    if (heading := re.search(r"(?m)^# (.+)", text)) and heading[1] in title:
        title = heading[1]
    tags = ":".join(_ORG_TAGS.findall(source) if name == "org" else ()).split(":")
    warnings += _lost(source, text) if name == "html" else ()
    if name == "pdf" and (blank := sum(bool(page.is_blank) for page in pages)):
        warnings = (f"{blank:,} of its {len(pages):,} pages have no text: perhaps they are scans",)
    return Document(
        text, what, (*places,), title, tuple(filter(None, tags)), _date_of(dates), warnings
    )


def _lost(source: str, text: str) -> tuple[str, ...]:
    """A warning if less than half of the words that a page shows are in its text."""
    shown, arrived = len(_UNSEEN.sub(" ", source).split()), len(text.split())
    if 2 * arrived >= shown:
        return ()
    return (f"words are lost: only {arrived / shown:.0%} of those that the page shows were read",)


def _prepared(name: str, data: bytes) -> tuple[str, bytes, tuple[str, ...]]:
    """The text of a page or an org file, what the library gets, and warnings."""
    if name == "ods":
        # At broken content the library would wait for the end for ever.
        try:
            with ZipFile(BytesIO(data)) as archive, archive.open("content.xml") as content:
                if archive.getinfo("content.xml").file_size > _MAX_SHEET_BYTES:
                    raise Unfit(f"it unpacks to more than {_MAX_SHEET_BYTES:,} bytes")
                ParserCreate().ParseFile(content)
        except (BadZipFile, KeyError) as exc:
            raise Unfit("it is not an OpenDocument sheet, or damaged") from exc
    if name == "eml":
        return "", _mail_without_hidden(data), ()
    if name not in ("html", "org"):
        return "", data, ()
    source, warnings = _decode(data)
    if name == "org":
        source = _ASIDE.sub("", source.replace("\r\n", "\n"))
        # The library leaves links in headings as they are.
        source = _ORG_HEADING.sub(lambda line: _ORG_LINK.sub(r"\1", line[0]), source)
    return source, source.encode("utf-8", "replace"), warnings


def _mail_without_hidden(data: bytes) -> bytes:
    """The mail without styles, scripts and what its HTML hides."""
    mail = message_from_bytes(data, policy=policy.default)
    try:
        for part in mail.walk():
            if part.get_content_type() == "text/html":
                part.set_content(re.sub(_HIDDEN, " ", part.get_content()), subtype="html")
        return mail.as_bytes()
    except (LookupError, ValueError, TypeError, AttributeError) as exc:
        raise Unfit("it is a damaged mail") from exc


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Decode a text: as UTF-8, else as a web page says itself, else as any note."""
    charset = None if b"\0" in data else _CHARSET.search(data, 0, 4096)
    try:
        text, warnings = decode_text(data)
        if not (charset and warnings):
            return text, warnings
    except Unfit:
        if charset is None:
            raise
    return data.decode(charset[1].decode(), "replace"), ()


def _date_of(dates: Iterable[str | None]) -> str:
    """The first date, as ISO or mail writes it; "" for none."""
    for written in filter(None, dates):
        try:
            return day_of(written) or parsedate_to_datetime(written).date().isoformat()
        except ValueError:
            continue
    return ""


def _plain(text: str) -> str:
    text = text.replace("\0", "").replace("\r\n", "\n").strip("\n") + "\n\n"
    return _MARKS.sub(lambda it: "" if it["extra"] else r"\%\%" if it[0] == "%%" else it[0], text)
