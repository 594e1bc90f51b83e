"""Asking without torch: exports that are made once, found again, healed, and done without."""

import os
import stat

import onnxruntime
import pytest
from tiny_embedders import runs_on

from ragqa.embedders import Embedder, begin, embedder_for
from ragqa.embedders import sentence_transformers as building_module
from ragqa.embedders.models import find_model
from ragqa.embedders.onnx import EXPORTED_FILES, META_FILE, export_folder, open_export
from ragqa.errors import IndexUnusable, UsageError

TEXTS = ["the cat sat on a mat", "dogs bark", "word"]


def asking(model):
    return embedder_for(str(model), building=False)


def export_of(model):
    return export_folder(find_model(str(model)))


def agree(first, second):
    vectors = (embedder.embed_passages(TEXTS) for embedder in (first, second))
    return (next(vectors) * next(vectors)).sum(axis=-1).min() > 0.999


def test_building_exports_once_clears_what_was_left_and_asking_opens_it_in_silence(
    tiny, own_cache, caplog, capfd
):
    folder = export_of(tiny)
    leftover = folder.parent / f".{folder.name}-killed"
    leftover.mkdir(parents=True)
    (leftover / "plain.onnx").write_bytes(b"half")
    building = embedder_for(str(tiny), building=True)
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == [
        folder.name
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*EXPORTED_FILES, META_FILE])
    made = (folder / META_FILE).stat().st_mtime_ns
    embedder_for(str(tiny), building=True)
    assert (folder / META_FILE).stat().st_mtime_ns == made
    assert runs_on(asking(tiny)) == "onnx"
    assert agree(building, asking(tiny))
    assert caplog.messages == []
    assert capfd.readouterr() == ("", "")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def give_away(folder):
    """Let the files be another user's, which only root can do."""
    for path in (folder, *folder.iterdir()):
        os.chown(path, 65534, 65534)


OPEN = {
    "open folder": lambda folder: folder.chmod(0o777),
    "open file": lambda folder: (folder / META_FILE).chmod(0o666),
    "a link": lambda folder: folder.rename(folder.parent / ".x") and folder.symlink_to(".x"),
    **({"another user's": give_away} if os.getuid() == 0 else {}),
}
UNSOUND = {
    **{
        name: lambda folder, name=name: flip(folder / name) for name in (*EXPORTED_FILES, META_FILE)
    },
    "no meta": lambda folder: (folder / META_FILE).write_text(""),
    "no files": lambda folder: (folder / META_FILE).write_text('{"info": {}, "files": {}}'),
    "a number": lambda folder: (folder / META_FILE).write_text('{"info": {}, "files": 3}'),
}


@pytest.mark.parametrize("harm", UNSOUND.values(), ids=UNSOUND)
def test_a_damaged_export_is_not_used(exported, harm):
    harm(export_of(exported))
    assert open_export(find_model(str(exported))) is None


@pytest.mark.parametrize("harm", OPEN.values(), ids=OPEN)
def test_an_export_that_others_could_have_written_is_named_once_and_made_anew(
    exported, caplog, harm
):
    folder = export_of(exported)
    folder.parent.chmod(0o777)
    harm(folder)
    assert runs_on(asking(exported)) == "onnx"
    assert len([message for message in caplog.messages if str(folder) in message]) == 1
    assert not folder.is_symlink()
    assert not folder.parent.stat().st_mode & 0o022
    kept = [folder, *folder.iterdir()]
    assert {(path.stat().st_uid, path.stat().st_mode & 0o077) for path in kept} == {
        (os.getuid(), 0)
    }
    assert open_export(find_model(str(exported))) is not None


def test_an_export_serves_another_name_of_the_same_model_and_may_be_opened_beforehand(
    exported, tmp_path
):
    moved = str(exported.rename(tmp_path / "moved"))
    begin(moved)
    begun = asking(moved)
    assert (begun.info.name, runs_on(begun)) == (moved, "onnx")
    assert agree(begun, asking(moved))
    missing = str(tmp_path / "missing")
    begin(missing)
    with pytest.raises(UsageError):  # only where it is wanted
        asking(missing)


def no_export(monkeypatch, tmp_path):
    def fail(*args):
        raise RuntimeError("no such operator\nand a long story")

    monkeypatch.setattr(building_module, "write_graph", fail)


def another_export(monkeypatch, tmp_path):
    real = Embedder.embed_sentences

    def embed_sentences(self, texts):
        mirrored = runs_on(self) == "onnx"
        return real(self, [text[::-1] for text in texts] if mirrored else texts)

    monkeypatch.setattr(Embedder, "embed_sentences", embed_sentences)


def no_cache(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "file" / "cache"))


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (no_export, "no such operator"),
        (another_export, "the export's vectors differ"),
        (no_cache, "Not a directory"),
    ],
)
def test_a_model_that_cannot_be_exported_answers_on_torch_and_says_so(
    tiny, own_cache, tmp_path, caplog, monkeypatch, harm, why
):
    harm(monkeypatch, tmp_path)
    assert runs_on(asking(tiny)) == "torch"
    assert "cannot be exported to ONNX" in caplog.text
    assert why in caplog.text
    assert "long story" not in caplog.text
    assert not list(own_cache.glob("onnx/[!.]*[!k]"))


def test_a_failure_of_onnx_runtime_names_the_file_and_what_to_do(exported, monkeypatch):
    embedder = asking(exported)

    def fail(*args):
        raise RuntimeError("out of memory\nat some line")

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", fail)
    with pytest.raises(IndexUnusable) as failed:
        embedder.embed_query("word")
    assert "out of memory" in failed.value.message
    assert "\n" not in failed.value.message
    assert failed.value.hint == f"rm -r {export_of(exported)}"


def test_asking_first_says_that_it_takes_a_while_and_exports_for_its_user_alone(
    tiny, own_cache, caplog
):
    before = os.umask(0)
    try:
        assert runs_on(asking(tiny)) == "onnx"
    finally:
        os.umask(before)
    assert ["takes some seconds" in message for message in caplog.messages] == [True]
    assert export_of(tiny).is_dir()
    modes = {
        path.relative_to(own_cache).as_posix(): oct(stat.S_IMODE(path.stat().st_mode))
        for path in own_cache.rglob("*")
        if stat.S_IMODE(path.stat().st_mode) != (0o700 if path.is_dir() else 0o600)
    }
    assert modes == {}
