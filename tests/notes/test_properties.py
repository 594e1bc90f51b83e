"""Keys of front matter as blocks and as properties, and those that name a secret."""

import pytest
import yaml
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.notes import parse_note
from ragqa.notes.frontmatter import is_secret
from ragqa.types import Kind


def blocks_of(front, kind):
    text = f"---\n{front}\n---\nText.\n"
    blocks = parse_note("note.md", text).blocks
    return str([text[b.start : b.end] for b in blocks if b.kind is kind])


def test_other_keys_are_no_secrets():
    keys = ("status", "secretary", "tokenizer", "key", "keywords", "pass", "monkey")
    assert not [key for key in keys if is_secret(key)]


@pytest.mark.parametrize("front", cases("secrets", "front"))
def test_a_secret_is_hidden_in_any_spelling_wherever_its_key_stands(front):
    assert "swordfish" not in blocks_of(f"x: 1\n{front}", Kind.PROPERTY)
    assert "swordfish" in blocks_of(f"x: 1\n{front}", Kind.SECRET)


def test_broken_front_matter_that_names_a_secret_is_no_text():
    front = "title: A: b\na: {apiKey: swordfish}"
    assert not any("swordfish" in blocks_of(front, kind) for kind in Kind)


SCALAR = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b c", "d"]), inner, max_size=3)
        | st.fixed_dictionaries({"password": SCALAR.map("swordfish{}".format)})
    ),
    max_leaves=6,
)


@given(
    tree=st.dictionaries(st.sampled_from(["status", "owner", "token", "x"]), VALUE, min_size=1),
    flow=st.sampled_from([None, True, False]),
    end=st.sampled_from(["\n", "\r\n"]),
)
@trying(100)
def test_blocks_of_any_front_matter_are_apart_and_in_order(tree, flow, end):
    front = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True).replace("\n", end)
    text = f"---{end}{front}---{end}Text."
    done = 0
    for block in parse_note("note.md", text).blocks:
        assert block.kind is Kind.SECRET or "swordfish" not in text[block.start : block.end]
        assert done <= block.start < block.end <= len(text)
        assert text[block.start : block.end].strip() == text[block.start : block.end]
        done = block.end


def test_there_are_at_most_500_properties_of_at_most_500_characters():
    text = "\n\n".join(f"key{n}:: {'x' * 600}" for n in range(600))
    found = parse_note("note.md", text).properties
    assert len(found) == 500
    assert {len(value) for _, value in found} == {500}
