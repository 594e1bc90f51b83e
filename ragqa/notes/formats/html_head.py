"""What a page says about itself: encoding, title and date."""

import re
from dataclasses import dataclass
from html import unescape

from ragqa.notes.decoding import Unfit, decode_text
from ragqa.notes.formats.html_tags import Tag
from ragqa.notes.lines import one_line
from ragqa.notes.parse import date_in
from ragqa.text.words import word_set

_MODIFIED = word_set(
    """article:modified_time og:updated_time last-modified dcterms.modified dc.date.modified
    datemodified revised"""
)
_PUBLISHED = word_set(
    """article:published_time date dc.date dcterms.date dcterms.created dc.date.issued pubdate
    datepublished publish_date citation_publication_date"""
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


def decode(data: bytes) -> str:
    """Decode a page: as UTF-8, else as it says itself.

    :raises Unfit: it is neither.
    """
    try:
        return decode_text(data)
    except Unfit:
        found = _CHARSET.search(data, 0, 4096)
        if found is None or b"\0" in data:
            raise
    try:
        text = data.decode(found[1].decode("ascii"))
        text.encode("utf-8")  # no half of a pair
    except (UnicodeError, LookupError) as exc:
        name = found[1].decode("ascii")
        raise Unfit(f"neither UTF-8 nor {name}, as it says; save it as UTF-8") from exc
    return text


@dataclass
class Head:
    """Collects what tags say about the page."""

    title: str = ""
    modified: str = ""
    published: str = ""
    time: str = ""

    @property
    def date(self) -> str:
        """The date of the page: of its last change, if it says that."""
        return self.modified or self.published or self.time

    def read(self, tag: Tag) -> None:
        """Read what a tag says."""
        if tag.closes:
            return
        if tag.name == "title" and not self.title:
            end = tag.source.find("</", tag.end)
            self.title = one_line(unescape(tag.source[tag.end : end if end >= 0 else tag.end]))
        elif tag.name == "meta":
            self._meta(tag.attributes)
        elif tag.name == "time" and not self.time:
            self.time = date_in(tag.attributes.get("datetime", ""))

    def _meta(self, has: dict[str, str]) -> None:
        names = (has.get(key, "") for key in ("name", "property", "itemprop", "http-equiv"))
        name = next(filter(None, names), "").lower()
        content = has.get("content", "")
        if name in _MODIFIED:
            self.modified = self.modified or date_in(content)
        elif name in _PUBLISHED:
            self.published = self.published or date_in(content)
