"""What an index in Milvus takes, by arithmetic, and the page that shows it."""

import importlib
import re
import sys
from dataclasses import astuple
from pathlib import Path

import pytest
from support import CORPUS

from ragqa.embedders.hashed import HashedEmbedder

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sizing():
    bench = str(ROOT / "eval" / "bench")
    sys.path.insert(0, bench)
    try:
        return importlib.import_module("sizing")
    finally:
        sys.path.remove(bench)


def test_the_tables_on_the_page_are_those_that_the_script_prints(sizing):
    tables = sizing.tables()
    assert len(tables) == 6
    assert [table for table in tables if f"\n\n{table}\n\n" not in PAGE] == []


def test_the_rows_are_as_long_as_those_of_the_wiki(sizing):
    # No note of the wiki is split elsewhere by the model's tokens.
    measured = sizing.measure(CORPUS, HashedEmbedder())
    assert astuple(measured) == pytest.approx(astuple(sizing.WIKI), rel=0.05)


def test_the_formulas_give_what_the_engine_publishes_for_its_example(sizing):
    million = 10**6
    assert sizing.graph(128, links=32) * million == 640e6
    lists = sizing.lists(128, code=128, clusters=2000, rows=million)
    assert lists * million == pytest.approx(131.0e6, rel=0.001)


def test_the_speed_on_the_page_of_performance_is_the_one_that_is_reckoned_with(sizing):
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    speed = re.search(r"at (\d+) passages of full length a second", text)
    assert sizing.SPEEDS[0].passages == int(speed[1])


def test_mapping_the_text_takes_less_memory_than_any_other_index_that_is_refined(sizing):
    row, made = sizing.WIKI, sizing.indexes(sizing.DIMENSION, sizing.WIKI)
    (graph,) = (index for index in made if index.name == "HNSW")
    others = [index for index in made if index.name != "IVF_RABITQ"]
    whole = [sizing.loaded(index, row, mapped=False) for index in others]
    assert sizing.loaded(graph, row, mapped=True) < min(whole)


def test_the_types_of_index_are_in_the_order_that_the_page_gives_them(sizing):
    sizes = {i.name: i.memory for i in sizing.indexes(sizing.DIMENSION, sizing.WIKI)}
    assert sizes["IVF_RABITQ"] < sizes["IVF_SQ8"] < sizes["HNSW_SQ (SQ8)"] < sizes["HNSW"]


def test_prices_of_ones_own_change_the_costs_and_nothing_else(sizing):
    usual, own = sizing.tables(), sizing.tables(prices=sizing.Prices(8.0, 0.1, 0.2))
    assert usual[:-1] == own[:-1]
    assert usual[-1] != own[-1]
