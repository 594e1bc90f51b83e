"""Where a sentence ends, and where it only looks so."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import trying

from ragqa.text.sentences import sentence_spans


def sentences(text):
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "text",
    [
        "See e.g. Fig. 3 for the curve, i.e. the loss.",
        "It was shown by Smith et al. (2021) and Jones et al. in Sec. 2 of vol. 4, pp. 3-5.",
        "Dr. Smith and Prof. Jones met Mr. J. R. R. Tolkien in St. Louis, cf. no. 5.",
        "In *Moffatt v. Air Canada* (2024) the airline lost.",
        "The U.S. in 1990 and the U.S. Army had ca. 500 of them.",
        "The U.K. and the E.U. are, approx. 5 years on, vs. each other.",
        "From 9 a.m. to 5 p.m. on Mon. and Tue. he works.",
        "Version 3.11.2 is 3.5 GB, see https://a.b/c.html?x=1.2 and README.md for it.",
        "Use asyncio.Queue, System.Out.println and Node.js here.",
        "Then `c. D` and ``x. Y`` are code.",
        "See [a link. With a stop](http://a.b/c. D) here.",
        "See [[A note. With a stop]] here.",
        "Wait ... what, and then … he left.",
        "She has a Ph.D. in physics.",
        "Apple Inc. Chief Tim Cook spoke on Jan. 3.",
        "1. First item",
        "**1. Foo**",
        "a) It is this",
        "He said “Stop. Go. Now” and left.",
        'He said "Stop. Go. Now" and left.',
        "It costs (as of Oct. It may change) 5 dollars.",
        "Yahoo! is a company.",
        "Das ist z. B. die Zahl, d. h. nr. 5 bzw. mehr.",
        "Das Treffen ist am 3. Mai 2024 und am 21. des Monats.",
        "Im 19. Jahrhundert war die 2. Auflage ggf. teurer, vgl. Abschnitt 4 inkl. Anhang.",
        "Es sind 3,5 Mio. Euro, usw. und so fort.",
        "Ludwig XIV. war König.",
        "Er sagte: „Geh. Bleib nicht.“",
        "El Sr. García y la Sra. López, p. ej. los dos, viven en EE. UU. desde 1990.",
        "Véase la pág. 12 y el núm. 4.",
        "Il a dit « Bonjour ! Ça va ? » et partit.",
        "M. Dupont et Mlle Durand, p. ex. Paris, c.-à-d. demain, cf. chap. 3.",
        "Ad es. questo, ecc. e il sig. Rossi a pag. 3.",
        "O Sr. Silva e a Sra. Souza no séc. XX.",
        "where $x. Y$ is",
        "no end at all",
        "?!",
        "... - ...",
    ],
)
def test_one_sentence_stays_one(text):
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    "parts",
    [
        ["We used GPT-4o.", "It works."],
        ["That is all.", "lower case begins too."],
        ["What?!", "Really!", "Yes."],
        ["Wait…", "Then go."],
        ["**Bold sentence.**", "Next here.", "_Note._", "Next.", "==Mark.==", "Next."],
        ["Foot note.[^1]", "Next.[1][2]", "Next.¹", "Next."],
        ['He said "Stop."', "Then left.", "“Quoted.”", "Next.", "(It works.)", "Next."],
        ["(She did. He did.)", "They."],
        ["Tools (hammers, etc.).", "Nails, etc.", "Then go."],
        ["In the U.S.", "The next one was at 5 p.m.", "Then we left Apple Inc.", "The end."],
        ["So do I.", "He scored 3.", "Then 4.", "In 2020.", "The next."],
        ["The answer is no.", "Then go."],
        ["See ref. [1].", "See refs. 1, 2.", "See thm. 4."],
        ["1. First item.", "Second sentence."],
        ["See https://a.b/c.html?x=1.", "Then go."],
        ["<b>Bold.</b>", "Next.<br>", "Last."],
        ["emoji 😀.", "Next."],
        ["यह वाक्य है।", "दूसरा वाक्य।"],
        ["„Das ist gut.“", "Er ging."],
        ["Die 2. Partition ist voll.", "Danach nicht."],
        ["¿Qué es Debian?", "Es un sistema.", "¡Sí!", "¿Y tú?"],
        ["Pourquoi ?", "Parce que.", "Il dit : « Viens. »", "Elle vint."],
    ],
)
def test_sentences_are_told_apart(parts):
    assert sentences(" ".join(parts)) == parts


@pytest.mark.parametrize(
    "parts",
    [
        ["这是一句话。", "这是第二句！", "真的吗？", "是的"],
        ["他说（对。）", "然后走了。"],
        ["「はい。」", "次です。"],
        ["这是**重点。**", "然后。", "**开始**了。"],
        ["*重点。*", "另一点。"],
    ],
)
def test_scripts_without_spaces_have_sentences_too(parts):
    assert sentences("".join(parts)) == parts


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\n> ", "\n>> ", "\n   ", "  \n"])
def test_a_line_end_is_white_space_and_ends_no_sentence(line_end):
    wrapped = f"A sentence that is{line_end}wrapped. And the{line_end}next one."
    assert sentences(wrapped) == [
        f"A sentence that is{line_end}wrapped.",
        f"And the{line_end}next one.",
    ]


def test_a_quote_mark_belongs_to_the_sentence_that_it_stands_before():
    assert sentences("> One.\n> Two.") == ["> One.", "> Two."]


@pytest.mark.parametrize("blank", ["\n\n", "\r\n\r\n", "\r\r", "\n \t\n", "\n>\n"])
def test_a_blank_line_ends_a_sentence(blank):
    found = sentences(f"No stop here{blank}Next")
    assert len(found) == 2
    assert found[0] == "No stop here"


def test_a_list_marker_at_a_line_begin_starts_a_sentence():
    assert sentences("Steps:\n- one\n- two\n3. three") == ["Steps:", "- one", "- two", "3. three"]


def test_nothing_has_no_sentences():
    assert sentence_spans("") == sentence_spans(" \n\t") == []


WORDS = st.sampled_from(["A b", "e.g.", "U.S.", "1.", "汉", "😀", "\u00a0", "\u2028", "\x1c", "\0"])
MARKS = st.sampled_from(
    [".", "。", "!", "…", "**", '"', "”", "(", ")", "`", "[^1]", "$", "</b>", "<br>"]
)
SPACES = st.sampled_from([" ", "\n", "\r\n", "\n\n", "> ", "- "])


@trying(300)
@given(st.lists(WORDS | MARKS | SPACES | st.text(max_size=3), max_size=30).map("".join))
@example("B\u00a0.")
def test_sentences_hold_all_that_is_not_white_space(text):
    spans = sentence_spans(text)
    position = 0
    for start, end in spans:
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()
