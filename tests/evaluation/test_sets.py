import json
from functools import partial

import pytest

from ragqa.errors import UsageError
from ragqa.evaluation.sets import (
    BeirDocument,
    BeirQuery,
    read_beir,
    read_documents,
)

CORPUS = (
    {"_id": "d1", "title": "Rye  bread", "text": "Rye bread is baked\u2028before sunrise."},
    {"_id": "d2", "title": "", "text": "The river is cold."},
    {"_id": "d3", "text": "Foxes live in the wood."},
)
QUERIES = ({"_id": "q1", "text": "when is bread baked"}, {"_id": "q2", "text": "where is a fox"})
HEADER = "query-id\tcorpus-id\tscore\n"
QRELS = "q1\td1\t2\nq1\td2\t0\nq2\td3\t1\n"


def lines(rows):
    """Each row as a line; a text is a line as it is."""
    texts = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    return "".join(f"{text}\n" for text in texts)


@pytest.fixture
def beir(tmp_path):
    """Return a function that writes a BEIR folder."""

    def make(corpus=CORPUS, queries=QUERIES, qrels=HEADER + QRELS, answers=None):
        folder = tmp_path / "fruit"
        (folder / "qrels").mkdir(parents=True)
        (folder / "corpus.jsonl").write_text(lines(corpus), encoding="utf-8")
        (folder / "queries.jsonl").write_text(lines(queries), encoding="utf-8")
        (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
        if answers is not None:
            (folder / "answers.jsonl").write_text(lines(answers), encoding="utf-8")
        return folder

    return make


read_qa = partial(read_beir, answers=True)


def error(read, folder):
    with pytest.raises(UsageError) as raised:
        read(folder)
    return raised.value.message


def many(count):
    """A set of as many documents, each of which answers one query."""
    names = [f"{n:02}" for n in range(count)]
    return {
        "corpus": [{"_id": f"d{n}", "text": "some words"} for n in names],
        "queries": [{"_id": f"q{n}", "text": "some words"} for n in names],
        "qrels": "".join(f"q{n}\td{n}\t1\n" for n in names),
    }


@pytest.mark.parametrize("header", ["", HEADER])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_judgements_are_read_with_a_header_or_without(beir, header, end):
    found = read_beir(beir(qrels=(header + QRELS).replace("\n", end)))
    assert found.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d3": 1}}
    assert found.queries == (
        BeirQuery("q1", "when is bread baked"),
        BeirQuery("q2", "where is a fox"),
    )
    assert (found.documents, found.warnings) == (3, ())


def test_documents_are_read_in_order_with_their_title_in_one_line(beir):
    assert list(read_documents(beir())) == [
        BeirDocument("d1", "Rye bread", "Rye bread is baked\u2028before sunrise."),
        BeirDocument("d2", "", "The river is cold."),
        BeirDocument("d3", "", "Foxes live in the wood."),
    ]


def test_ids_that_are_numbers_are_read_as_texts(beir):
    folder = beir([{"_id": 7, "text": "x"}], [{"_id": 1, "text": "y"}], "1\t7\t1\n")
    found = read_beir(folder)
    assert (found.queries, found.qrels) == ((BeirQuery("1", "y"),), {"1": {"7": 1}})
    assert found.warnings == ()


def test_a_byte_order_mark_is_no_part_of_the_first_row(beir):
    folder = beir()
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())
    assert read_beir(folder).qrels["q1"] == {"d1": 2, "d2": 0}


def test_a_judgement_of_a_document_that_is_not_there_is_kept_and_told(beir):
    found = read_beir(beir(qrels=QRELS + "q2\tgone\t1\nq2\tnot wanted\t0\n"))
    assert found.qrels["q2"] == {"d3": 1, "gone": 1, "not wanted": 0}
    [warning] = found.warnings
    assert warning.startswith("missing judged documents, counted as not found: 2 ")
    assert warning.endswith("(gone for q2, not wanted for q2)")


@pytest.mark.parametrize(
    ("changes", "judged", "warning"),
    [
        (
            {"qrels": QRELS + "q9\td1\t1\n"},
            {"q1", "q2"},
            "judged queries that do not exist: 1 (q9)",
        ),
        (
            {"qrels": "q1\td1\t1\nq2\td3\t0\n"},
            {"q1"},
            "queries without a relevant document, not asked: 1 (q2)",
        ),
        (
            many(5) | {"qrels": HEADER},
            set(),
            "queries without a relevant document, not asked: 5 (q00, q01, q02 and more)",
        ),
    ],
)
def test_what_does_not_fit_together_is_told_once_with_the_first_three(
    beir, changes, judged, warning
):
    found = read_beir(beir(**changes))
    assert (set(found.qrels), found.warnings) == (judged, (warning,))


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_file_that_is_missing_is_named(beir, name):
    folder = beir()
    (folder / name).unlink()
    assert error(read_beir, folder) == f"{folder / name} cannot be read: No such file or directory"


def test_a_file_that_is_not_utf_8_is_named(beir):
    folder = beir()
    (folder / "corpus.jsonl").write_bytes(b'{"_id": "caf\xe9"}\n')
    assert error(read_beir, folder).startswith(f"{folder / 'corpus.jsonl'} cannot be read: ")


@pytest.mark.parametrize("name", ["corpus", "queries"])
@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000, "recursion"),
        ('{"text": "no id"}', "required field `_id`"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line(beir, name, bad, problem):
    first = {"corpus": CORPUS, "queries": QUERIES}[name][0]
    folder = beir(**{name: [first, bad]})
    message = error(read_beir, folder)
    assert f"{folder / name}.jsonl, line 2" in message
    assert problem in message


@pytest.mark.parametrize(
    "bad",
    [
        "q2 d3 1",
        "q2\td3\tgood",
        "q2\td3\t9999999999",
    ],
)
def test_a_judgement_that_cannot_be_read_is_named_with_its_line(beir, bad):
    folder = beir(qrels=f"{HEADER}q1\td1\t1\n{bad}\n")
    message = error(read_beir, folder)
    assert message.startswith(f"{folder / 'qrels' / 'test.tsv'}, line 3: not query, document and")


@pytest.mark.parametrize(
    ("text", "grade"), [("2", 2), ("2.0", 2), ("2.", 2), (" 2 ", 2), ("0", 0), ("-1", -1)]
)
def test_a_grade_is_a_whole_number_however_it_is_written(beir, text, grade):
    found = read_beir(beir(qrels=f"{QRELS}q2\td1\t{text}\n"))
    assert found.qrels["q2"] == {"d3": 1, "d1": grade}


def test_blank_lines_are_passed_over_and_counted(beir):
    folder = beir(qrels=f"{HEADER}\n{QRELS}\nq2 d3 1\n")
    assert "test.tsv, line 7:" in error(read_beir, folder)
    (folder / "queries.jsonl").write_text('\n{"_id": "q1", "text": "x"}\n\n{\n')
    assert "queries.jsonl, line 4 " in error(read_beir, folder)


@pytest.mark.parametrize(
    ("read", "name", "changes"),
    [
        (read_beir, "corpus.jsonl", {"corpus": [*CORPUS, CORPUS[1]]}),
        (read_beir, "queries.jsonl", {"queries": [*QUERIES, {"_id": "d2", "text": "x"}] * 2}),
        (read_qa, "answers.jsonl", {"answers": [{"_id": "d2", "answers": ["x"]}] * 2}),
    ],
)
def test_a_row_that_stands_twice_is_named(beir, read, name, changes):
    folder = beir(**changes)
    message = error(read, folder)
    assert str(folder / name) in message
    assert "appears twice" in message


def test_answers_are_read_beside_the_set(beir):
    answers = [
        {"_id": "q1", "answers": ["before sunrise", "at night"]},
        {"_id": "q2", "answers": [], "answerable": False},
    ]
    assert read_qa(beir(answers=answers)).queries == (
        BeirQuery("q1", "when is bread baked", ("before sunrise", "at night"), answerable=True),
        BeirQuery("q2", "where is a fox", (), answerable=False),
    )


def test_a_query_without_a_row_of_answers_is_told_and_goes_by_its_judgements(beir):
    queries = [*QUERIES, {"_id": "q3", "text": "who sings"}]
    found = read_qa(beir(queries=queries, answers=[{"_id": "q1", "answers": ["x"]}]))
    assert [query.answerable for query in found.queries] == [True, True, False]
    assert found.warnings == ("answerable queries without an answer, not measured by it: 1 (q2)",)


def test_an_answerable_query_whose_row_has_no_answer_is_told(beir):
    answers = [{"_id": "q1", "answers": []}, {"_id": "q2", "answerable": False}]
    found = read_qa(beir(answers=answers))
    assert [query.answerable for query in found.queries] == [True, False]
    assert found.warnings == ("answerable queries without an answer, not measured by it: 1 (q1)",)


def test_a_query_without_a_relevant_document_is_told_only_where_it_is_answerable(beir):
    more = [{"_id": "q3", "text": "who sings"}, {"_id": "q4", "text": "who dances"}]
    answers = [
        {"_id": id_, "answers": ["x"], "answerable": id_ != "q4"}
        for id_ in ("q1", "q2", "q3", "q4")
    ]
    found = read_qa(beir(queries=[*QUERIES, *more], answers=answers))
    assert found.warnings == ("queries without a relevant document, not asked: 1 (q3)",)


def test_a_set_without_answers_is_named(beir):
    folder = beir()
    assert str(folder / "answers.jsonl") in error(read_qa, folder)
