"""Links that an LLM writes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.generation.draft import REMOVED, without_links


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See [the notes](https://a.b/c?q=1) now.", "See the notes now."),
        ("See ![it](https://a.b/(c)d).", f"See ![it]({REMOVED})."),
        ("See https://a.b/c, please.", f"See {REMOVED}, please."),
        ("See <https://a.b>.", f"See <{REMOVED}>."),
        ("See www.a.b/c now", f"See {REMOVED} now"),
        ("```py\nf[name](x)\nget('https://a.b')\n```", f"```py\nf[name](x)\nget('{REMOVED}')\n```"),
        *((text, text) for text in ("It costs 3:4, e.g. a:b.", "`calls[name](x)`", "a[1]")),
        ("It is at https://wiki.here/page.", "It is at https://wiki.here/page."),
    ],
)
def test_what_a_link_says_and_what_was_given_stays_and_where_else_it_leads_does_not(text, shown):
    assert without_links(text, "Our wiki: https://wiki.here/page") == shown


@given(st.text(alphabet="[]()!<>`:/htps. wa", max_size=80))
def test_no_address_is_left(text):
    assert not re.search(r"https://[a-z]", without_links(text, ""))
