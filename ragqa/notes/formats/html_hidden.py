"""Which elements of a page are no text: scripts, navigation, controls, banners, hidden parts."""

import re

from ragqa.notes.formats.html_tags import Tag
from ragqa.text.words import word_set

VOID = word_set("area base br col embed hr img input link meta param source track wbr")
"""Elements without an end."""

MAIN = frozenset({"main", "article"})

_NO_TEXT = word_set(
    """script style noscript template nav footer button select option datalist svg iframe
    object canvas dialog menu textarea audio video label noframes noembed"""
)
_OUTSIDE_MAIN = frozenset({"header", "aside"})
_ROLES = word_set(
    """navigation banner contentinfo search complementary dialog alertdialog menu menubar toolbar
    tablist alert"""
)
_NOT_HIDDEN = MAIN | {"html", "body"}
_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NAMES = word_set(
    """breadcrumb breadcrumbs consent cookie cookies gdpr headerlink linenos mw-editsection navbar
    pagination skip-link sphinxsidebar"""
)
_BANNER = re.compile(
    r"(?:cookie|consent|gdpr)[\w-]{0,30}?(?:banner|bar|box|consent|dialog|message|modal|notice"
    r"|overlay|popup)"
)
_MAX_NAMES = 1_000


def is_hidden(tag: Tag, *, in_main: bool) -> bool:
    """Whether an element is no text of its page.

    :param in_main: whether it is inside the page's main part or an article.
    """
    name = tag.name
    if name in _NO_TEXT or (name in _OUTSIDE_MAIN and not in_main):
        return True
    has = tag.attributes
    if not has or name in _NOT_HIDDEN:
        return False
    if "hidden" in has or has.get("aria-hidden", "").lower() == "true":
        return True
    names = f"{has.get('id', '')} {has.get('class', '')}"[:_MAX_NAMES].lower()
    return bool(
        has.get("role", "").lower() in _ROLES
        or _STYLE.search(has.get("style", ""))
        or not _NAMES.isdisjoint(names.split())
        or _BANNER.search(names)
    )


def is_main(tag: Tag) -> bool:
    """Whether an element is the page's main part."""
    return tag.name in MAIN or tag.attributes.get("role", "").lower() in MAIN
