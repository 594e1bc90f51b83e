"""Asking without torch: exports that are made once, found again, healed, and done without."""

import logging
import os
import shutil
import stat

import numpy as np
import onnxruntime
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state

from ragqa.embedders import sentence_transformers as building_module
from ragqa.embedders.loading import begin, load_asking
from ragqa.embedders.onnx import (
    EXPORTED_FILES,
    META_FILE,
    ONNX_RUNTIME_ERRORS,
    OnnxEmbedder,
    export_folder,
    open_export,
)
from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder
from ragqa.embedders.weights import find_model
from ragqa.errors import IndexUnusable, UsageError

TEXTS = ["the cat sat on a mat", "dogs bark", "word"]


def agree(first, second):
    return (first * second).sum(axis=-1).min() > 0.999


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def test_building_exports_once_and_asking_opens_it_in_silence(tiny, own_cache, caplog, capfd):
    building = SentenceTransformerEmbedder.load(str(tiny))
    exported = export_folder(find_model(str(tiny)))
    made = (exported / META_FILE).stat().st_mtime_ns
    SentenceTransformerEmbedder.load(str(tiny))
    asking = load_asking(str(tiny))
    assert isinstance(asking, OnnxEmbedder)
    assert (exported / META_FILE).stat().st_mtime_ns == made
    assert agree(building.embed_passages(TEXTS), asking.embed_passages(TEXTS))
    assert caplog.messages == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", [*EXPORTED_FILES, META_FILE])
def test_a_damaged_export_is_not_used(exported, name):
    found = find_model(str(exported))
    damage(export_folder(found) / name)
    assert open_export(found) is None


def test_a_damaged_export_is_made_again(exported):
    building = SentenceTransformerEmbedder.load(str(exported))
    damage(export_folder(find_model(str(exported))) / META_FILE)
    healed = load_asking(str(exported))
    assert isinstance(healed, OnnxEmbedder)
    assert agree(building.embed_passages(TEXTS), healed.embed_passages(TEXTS))


@pytest.mark.parametrize(
    "meta",
    ["", '{"info": {}, "files": {}}', '{"info": {"no": 1}, "files": FILES}', '{"files": 3}'],
)
def test_an_export_with_broken_meta_data_is_not_used(exported, meta):
    found = find_model(str(exported))
    path = export_folder(found) / META_FILE
    files = path.read_text().partition('"files": ')[2][:-1]
    path.write_text(meta.replace("FILES", files))
    assert open_export(found) is None


def test_an_export_serves_another_name_of_the_same_model(exported, tmp_path):
    moved = exported.rename(tmp_path / "moved")
    asking = open_export(find_model(str(moved)))
    assert asking is not None
    assert asking.info.name == str(moved)


def test_an_export_that_is_opened_beforehand_answers_as_any_other(exported, tmp_path):
    asking = load_asking(str(exported))
    begin(str(exported))
    begun = load_asking(str(exported))
    assert isinstance(begun, OnnxEmbedder)
    assert agree(asking.embed_passages(TEXTS), begun.embed_passages(TEXTS))
    missing = str(tmp_path / "missing")
    begin(missing)
    with pytest.raises(UsageError):  # only where it is wanted
        load_asking(missing)


def test_a_model_that_cannot_be_exported_answers_on_torch_and_says_so(
    tiny, own_cache, caplog, monkeypatch
):
    def fail(*args):
        raise RuntimeError("no such operator\nand a long story")

    monkeypatch.setattr(building_module, "write_graph", fail)
    asking = load_asking(str(tiny))
    assert isinstance(asking, SentenceTransformerEmbedder)
    assert "cannot be exported to ONNX" in caplog.text
    assert "no such operator" in caplog.text
    assert "long story" not in caplog.text
    assert [path.name for path in (own_cache / "onnx").iterdir() if path.suffix != ".lock"] == []


def test_an_export_that_computes_something_else_is_not_kept(tiny, own_cache, caplog, monkeypatch):
    real = OnnxEmbedder.embed_sentences

    def reversed_sentences(self, texts):
        return real(self, [text[::-1] for text in texts])

    monkeypatch.setattr(OnnxEmbedder, "embed_sentences", reversed_sentences)
    assert isinstance(load_asking(str(tiny)), SentenceTransformerEmbedder)
    assert "the export's vectors differ" in caplog.text


def test_a_cache_that_cannot_be_written_leaves_torch_to_answer(tiny, tmp_path, caplog, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "file" / "cache"))
    assert isinstance(load_asking(str(tiny)), SentenceTransformerEmbedder)
    assert "cannot be exported to ONNX" in caplog.text


def test_of_two_that_export_at_once_the_second_uses_what_the_first_made(
    cache_with_export, tiny, own_cache, caplog, monkeypatch
):
    lock, name = building_module.fcntl.flock, f"{export_folder(find_model(str(tiny))).name}.lock"
    waited = []

    def lock_after_the_other(file, how):
        lock(file, how)
        if getattr(file, "name", "").endswith(name):
            shutil.copytree(cache_with_export / "onnx", own_cache / "onnx", dirs_exist_ok=True)
            waited.append(file)

    monkeypatch.setattr(building_module.fcntl, "flock", lock_after_the_other)
    monkeypatch.setattr(building_module, "write_graph", None)
    SentenceTransformerEmbedder.load(str(tiny))
    assert len(waited) == 1
    assert open_export(find_model(str(tiny))) is not None
    assert caplog.messages == []


def test_what_a_killed_export_left_behind_is_cleared_away(tiny, own_cache):
    folder = export_folder(find_model(str(tiny)))
    leftover = folder.parent / f".{folder.name}-killed"
    leftover.mkdir(parents=True)
    (leftover / "plain.onnx").write_bytes(b"half")
    SentenceTransformerEmbedder.load(str(tiny))
    assert not leftover.exists()
    assert sorted(path.name for path in folder.iterdir()) == sorted([*EXPORTED_FILES, META_FILE])


def test_what_onnx_runtime_raises_while_it_computes_is_named(exported):
    asking = open_export(find_model(str(exported)))
    names = asking._model.input_names
    beyond_the_vocabulary = {name: np.full((1, 1), 10**6) for name in names}
    with pytest.raises(IndexUnusable, match="cannot be used"):
        asking._model.run(beyond_the_vocabulary, ["sentence"])


def test_every_error_of_onnx_runtime_is_translated():
    known = {
        value
        for module in (onnxruntime, onnxruntime_pybind11_state)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert len(known) > 10
    assert known <= set(ONNX_RUNTIME_ERRORS)


@pytest.mark.parametrize("opened", [META_FILE, "."])
def test_an_export_that_others_may_write_is_made_anew_and_closed_to_them(exported, caplog, opened):
    folder = export_folder(find_model(str(exported)))
    before = folder.stat().st_ino
    path = folder / opened
    path.chmod(0o777 if path.is_dir() else 0o666)
    assert isinstance(load_asking(str(exported)), OnnxEmbedder)
    assert folder.stat().st_ino != before
    named = [message for message in caplog.messages if "others may write" in message]
    assert len(named) == 1
    assert str(folder) in named[0]
    kept = [folder, *folder.iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in kept} == {0}
    assert open_export(find_model(str(exported))) is not None


def test_the_folder_of_exports_is_closed_to_others_before_one_is_used(exported):
    folder = export_folder(find_model(str(exported))).parent
    folder.chmod(0o777)
    assert open_export(find_model(str(exported))) is not None
    assert not folder.stat().st_mode & 0o022


def test_a_link_in_place_of_an_export_is_made_anew(exported, tmp_path):
    folder = export_folder(find_model(str(exported)))
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert isinstance(load_asking(str(exported)), OnnxEmbedder)
    assert not folder.is_symlink()
    assert (tmp_path / "elsewhere" / META_FILE).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_an_export_of_another_user_is_made_anew(exported, caplog):
    folder = export_folder(find_model(str(exported)))
    for path in (folder, *folder.iterdir()):
        os.chown(path, 65534, 65534)
    assert isinstance(load_asking(str(exported)), OnnxEmbedder)
    assert "belongs to another user" in caplog.text
    assert folder.stat().st_uid == 0


def test_asking_first_says_that_it_takes_a_while_and_exports_for_its_user_alone(
    tiny, own_cache, caplog
):
    before = os.umask(0)
    try:
        assert isinstance(load_asking(str(tiny)), OnnxEmbedder)
    finally:
        os.umask(before)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "takes some seconds" in caplog.text
    folder = export_folder(find_model(str(tiny)))
    modes = {
        path.relative_to(own_cache).as_posix(): oct(stat.S_IMODE(path.stat().st_mode))
        for path in own_cache.rglob("*")
        if stat.S_IMODE(path.stat().st_mode) != (0o700 if path.is_dir() else 0o600)
    }
    assert folder.is_dir()
    assert modes == {}
