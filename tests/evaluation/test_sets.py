import json
from functools import partial

import pytest
from cases import each_of

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
FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")


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


def test_a_judgement_of_a_document_that_is_not_there_is_kept(beir):
    found = read_beir(beir(qrels=QRELS + "q2\tgone\t1\nq2\tnot wanted\t0\n"))
    assert found.qrels["q2"] == {"d3": 1, "gone": 1, "not wanted": 0}


def test_documents_are_read_in_order_with_their_title_in_one_line(beir):
    assert list(read_documents(beir())) == [
        BeirDocument("d1", "Rye bread", "Rye bread is baked\u2028before sunrise."),
        BeirDocument("d2", "", "The river is cold."),
        BeirDocument("d3", "", "Foxes live in the wood."),
    ]


def test_ids_that_are_numbers_are_texts_and_a_byte_order_mark_is_no_part_of_the_first_row(beir):
    folder = beir([{"_id": 7, "text": "x"}], [{"_id": 1, "text": "y"}], "1\t7\t1\n")
    for name in FILES:
        (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())
    found = read_beir(folder)
    assert (found.queries, found.qrels) == ((BeirQuery("1", "y"),), {"1": {"7": 1}})
    assert found.warnings == ()


@each_of("beir_warnings")
def test_what_does_not_fit_together_is_told_once_with_the_first_three(beir, changes, warning):
    found = read_beir(beir(**changes), answers="answers" in changes)
    assert found.warnings == ((warning,) if warning else ())


def test_answers_are_read_beside_the_set(beir):
    answers = [
        {"_id": "q1", "answers": ["before sunrise", "at night"]},
        {"_id": "q2", "answers": [], "answerable": False},
    ]
    assert read_qa(beir(answers=answers)).queries == (
        BeirQuery("q1", "when is bread baked", ("before sunrise", "at night"), answerable=True),
        BeirQuery("q2", "where is a fox", (), answerable=False),
    )


@pytest.mark.parametrize("name", [*FILES, "answers.jsonl"])
def test_a_file_that_is_missing_is_named(beir, name):
    folder = beir(answers=[])
    (folder / name).unlink()
    assert error(read_qa, folder) == f"{folder / name} cannot be read: No such file or directory"


def test_a_file_that_is_not_utf_8_is_named(beir):
    folder = beir()
    (folder / "corpus.jsonl").write_bytes(b'{"_id": "caf\xe9"}\n')
    assert error(read_beir, folder).startswith(f"{folder / 'corpus.jsonl'} cannot be read: ")


@pytest.mark.parametrize(
    ("changes", "place", "problem"),
    [
        ({"corpus": [CORPUS[0], "{"]}, "corpus.jsonl, line 2", "Expecting property name"),
        ({"queries": [QUERIES[0], "[" * 100_000]}, "queries.jsonl, line 2", "recursion"),
        ({"queries": ["", QUERIES[0], "", "{"]}, "queries.jsonl, line 4", "Expecting property"),
        ({"corpus": ['{"text": "no id"}']}, "corpus.jsonl, line 1", "required field `_id`"),
        ({"qrels": f"{HEADER}\n{QRELS}\nq2 d3 1\n"}, "test.tsv, line 7", ""),
        ({"qrels": f"{HEADER}q1\td1\t1\nq2\td3\tgood\n"}, "test.tsv, line 3", ""),
        ({"qrels": f"{HEADER}q1\td1\t1\nq2\td3\t9999999999\n"}, "test.tsv, line 3", ""),
        # Neither a header nor a judgement.
        ({"qrels": "q1 d1 1\nq2\td3\t1\n"}, "test.tsv, line 1", ""),
        ({"corpus": [*CORPUS, CORPUS[1]]}, "corpus.jsonl", "appears twice"),
        ({"queries": QUERIES * 2}, "queries.jsonl", "appears twice"),
        ({"answers": [{"_id": "d2", "answers": ["x"]}] * 2}, "answers.jsonl", "appears twice"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line(beir, changes, place, problem):
    message = error(read_qa, beir(**{"answers": []} | changes))
    assert place in message
    assert problem in message
