"""The stretch of a note around the sentence that answers."""

from textwrap import dedent

import pytest
from excerpting import MARKDOWN, asked, excerpt, layout_of, passages_of
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.answering import excerpt_runs
from ragqa.answering.excerpt_runs import SHORT_SCORE_SHARE, Wanted, excerpt_around
from ragqa.answering.layout import Layout
from ragqa.search.question_kind import QuestionKind
from ragqa.types import Kind

QUESTIONS = ["who is red", "how to be red", "which figs are red", "what is red", "red vs fig", ""]
SHORT = ["who found it", "when was it", "how many are there", "where is it"]


def lines(text):
    return dedent(text).strip("\n")


@trying(200)
@given(
    text=MARKDOWN,
    question=st.sampled_from(QUESTIONS),
    words=st.integers(1, 40),
    data=st.data(),
)
def test_around_any_piece_of_any_note_is_a_run_of_its_section(text, question, words, data):
    passages = passages_of(text, window=40, target=20)
    layout = Layout.of(text, passages) if passages else None
    if layout is None or not layout.pieces:
        return
    number = len(layout.pieces)
    scores = data.draw(st.lists(st.floats(0, 1.5), min_size=number, max_size=number))
    best = data.draw(st.integers(0, number - 1))
    wanted = Wanted(asked(question).kind, words)
    with pytest.MonkeyPatch.context() as patch:
        # So that lists of these short notes are long ones, too.
        patch.setattr(excerpt_runs, "_LIST_WORDS", data.draw(st.sampled_from([3, 220])))
        begin, end = excerpt_around(layout, scores, best, wanted)
    assert 0 <= begin <= best <= end < number
    first, last = layout.section(best)
    assert first <= begin <= end <= last
    quote = layout.quote((begin, end))
    assert quote in text
    pieces = layout.pieces[begin : end + 1]
    assert "".join(quote.split()) == "".join(
        "".join(text[one.unit.start : one.unit.end].split()) for one in pieces
    )
    before, behind = layout.is_cut((begin, end))
    is_list = [piece.kind in (Kind.ITEM, Kind.ROW) for piece in (pieces[0], pieces[-1])]
    if is_list[0] and begin > 0 and layout.block(begin - 1) == layout.block(begin):
        assert before
    if is_list[1] and end + 1 < number and layout.block(end + 1) == layout.block(end):
        assert behind


@trying(200)
@given(data=st.data(), number=st.integers(1, 9), words=st.integers(3, 40))
def test_no_other_run_around_the_best_piece_gains_more(data, number, words):
    layout = layout_of("\n\n".join(f"This one{' so' * (n % 4)} is red." for n in range(number)))
    scores = data.draw(st.lists(st.floats(0, 2), min_size=number, max_size=number))
    best = data.draw(st.integers(0, number - 1))
    # A short question, so that nothing else comes with the run.
    run = excerpt_around(layout, scores, best, Wanted(QuestionKind.WHO, words))

    def gain(begin, end):
        least = SHORT_SCORE_SHARE * scores[best]
        return sum(score - least for score in scores[begin : end + 1])

    others = [
        (begin, end)
        for begin in range(best + 1)
        for end in range(best, number)
        if begin == end or layout.words((begin, end)) <= words
    ]
    assert run in others
    assert gain(*run) == pytest.approx(max(gain(*other) for other in others))


PROSE = lines("""
    # Figs

    The fig is an old tree. It grows in the south. It was brought there by people who came from
    further east, so long ago that none alive can remember when. It ripens in August. Birds like it
    a lot.
    Wasps do as well, and they may live in it. It must be cut in winter, as long as there is no
    frost. It wants lots of sun and little water, and no wind that comes from the sea at all.
    Some say that its leaves were the first clothes, and in many an old house of the south one still
    finds it painted on the wall beside the door, with a bird on it that nobody can name.

    Its wood is soft.
    """)


@pytest.mark.parametrize(
    ("best", "also", "said"),
    [
        ("It ripens", [], "It ripens in August."),
        ("It ripens", ["Birds"], "It ripens in August. Birds like it\na lot."),
        ("Birds", ["It ripens"], "It ripens in August. Birds like it\na lot."),
        ("It ripens", ["It grows"], "It ripens in August."),
        ("It grows", [], "The fig is an old tree. It grows in the south."),
        ("Its wood", [], "Its wood is soft."),
    ],
)
def test_sentences_beside_the_best_one_that_answer_as_well_come_with_it(best, also, said):
    assert excerpt(PROSE, best, also=also) == said


def test_a_run_has_no_more_words_than_wanted_but_always_the_best_sentence():
    also = ["It ripens", "Birds", "Wasps", "The fig", "It grows"]
    assert excerpt(PROSE, "Birds", also=also, words=9) == (
        "It ripens in August. Birds like it\na lot."
    )
    assert excerpt(PROSE, "Wasps", words=3) == "Wasps do as well, and they may live in it."


def test_a_short_paragraph_is_whole_but_for_a_short_question():
    text = "# Figs\n\nThe fig is old. It ripens in August. Birds like it.\n\nIts wood is soft.\n"
    whole = "The fig is old. It ripens in August. Birds like it."
    assert excerpt(text, "It ripens") == whole
    for question in SHORT:
        assert excerpt(text, "It ripens", question) == "The fig is old. It ripens in August."


LIST = lines("""
    # Shop

    All of these grow here. They are sold as:

    - apples
      and pears
    - figs
      - fresh ones
      - dried ones
    - grapes

    Nobody buys plums.
    """)
WHOLE_LIST = LIST[LIST.index("- apples") : LIST.index("\n\nNobody")]
LEAD_IN = "All of these grow here. They are sold as:\n\n"


@pytest.mark.parametrize("question", SHORT)
def test_a_short_question_gets_an_item_alone(question):
    assert excerpt(LIST, "grapes", question) == "- grapes"


def test_an_item_comes_whole_with_what_is_nested_in_it():
    nested = "- figs\n  - fresh ones\n  - dried ones"
    assert excerpt(LIST, "figs") == nested
    assert excerpt(LIST, "apples", "who likes them") == LEAD_IN + "- apples\n  and pears"
    assert excerpt(LIST, "dried", "who likes them") == "- dried ones"


def test_the_paragraphs_and_code_of_an_item_come_with_it():
    text = (
        "# A\n\n1. Stop it:\n\n   ```sh\n   stop\n   ```\n\n   Wait a while. Go on.\n2. Start it.\n"
    )
    item = text[text.index("1.") : text.index("\n2.")]
    assert excerpt(text, "Wait", "who stops it") == item
    assert excerpt(text, "Stop", "who stops it") == item


@pytest.mark.parametrize("question", ["which fruits are sold", "how to sell fruit", "what is like"])
def test_a_list_comes_whole_with_its_lead_in(question):
    assert excerpt(LIST, "apples", question, also=["figs"]) == LEAD_IN + WHOLE_LIST


def test_a_lead_in_comes_with_its_list():
    assert excerpt(LIST, "They are") == LEAD_IN + WHOLE_LIST
    assert excerpt(LIST, "They are", "where is it") == LEAD_IN + WHOLE_LIST


@pytest.mark.parametrize("question", [*QUESTIONS, *SHORT, "what are the three phases"])
def test_a_list_of_at_most_a_hundred_words_that_begins_after_its_lead_in_is_shown_whole(question):
    items = "".join(f"- {name} is{' so' * 30} red.\n" for name in ("One", "Two", "Three"))
    text = f"# A\n\nThere are three phases:\n\n{items}\nAnd then it ends.\n"
    whole = text[text.index("There") : text.index("\n\nAnd")]
    assert excerpt(text, "There are", question, also=["One"]) == whole
    if question not in (*SHORT, "who is red"):
        assert excerpt(text, "One", question) == whole


@pytest.mark.parametrize("question", ["what is it like", "when is it"])
def test_what_does_not_announce_a_list_comes_without_it_and_the_list_without_that(question):
    text = LIST.replace("sold as:", "sold.")
    assert excerpt(text, "They are", question) == "All of these grow here. They are sold."
    assert excerpt(text, "apples", also=["figs"]) == WHOLE_LIST


def test_of_a_long_lead_in_only_the_sentence_before_the_list_comes_with_it():
    text = LIST.replace("All of these", "All of these, and a lot more of them, " + "so, " * 40)
    assert excerpt(text, "apples", also=["figs"]).startswith("They are sold as:\n\n- apples")


LONG = "# A\n\nThese are they:\n\n" + "".join(
    f"- {number} of so many items that all of them are too long\n"
    for number in "abcdefghijklmnopqrst"
)


def test_of_a_long_list_there_is_only_what_answers():
    assert excerpt(LONG, "e of", also=["d of"]) == "\n".join(LONG.splitlines()[7:9])
    whole = LONG[LONG.index("These") :].strip()
    assert len(whole.split()) < 280
    assert excerpt(LONG, "e of", "which items are they").count("\n") == 0


def test_of_a_long_list_that_is_announced_those_items_come_that_fit():
    said = excerpt(LONG, "These are")
    assert said.splitlines() == LONG.splitlines()[2:20]
    assert len(said.split()) <= 3 + 220


def test_a_short_list_comes_whole_where_one_item_answers_unless_a_short_answer_is_asked_for():
    assert excerpt(LIST, "grapes") == LEAD_IN + WHOLE_LIST
    assert excerpt(LIST, "grapes", "who sells them") == "- grapes"


def test_a_list_that_goes_over_two_passages_comes_whole():
    passages = passages_of(LONG, window=60, target=30)
    assert len(passages) > 2
    how = {"window": 60, "target": 30}
    assert excerpt(LONG, "These are", "which items are they", **how).count("\n- ") == 16
    few = LONG[: LONG.index("- k of")]
    assert len(passages_of(few, **how)) > 1
    assert excerpt(few, "d of", also=["e of"], **how) == few[few.index("These") :].strip()


TABLE = "# T\n\nPrices are these:\n\n| fruit | price |\n|---|---|\n| fig | 2 |\n| pear | 3 |\n"
ROWS = TABLE[TABLE.index("| fruit") :].strip()


def test_a_short_table_comes_whole_with_its_lead_in():
    assert excerpt(TABLE, "pear", "what is a pear like") == "Prices are these:\n\n" + ROWS
    assert excerpt(TABLE, "Prices") == "Prices are these:\n\n" + ROWS


def test_a_small_table_comes_whole_for_a_short_question_too():
    assert excerpt(TABLE, "pear", "how much is a pear") == "Prices are these:\n\n" + ROWS
    text = TABLE + "".join(f"| fruit {n} | {n} |\n" for n in range(9))
    assert excerpt(text, "pear", "how much is a pear") == "| pear | 3 |"
    assert excerpt(text, "pear", "what is a pear like") == text[text.index("Prices") :].strip()


@pytest.mark.parametrize("question", ["how much is a pear", "what is a pear like"])
def test_a_long_table_gives_its_row_alone(question):
    text = TABLE + "".join(f"| fruit of kind {n} | {n} |\n" for n in range(40))
    assert excerpt(text, "pear", question) == "| pear | 3 |"


def test_a_question_of_a_note_comes_with_its_answer():
    text = "# Help\n\nWhere is it sold?\n\nAt the market, on most days.\n\nNobody knows why.\n"
    assert excerpt(text, "Where is it", "who sells it") == (
        "Where is it sold?\n\nAt the market, on most days."
    )


@pytest.mark.parametrize(
    "hidden", ["%%none%%", "<!-- none -->", "~~none~~", "<del>none</del>", "%%\nnone\n\nnone\n%%"]
)
@pytest.mark.parametrize("question", QUESTIONS)
def test_an_excerpt_never_goes_over_what_is_hidden(hidden, question):
    for text in (
        f"# Red\n\nOne is red. Two is red.\n\n{hidden}\n\nThree is red.\n",
        f"# Red\n\nOne is red. Two is red. {hidden} Three is red.\n",
        f"# Red\n\n- One is red.\n- Two is red. {hidden}\n- Three is red.\n",
        f"# Red\n\nOne is red. Two is red:\n\n{hidden}\n\n- Three is red.\n",
    ):
        for best, other in (("Two", "Three"), ("Three", "Two")):
            said = excerpt(text, best, question, also=[other])
            assert best in said
            assert other not in said
            assert "none" not in said


@pytest.mark.parametrize("question", ["what is it like", "when is it"])
def test_code_comes_with_the_line_that_announces_it_alone(question):
    text = "# A\n\nStart it so:\n\n```sh\nstart --now\n```\n\nStop it.\n"
    assert excerpt(text, "Start it", question) == "Start it so:\n\n```sh\nstart --now\n```"
    assert excerpt(text.replace("so:", "so."), "Start it", question) == "Start it so."


def test_a_key_of_the_front_matter_is_read_alone():
    text = "---\ntitle: Red plan\nowner: Ann\nstatus: open\n---\n\n# Red plan\n\nText.\n"
    assert excerpt(text, "status", "what is the status of the red plan", also=["owner"]) == (
        "status: open"
    )


def test_a_heading_that_answers_comes_with_its_text_at_most():
    text = "# Stack\n\n## Database: PostgreSQL\n\nIt runs well.\n\n## Cache: Redis\n\nIt is fast.\n"
    assert excerpt(text, "Database", "which one is it") in (
        "## Database: PostgreSQL",
        "## Database: PostgreSQL\n\nIt runs well.",
    )


def cut(text, begin, end):
    layout = layout_of(text)
    return layout.is_cut((layout.at(text.index(begin)), layout.at(text.index(end))))


def test_cut_says_where_a_list_or_table_goes_on():
    assert cut(LIST, "All", "grapes") == (False, False)
    assert cut(LIST, "They", "figs") == (False, True)
    assert cut(LIST, "- figs", "grapes") == (True, False)
    assert cut(LIST, "- apples", "fresh") == (False, True)
    assert cut(TABLE, "| pear", "| pear") == (True, False)
    assert cut(PROSE, "It ripens", "Birds") == (False, False)


@pytest.mark.parametrize(
    ("text", "needle", "expected"),
    [
        ("- red\n- ~~blue~~\n- green", "- red", (False, True)),
        ("- red\n- ~~blue~~\n- green", "- green", (True, False)),
        ("Tea is <!-- not --> brewed.", "brewed", (True, False)),
        ("Tea is hot. <!-- no --> It is black.", "Tea", (False, True)),
        ("~~Old.~~ It is new.", "It is new", (False, False)),
        ("It is new.\n\n<!-- old -->\n\nIt is red.", "It is new", (False, False)),
    ],
)
def test_cut_says_where_hidden_text_tears_a_list_or_sentence_apart(text, needle, expected):
    assert cut(f"# A\n\n{text}\n", needle, needle) == expected


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("who made it", True),
        ("how many figs are there", True),
        ("is it red", False),
        ("how do I bake bread", False),
        ("which license does it use", False),
        ("why is it red", False),
        ("what is a fig", False),
        ("red vs blue", False),
    ],
)
def test_whether_a_few_words_answer_goes_by_the_kind_of_question(question, short):
    assert Wanted(asked(question).kind, 80).short == short


def test_an_excerpt_from_within_a_row_has_no_cells_of_other_columns():
    text = f"| Cat | A | B |\n|--|--|--|\n| row | {'x ' * 60}| {'yes ' * 60}|\n| q | r | s |\n"
    cells = f"| {'yes ' * 60}|"
    assert excerpt(text, "yes", also=["q", "row"], words=200, window=80, target=60) == cells
