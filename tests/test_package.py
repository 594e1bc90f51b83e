"""What is shipped."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support import HANGS_S

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The names in the wheel and in the sdist, both built from the working tree."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=HANGS_S,
    )
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        in_wheel = packed.namelist()
    with tarfile.open(sdist) as packed:
        in_sdist = [name.partition("/")[2] for name in packed.getnames()]
    return in_wheel, in_sdist


def test_the_wheel_holds_the_package_and_its_data_but_no_corpus_and_no_index(built):
    wheel, _ = built
    assert {"ragqa/__init__.py", "ragqa/py.typed", "ragqa/answering/confidence.json"} <= set(wheel)
    assert {name.partition("/")[0].partition("-")[0] for name in wheel} == {"ragqa"}


def test_the_sdist_holds_what_the_tests_need_and_no_index(built):
    _, sdist = built
    assert {"README.md", "LICENSE", "corpus/index.md", "tests/conftest.py"} <= set(sdist)
    assert [name for name in sdist if name.startswith("indexes/") and "README" not in name] == []


def test_of_the_plug_ins_only_what_documents_link_to_is_shipped(built):
    wheel, sdist = built
    ours = [name for name in [*wheel, *sdist] if not name.startswith("eval/obsidian/vault/")]
    names = [name for name in ours if "plugins" in name]
    assert set(names) <= {"plugins", "plugins/obsidian", "plugins/obsidian/README.md"}


def test_a_licence_comes_with_it(built):
    wheel, _ = built
    assert any(name.endswith("/licenses/LICENSE") for name in wheel)
