"""Broken files of the formats that libraries convert, through the child process.

`python eval/fuzz/fuzz_documents.py --files 2000` breaks the samples of the contract's tests. Each
file must become a document or be left out with one sentence, and the child must outlive it.
"""

import argparse
import io
import random
import sys
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from mutation import mutated

from ragqa.notes import extraction
from ragqa.notes.formats import FORMATS, Format, Unfit

TESTS = Path(__file__).parents[2] / "tests"
NAMES = ("html", "org", "epub", "odt", "ods", "pptx", "xlsx", "rtf", "eml", "docx", "pdf")
SLOW = 10.0
"""Seconds after which a file is named."""


def main() -> int:
    """Break files of each format and say what became of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--files", type=int, default=300, help="for each format")
    parser.add_argument("--limit", type=int, default=20, help="seconds for one file")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    bad = 0
    type.__setattr__(Format, "seconds", given.limit)  # else a file that hangs takes five minutes
    for name in given.names:
        bad += _fuzz(name, given.files, random.Random(f"{name} {given.seed}"))  # noqa: S311 - to break files
    return min(bad, 1)


def _fuzz(name: str, files: int, rng: random.Random) -> int:
    sample, told, slowest, bad = _sample(name), Counter[str](), 0.0, 0
    for number in range(files):
        data = _broken(rng, sample)
        start = time.perf_counter()
        try:
            document = extraction.convert(FORMATS[name], data)
            document.text.encode()
            told["read"] += 1
        except Unfit as exc:
            sentence = str(exc)
            told["left out"] += 1
            if "\n" in sentence or "crashed" in sentence or "within" in sentence:
                bad += 1
                Path(f"found-{name}-{number}").write_bytes(data)
                print(f"{name} {number}: {sentence!r}")
        took = time.perf_counter() - start
        slowest = max(slowest, took)
        if took > SLOW:
            print(f"{name} {number}: {took:.0f} s")
    extraction.stop()
    print(f"{name}: {dict(told)}, {bad} bad, the slowest took {slowest:.1f} s", flush=True)
    return bad


def _broken(rng: random.Random, sample: bytes) -> bytes:
    """The sample, broken as bytes; of an archive, one of its parts or the archive itself."""
    if not sample.startswith(b"PK") or rng.random() < 0.3:
        return mutated(rng, [sample])
    with ZipFile(io.BytesIO(sample)) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice([*parts])
        parts[name] = mutated(rng, [parts[name]])
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for each, data in parts.items():
            archive.writestr(each, data)
    return made.getvalue()


def _sample(name: str) -> bytes:
    sys.path[:0] = [str(TESTS), str(TESTS / "contracts")]
    found = import_module("test_format_contract").SAMPLES[name]
    return found if isinstance(found, bytes) else bytes(found, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
