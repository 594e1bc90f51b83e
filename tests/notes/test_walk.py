import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ragqa.errors import NoCorpus
from ragqa.notes import Walk, read_text, walk_notes, why_left_out
from ragqa.types import Corpus, NoteFile, Skipped, Stamp

LIMIT = 1_000_000

needs_any_name = pytest.mark.skipif(
    sys.platform == "darwin", reason="macOS file names are normalised UTF-8"
)


def write(root: Path, *names: str, text: str = "some text\n") -> None:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def walk(root: Path) -> Walk:
    return walk_notes(Corpus.of(root), max_note_bytes=LIMIT)


def paths(root: Path) -> list[str]:
    return [file.path for file in walk(root).files]


def test_notes_are_found_in_all_folders_by_path_and_other_files_counted_by_suffix(tmp_path):
    write(tmp_path, "z.md", "a/b/c.markdown", "a/B.TXT", "a.Md", "a.PNG", "b.png", "LICENSE")
    found = walk(tmp_path)
    assert [file.path for file in found.files] == ["a.Md", "a/B.TXT", "a/b/c.markdown", "z.md"]
    assert found.others == {".png": 2, "": 1}
    assert not found.skipped


def test_hidden_files_are_left_out_in_silence_and_a_folder_named_like_a_note_is_walked(tmp_path):
    write(tmp_path, ".secret.md", ".obsidian/a.md", "a/.trash/b.md", "x.md/c.md", text="12345")
    os.utime(tmp_path / "x.md/c.md", ns=(7, 1_234_567_890_123_456_789))
    stamp = Stamp(size=5, mtime_ns=1_234_567_890_123_456_789)
    folders = (f"{tmp_path}/", *(f"{tmp_path}/{name}/" for name in sorted(("a", "x.md"))))
    found = walk(tmp_path)
    assert sorted(found.folders) == [*folders]
    assert found == Walk([NoteFile("x.md/c.md", stamp)], folders=found.folders)


def test_symbolic_links_are_not_followed_and_reported_once(tmp_path):
    corpus = tmp_path / "corpus"
    write(tmp_path, "outside/secret.md")
    write(corpus, "a.md", "folder/b.md")
    (corpus / "secret.md").symlink_to(tmp_path / "outside/secret.md")
    (corpus / "up").symlink_to("..")
    (corpus / "folder/loop").symlink_to(corpus)
    (corpus / "zero.txt").symlink_to("/dev/zero")
    (corpus / "dangling.md").symlink_to("nowhere")
    (corpus / "picture.png").symlink_to(tmp_path / "outside/secret.md")
    for name, target in (("itself", "itself"), ("long", "a" * 300), ("odd", "/etc/passwd/below")):
        (corpus / name).symlink_to(target)
        assert "not followed" in why(corpus, name)
    (tmp_path / "link").symlink_to("corpus")
    found = walk(tmp_path / "link")  # the corpus itself may be one
    assert [file.path for file in found.files] == ["a.md", "folder/b.md"]
    assert [skip.path for skip in found.skipped] == [
        *("dangling.md", "folder/loop", "itself", "long", "odd", "secret.md", "up", "zero.txt")
    ]
    assert not found.unreadable_folders
    assert all("symbolic link" in skip.reason for skip in found.skipped)


def test_fifos_and_sockets_are_reported(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.md")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.md")
        found = walk(tmp_path)
    assert not found.files
    assert {str(skip) for skip in found.skipped} == {
        f"{name}.md: not a regular file" for name in ("pipe", "socket")
    }


def test_a_corpus_that_is_no_folder_is_an_error_with_a_hint(tmp_path):
    write(tmp_path, "file.md")
    for name in ("missing", "file.md"):
        with pytest.raises(NoCorpus, match=name) as caught:
            walk(tmp_path / name)
        assert "--corpus" in caught.value.hint


@pytest.fixture
def as_nobody(tmp_path, monkeypatch) -> Callable[[], AbstractContextManager[None]]:
    """Stand in the test's folder as a user whose permissions count, though root may run the test.

    Paths must be relative: the folders above are closed to that user.
    """
    monkeypatch.chdir(tmp_path)

    @contextlib.contextmanager
    def become() -> Iterator[None]:
        tmp_path.chmod(0o755)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return become


def test_what_is_unreadable_is_reported_and_the_walk_goes_on(tmp_path, as_nobody):
    write(tmp_path, "corpus/a.md", "corpus/closed/b.md", "corpus/shut.md", "corpus/z/c.md")
    (tmp_path / "corpus/shut.md").chmod(0o000)
    closed = tmp_path / "corpus/closed"
    closed.chmod(0o000)
    with as_nobody():
        found = walk(Path("corpus"))
        note = read_text(Corpus.of(Path("corpus")), "shut.md", max_note_bytes=LIMIT)
    closed.chmod(0o755)
    assert [file.path for file in found.files] == ["a.md", "shut.md", "z/c.md"]
    assert note == Skipped("shut.md", "cannot be read: Permission denied")
    assert found.unreadable_folders == ["closed"]
    assert found.skipped == [Skipped("closed", "the folder cannot be read: Permission denied")]
    (tmp_path / "corpus").chmod(0o000)
    with as_nobody(), pytest.raises(NoCorpus, match="the folder corpus cannot be read: Permission"):
        walk(Path("corpus"))
    (tmp_path / "corpus").chmod(0o755)


@needs_any_name
def test_names_are_kept_byte_for_byte(tmp_path):
    names = [
        "caf\u00e9.md".encode(),  # composed
        "cafe\u0301.md".encode(),  # the same, decomposed
        b"latin-1 \xe9.md",
        b"new\nline.md",
        b"esc\x1b[31m [red].md",
    ]
    for name in names:
        with open(os.fsencode(tmp_path) + b"/" + name, "wb"):  # noqa: PTH123 - the name is bytes
            pass
    assert sorted(os.fsencode(path) for path in paths(tmp_path)) == sorted(names)


def why(root: Path, path: str) -> str:
    return why_left_out(Corpus.of(root), path, max_note_bytes=LIMIT)


def test_what_the_walk_finds_is_not_left_out_and_all_else_is(tmp_path):
    write(tmp_path, "a.md", "b/c.txt", "b/d.png", ".e.md", ".f/g.md", "h/i.md", "b/keep.md", "j.md")
    write(tmp_path, ".gitignore", text="h/\n*.md\n!a.md\n")
    write(tmp_path, "b/.ragqaignore", text="!keep.md\n")
    write(tmp_path, "b/big.txt", text="x" * (LIMIT + 1))
    (tmp_path / "l.md").symlink_to("a.md")
    (tmp_path / "m").symlink_to("b")
    files = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if not p.is_dir()]
    assert {path for path in files if not why(tmp_path, path)} == set(paths(tmp_path))
    assert set(paths(tmp_path)) == {"a.md", "b/c.txt", "b/keep.md"}


def test_why_a_note_is_left_out_names_the_line_and_the_file_of_the_rule(tmp_path):
    write(tmp_path, "a/b/c.md", "a/d.md")
    write(tmp_path, "a/.gitignore", text="# drafts\n\nb/  \n")
    assert why(tmp_path, "a/b/c.md") == 'line 3 of a/.gitignore leaves it out: "b/"'
    write(tmp_path, "a/.ragqaignore", text="!b\nd.*\n")
    assert why(tmp_path, "a/b/c.md") == ""
    assert why(tmp_path, "a/d.md") == 'line 2 of a/.ragqaignore leaves it out: "d.*"'


def test_asking_why_something_is_left_out_that_is_not_there_is_an_error(tmp_path):
    write(tmp_path, "a/b.md")
    for path in ("a/none.md", "none/a.md", "", "..", "a/../a.md"):
        with pytest.raises(FileNotFoundError):
            why(tmp_path, path)
