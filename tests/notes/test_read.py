import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.notes import Document, read_note, read_text
from ragqa.notes.read import ATTEMPTS
from ragqa.types import Corpus, Note, Skipped, Stamp

LIMIT = 1_000_000
SECOND = 1_000_000_000


def read(corpus: Path, path: str = "a.md") -> Document | Skipped:
    return read_text(Corpus.of(corpus), path, max_note_bytes=LIMIT)


def reason(corpus: Path, path: str = "a.md") -> str:
    skipped = read(corpus, path)
    assert isinstance(skipped, Skipped)
    assert skipped.path == path
    return skipped.reason


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_a_note_is_read_with_its_digest_and_stamp(tmp_path, mark):
    data = mark + b"# Title\r\n\r\nSome text.\rMore.\n"
    (tmp_path / "a.md").write_bytes(data)
    found = read_note(Corpus.of(tmp_path), "a.md", max_note_bytes=LIMIT)
    assert isinstance(found, Note)
    assert found.text.encode() == data.removeprefix(mark)
    assert found.state.sha256 == hashlib.sha256(data).hexdigest()
    status = (tmp_path / "a.md").stat()
    assert found.state.stamp == Stamp(size=len(data), mtime_ns=status.st_mtime_ns)
    assert found.title == "Title"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"caf\xe9 \x8d", "not UTF-8: byte 3 is invalid"),
        (b"caf\xe9 \x1b[31m", "not UTF-8: byte 3 is invalid"),
        (b"\xef\xbb\xbfa \xed\xa0\x80", "not UTF-8: byte 5 is invalid"),
        ("text".encode("utf-16") + b"\0", "not UTF-16: byte 10 is invalid"),
        (b"\xff\xfe\0\xd8", "not UTF-16: byte 2 is invalid"),
        ("a\0".encode("utf-16"), "binary: a NUL at character 1"),
        ("text".encode("utf-32"), "UTF-32; save it as UTF-8"),
        ("text".encode("utf-16-le"), "binary: a NUL at byte 1"),
    ],
)
def test_what_is_no_text_is_skipped_saying_where(tmp_path, data, expected):
    (tmp_path / "a.md").write_bytes(data)
    assert expected in reason(tmp_path)


def test_what_is_not_utf8_is_read_as_windows_1252_and_remarked(tmp_path):
    data = b"# Caf\xe9\r\n\r\n\x93Ja\x94, 5 \x80.\n"
    (tmp_path / "a.md").write_bytes(data)
    found = read_note(Corpus.of(tmp_path), "a.md", max_note_bytes=LIMIT)
    assert isinstance(found, Note)
    assert found.text == "# Caf\u00e9\r\n\r\n\u201cJa\u201d, 5 \u20ac.\n"
    assert found.state.sha256 == hashlib.sha256(data).hexdigest()
    assert found.warnings == ("read as Windows-1252, since it is not UTF-8",)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
WIDE = st.sampled_from(["utf-16-le", "utf-16-be"])


@given(data=st.binary(max_size=60) | st.builds(lambda t, f: f"\ufeff{t}".encode(f), TEXTS, WIDE))
def test_any_bytes_are_read_exactly_or_skipped(tmp_path_factory, data):
    corpus = tmp_path_factory.getbasetemp()
    (corpus / "any.md").write_bytes(data)
    found = read(corpus, "any.md")
    if isinstance(found, Document):
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or found.warnings:
            encoding = "cp1252" if found.warnings else "utf-16"
            assert found.text == data.decode(encoding)
        else:
            assert found.text.encode() == data.removeprefix(b"\xef\xbb\xbf")
        assert found.state.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("We use Signal for the family group.md", "We use Signal for the family group"),
        ("No-phones-at-the-table.txt", "No phones at the table"),
        ("Anna Berg.md", ""),
        ("2024-05-14.md", ""),
    ],
)
def test_an_empty_file_says_what_its_name_states(tmp_path, name, text):
    (tmp_path / name).write_text("\n")
    assert read(tmp_path, name).text.strip() == text


@pytest.mark.parametrize(
    ("age", "settled"),
    [
        (2 * SECOND, False),
        (2 * SECOND + 1, True),
        (-SECOND, False),
        (-9 * SECOND, True),
    ],
)
def test_a_note_is_settled_once_its_last_change_is_more_than_two_seconds_old(
    tmp_path, clock, age, settled
):
    (tmp_path / "a.md").write_text("text")
    changed = 1_700_000_000 * SECOND
    os.utime(tmp_path / "a.md", ns=(changed, changed))
    clock(lambda: changed + age)
    found = read(tmp_path)
    assert isinstance(found, Document)
    assert found.state.settled is settled


@pytest.fixture
def clock(monkeypatch):
    """Sets what tells the time, which is asked while a note is being read."""
    return lambda tick: monkeypatch.setattr("ragqa.notes.read.time_ns", tick)


def test_a_note_that_is_edited_while_read_is_read_again_until_it_rests(tmp_path, clock):
    file = tmp_path / "a.md"
    file.write_text("draft")
    edits = iter(range(ATTEMPTS - 1))
    clock(lambda: next((file.write_text(f"edited {edit} times") * 0 for edit in edits), 0))
    found = read(tmp_path)
    assert isinstance(found, Document)
    assert found.text == f"edited {ATTEMPTS - 2} times"
    assert found.state.stamp.size == len(found.text)
    clock(lambda: file.write_text(file.read_text() + "."))
    assert reason(tmp_path) == "changed while it was read"


def test_a_note_that_is_replaced_while_read_is_read_as_it_was(tmp_path, clock):
    file = tmp_path / "a.md"
    file.write_text("old text")
    os.utime(file, ns=(5, 5))
    (tmp_path / "new").write_text("new text")
    clock(lambda: bool((tmp_path / "new").replace(file)))
    found = read(tmp_path)
    assert isinstance(found, Document)
    assert (found.text, found.state.stamp) == ("old text", Stamp(size=8, mtime_ns=5))


def test_no_symbolic_link_is_followed_not_even_a_folder(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.md").write_text("secret")
    (corpus / "folder").symlink_to(tmp_path / "outside")
    (corpus / "a.md").symlink_to(tmp_path / "outside/secret.md")
    assert reason(corpus, "folder/secret.md").startswith("cannot be read")
    assert reason(corpus, "a.md").startswith("cannot be read")


def test_what_is_no_regular_file_is_skipped_at_once(tmp_path):
    assert reason(tmp_path) == "deleted before it was read"
    os.mkfifo(tmp_path / "a.md")
    (tmp_path / "folder.md").mkdir()
    for name in ("a.md", "folder.md", "../" * 20 + "dev/zero"):
        assert reason(tmp_path, name) == "not a regular file"  # or it would wait for ever


def test_a_path_that_leads_elsewhere_is_not_opened(tmp_path):
    corpus = tmp_path / "corpus"
    (corpus / "a").mkdir(parents=True)
    for path in ("corpus/a.md", "corpus/a/b.md", "secret.md"):
        (tmp_path / path).write_text("text")
    for path in ("../secret.md", "a/../../secret.md", "./a.md", "a//b.md", "/etc/passwd"):
        assert reason(corpus, path) == "not a regular file"
    for path in ("a\0b.md", "\ud800.md"):
        assert reason(corpus, path) == "not a regular file"
