import json

import pytest

from ragqa.errors import UsageError
from ragqa.evaluation.sets import SpanQuestion, read_chunking

ROW = {"question": "What bread?", "doc": "a.md", "spans": [[0, 9]]}


@pytest.fixture
def chunking(tmp_path):
    """Return a function that writes a chunking set."""

    def make(*questions, docs=None):
        (tmp_path / "docs").mkdir()
        for name, text in (docs or {"a.md": "Rye bread. Cold river."}).items():
            (tmp_path / "docs" / name).write_bytes(text.encode())
        rows = "".join(json.dumps(row) + "\n" for row in questions)
        (tmp_path / "questions.jsonl").write_text(rows, encoding="utf-8")
        return tmp_path

    return make


def error(folder):
    with pytest.raises(UsageError) as raised:
        read_chunking(folder)
    return raised.value.message


def test_a_chunking_set_is_read_with_its_spans(chunking):
    asked = {"_id": "x", "question": "What is cold?", "doc": "a.md", "spans": [[11, 22], [0, 3]]}
    docs = {"a.md": "Rye bread. Cold river.", "b.txt": "\ufeffone\r\ntwo"}
    documents, questions, warnings = read_chunking(chunking(asked, ROW, docs=docs))
    assert documents == {"a.md": "Rye bread. Cold river.", "b.txt": "one\r\ntwo"}
    assert questions == [
        SpanQuestion("x", "What is cold?", "a.md", ((11, 22), (0, 3))),
        SpanQuestion("2", "What bread?", "a.md", ((0, 9),)),
    ]
    assert warnings == ()


def test_spans_and_documents_that_are_not_there_are_told(chunking):
    _, questions, warnings = read_chunking(
        chunking(
            ROW | {"_id": "none", "spans": []},
            ROW | {"_id": "sound", "spans": [[0, 22]]},
            ROW | {"_id": "gone", "doc": "gone.md", "spans": [[0, 99]]},
            ROW | {"_id": "beyond", "spans": [[0, 23]]},
            ROW | {"_id": "turned", "spans": [[0, 3], [5, 4]]},
            ROW | {"_id": "void", "spans": [[4, 4]]},
        )
    )
    assert [question.id for question in questions] == ["sound", "gone"]
    assert warnings == (
        "questions about missing documents, counted as missed: 1 (gone)",
        "questions with spans outside of their document, left out: 3 (beyond, turned, void)",
        "questions without spans, left out: 1 (none)",
    )


def test_a_question_of_a_chunking_set_that_stands_twice_is_named(chunking):
    folder = chunking(ROW | {"_id": "x"}, ROW, ROW | {"_id": "x"})
    path = folder / "questions.jsonl"
    assert error(folder) == f"{path}, line 3: the question 'x' appears twice"


@pytest.mark.parametrize("spans", [5, [5], [[1]], [[1, 2, 3]], [["a", 2]], [[0, None]], "ab"])
def test_spans_that_cannot_be_read_are_named_with_their_line(chunking, spans):
    folder = chunking(ROW, ROW | {"spans": spans})
    assert f"{folder / 'questions.jsonl'}, line 2" in error(folder)


@pytest.mark.parametrize("key", ["question", "doc"])
def test_a_question_of_a_chunking_set_that_lacks_something_is_named(chunking, key):
    folder = chunking(ROW, {k: v for k, v in ROW.items() if k != key})
    message = error(folder)
    assert f"{folder / 'questions.jsonl'}, line 2" in message
    assert repr(key) in message


def test_documents_of_a_chunking_set_that_cannot_be_read_are_named(chunking):
    folder = chunking()
    (folder / "docs" / "latin.md").write_bytes(b"caf\xe9")
    assert "latin.md" in error(folder)


def test_a_chunking_set_without_documents_is_named(tmp_path):
    assert str(tmp_path / "docs") in error(tmp_path)
