import json

import pytest

from ragqa.errors import UsageError
from ragqa.evaluation.sets import (
    BeirDocument,
    BeirQuery,
    hold_out,
    read_beir,
    read_qa,
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
    assert (found.documents, found.left_out, found.warnings) == (3, frozenset(), ())


def test_documents_are_read_in_order_with_their_title_in_one_line(beir):
    assert list(read_beir(beir()).read_documents()) == [
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


@pytest.mark.parametrize("empty", [{}, {"title": " ", "text": "\n"}, {"title": None, "text": None}])
def test_a_document_without_text_is_told_and_still_read(beir, empty):
    found = read_beir(beir([*CORPUS, {"_id": "d4", **empty}]))
    assert found.warnings == ("documents without text: 1 (d4)",)
    assert len(list(found.read_documents())) == found.documents == 4


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
        ("{", "is not JSON: "),
        ("[" * 100_000, "is not JSON: "),
        ("[1]", "is not a JSON object"),
        ('{"text": "no id"}', "'_id'"),
        ('{"_id": null, "text": "no id"}', "'_id'"),
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
        "q2\td3",
        "q2\tQ0\td3\t1",
        "q2\td3\tgood",
        "q2\td3\t",
        "q2\td3\tnan",
        "q2\td3\tinf",
        "q2\td3\t1.5",
        "q2\td3\t1e1",
        "q2\td3\t1_0",
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


def test_a_first_line_that_is_neither_header_nor_judgement_is_no_header(beir):
    folder = beir(qrels="q1 d1 1\nq2\td3\t1\n")
    assert "test.tsv, line 1" in error(read_beir, folder)


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
    assert found.warnings == ("queries without a row of answers: 2 (q2, q3)",)


def test_an_answerable_query_whose_row_has_no_answer_is_told(beir):
    answers = [{"_id": "q1", "answers": []}, {"_id": "q2", "answerable": False}]
    found = read_qa(beir(answers=answers))
    assert [query.answerable for query in found.queries] == [True, False]
    assert found.warnings == (
        "answerable queries without an answer, not counted in answer@n: 1 (q1)",
    )


@pytest.mark.parametrize("answerable", ["false", 0, 1, None, []])
def test_whether_a_query_is_answerable_is_said_with_true_or_false_alone(beir, answerable):
    rows = [{"_id": "q1", "answers": ["x"]}, {"_id": "q2", "answerable": answerable}]
    folder = beir(answers=rows)
    assert error(read_qa, folder) == (
        f"{folder / 'answers.jsonl'}, line 2: answerable must be true or false, not {answerable!r}"
    )


def test_a_query_without_a_relevant_document_is_told_only_where_it_is_answerable(beir):
    more = [{"_id": "q3", "text": "who sings"}, {"_id": "q4", "text": "who dances"}]
    answers = [
        {"_id": id_, "answers": ["x"], "answerable": id_ != "q4"}
        for id_ in ("q1", "q2", "q3", "q4")
    ]
    found = read_qa(beir(queries=[*QUERIES, *more], answers=answers))
    assert found.warnings == ("answerable queries without a relevant document, not asked: 1 (q3)",)


def test_answers_to_no_query_are_told(beir):
    answers = [{"_id": id_, "answers": ["x"]} for id_ in ("q1", "q2", "q8")]
    assert read_qa(beir(answers=answers)).warnings == ("answers to no query of the set: 1 (q8)",)


@pytest.mark.parametrize("answers", ["before sunrise", 7, {"text": "x"}])
def test_answers_that_are_no_list_are_named_with_their_line(beir, answers):
    folder = beir(answers=[{"_id": "q2", "answers": ["x"]}, {"_id": "q1", "answers": answers}])
    assert f"{folder / 'answers.jsonl'}, line 2" in error(read_qa, folder)


def test_a_set_without_answers_is_named(beir):
    folder = beir()
    assert str(folder / "answers.jsonl") in error(read_qa, folder)


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.04, 0), (0.3, 3), (0.25, 2), (1, 10)])
def test_holding_out_leaves_out_a_share_of_the_documents_that_hold_answers(beir, share, count):
    sound = read_beir(beir(**many(10)))
    held = hold_out(sound, share, seed=1)
    left = [document.id for document in held.read_documents()]
    assert len(held.left_out) == count
    assert held.left_out.isdisjoint(left)
    assert len(left) == held.documents == 10 - count
    assert set(held.qrels) == {f"q{id_[1:]}" for id_ in left}
    assert {query.id for query in held.queries if query.answerable} == set(held.qrels)
    assert held.warnings[-1] == (
        f"{count} of 10 documents that hold answers are left out (seed 1); "
        f"{count} questions have no answer now"
    )


def test_holding_out_is_the_same_each_time_and_another_for_another_seed(beir):
    sound = read_beir(beir(**many(10)))
    assert hold_out(sound, 0.4, seed=1) == hold_out(sound, 0.4, seed=1)
    assert hold_out(sound, 0.4, seed=1).left_out != hold_out(sound, 0.4, seed=2).left_out


def test_a_question_with_another_document_that_answers_stays_answerable(beir):
    qrels = "q1\td1\t1\nq1\td2\t1\nq2\td2\t1\nq2\td3\t0\n"
    sound = read_beir(beir(qrels=qrels))
    by_left_out = {
        held.left_out: held for seed in range(20) if (held := hold_out(sound, 0.5, seed))
    }
    assert by_left_out[frozenset({"d1"})].qrels == {"q1": {"d2": 1}, "q2": {"d2": 1, "d3": 0}}
    held = by_left_out[frozenset({"d2"})]
    assert held.qrels == {"q1": {"d1": 1}}
    assert [query.answerable for query in held.queries] == [True, False]


def test_a_question_that_had_no_answer_gets_none_by_holding_out(beir):
    answers = [{"_id": "q1", "answerable": False}, {"_id": "q2", "answers": ["x"]}]
    held = hold_out(read_qa(beir(answers=answers)), 0, seed=1)
    assert [query.answerable for query in held.queries] == [False, True]


def test_a_document_that_is_not_there_keeps_no_question_answerable(beir):
    sound = read_beir(beir(qrels="q1\td1\t1\nq1\tgone\t2\nq2\tgone\t1\nq2\td2\t0\n"))
    nothing, all_ = (hold_out(sound, share, seed=1) for share in (0, 1))
    assert nothing.qrels == {"q1": {"d1": 1, "gone": 2}}
    assert [query.answerable for query in nothing.queries] == [True, False]
    assert (all_.left_out, all_.qrels) == ({"d1"}, {})
    assert [query.answerable for query in all_.queries] == [False, False]
    assert all_.warnings[-1].endswith("; 2 questions have no answer now")
