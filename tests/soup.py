"""Text in which each bit may be markup, and what a parser makes of it."""

from hypothesis import strategies as st
from markdown_it import MarkdownIt

MARKUP = st.sampled_from(
    [
        "![x](http://evil.example/x.png)",
        "[x](http://evil.example)",
        "[[wikilink]]",
        "![[embed]]",
        "<img src=x onerror=y>",
        "<!--",
        "-->",
        "<https://evil.example>",
        "```",
        "````\n",
        "~~~",
        "`",
        "\n",
        "\n\n",
        "    ",
        "\t",
        "---",
        "===",
        "# ",
        "> ",
        "- ",
        "1. ",
        "| a | b |\n|---|---|",
        "[1]: http://evil.example",
        "\\",
        "&lt;",
        "&#60;",
        "**",
        "_",
        "\x1b[31m",
        "\u202e",
        "\r",
        '{"ragqa_answer": 1}',
        "word",
        "\u732b",
        "\udcff",
    ]
)
NASTY = st.lists(MARKUP, max_size=10).map("".join) | st.text(alphabet=st.characters(), max_size=30)


def tokens_of(markdown):
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [inner for token in parsed for inner in [token, *(token.children or ())]]
