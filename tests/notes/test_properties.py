"""The keys of front matter as blocks, each where it stands in the note."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.notes import parse_note
from ragqa.notes.frontmatter import is_secret
from ragqa.types import Kind, Stamp


def properties(front, kind=Kind.PROPERTY):
    """The text of each key with its value, after the keys above it."""
    text = f"---\n{front}\n---\nText.\n"
    blocks = parse_note("note.md", text, "", Stamp(0, 0)).blocks
    return [(b.label, text[b.start : b.end]) for b in blocks if b.kind is kind]


@pytest.mark.parametrize(
    ("front", "found"),
    [
        ("status: accepted", [("", "status: accepted")]),
        ("due: 2025-09-30 # or later", [("", "due: 2025-09-30")]),
        (
            "'the owner': \"Ann \u00fc \U0001f600\"\nx: 1",
            [("", "'the owner': \"Ann \u00fc \U0001f600\""), ("", "x: 1")],
        ),
        ("who:\n- Ann\n- Tom\n\nx: 1", [("", "who:\n- Ann\n- Tom"), ("", "x: 1")]),
        ("who: [Ann, Tom]", [("", "who: [Ann, Tom]")]),
        ("who:\n  - Ann # the boss\n  - Tom", [("who", "Ann"), ("who", "Tom")]),
        ("db:\n  host: db1\n  port: 5432", [("db", "host: db1"), ("db", "port: 5432")]),
        ("a:\n  b:\n    c: 1", [("a > b", "c: 1")]),
        ("a:\n  - b: 1\n    c: 2", [("a", "b: 1"), ("a", "c: 2")]),
        (
            "about: |\n  Long text.\n  And more.\n\nx: 1",
            [("", "about: |\n  Long text.\n  And more."), ("", "x: 1")],
        ),
        ("empty:\nx: 1", [("", "x: 1")]),
        ("status: done: at last\nx: 1", [("", "status: done: at last"), ("", "x: 1")]),
        ("owner: @ann\r\nx: 1", [("", "owner: @ann"), ("", "x: 1")]),
        ("tags: [a]\nstatus: x", [("", "tags: [a]"), ("", "status: x")]),
    ],
)
def test_a_key_and_its_value_are_a_block_where_they_stand(front, found):
    assert properties(front) == found


@pytest.mark.parametrize(
    "front",
    [
        "title: A",
        "title: A\ntags: [a, b]\naliases: [c]\ndate: 2024-01-02",
        "last-modified: 2024-01-02",
    ],
)
def test_front_matter_that_is_shown_or_searched_elsewhere_has_no_blocks(front):
    assert properties(front) == []


@pytest.mark.parametrize(
    "key",
    [
        *("password", "Passwd", "PASSWORD", "db_password", "db-password", "dbPassword", "pwd"),
        *(
            "secret",
            "client secret",
            "clientSecret",
            "token",
            "github_token",
            "tokens",
            "authToken",
        ),
        *("api_key", "API-KEY", "apiKey", "apikey", "openai.api.key", "private_key", "privateKey"),
        *("credential", "credentials", "aws_credentials", "access_key", "passphrase"),
    ],
)
def test_a_key_that_names_a_secret_is_known_in_any_spelling(key):
    assert is_secret(key)
    for front in (
        f"{key}: swordfish",
        f"a:\n  {key}: swordfish",
        f"a:\n  - b: 1\n    {key}:\n      c: swordfish",
        f"a: {{b: 1, {key}: swordfish}}",
        f"a: [{{{key}: swordfish}}]",
        f"'{key}': swordfish",
        f"b: {{x}} y: z\na: {{{key}: swordfish}}",
        f"{key}: |\n  swordfish\n  more",
        f"title: A: b\n{key}: swordfish",
    ):
        assert "swordfish" not in str(properties(f"x: 1\n{front}"))
        assert "swordfish" in str(properties(f"x: 1\n{front}", Kind.SECRET))


@pytest.mark.parametrize(
    "key", ["status", "secretary", "tokenizer", "tokenization", "key", "keywords", "pass", "monkey"]
)
def test_other_keys_are_no_secrets(key):
    assert not is_secret(key)


SCALAR = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b c", "password", "d"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    tree=st.dictionaries(st.sampled_from(["status", "owner", "token", "x"]), VALUE, min_size=1),
    flow=st.sampled_from([None, True, False]),
    end=st.sampled_from(["\n", "\r\n"]),
)
@trying(200)
def test_blocks_of_any_front_matter_are_apart_and_in_order(tree, flow, end):
    front = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True).replace("\n", end)
    text = f"---{end}{front}---{end}Text."
    done = 0
    for block in parse_note("note.md", text, "", Stamp(0, 0)).blocks:
        assert done <= block.start < block.end <= len(text)
        assert text[block.start : block.end].strip() == text[block.start : block.end]
        done = block.end


@given(
    value=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1
    )
)
@trying(200)
def test_a_secret_is_never_in_a_block_to_read(value):
    front = yaml.safe_dump({"a": {"password": f"swordfish{value}"}, "b": 1}, allow_unicode=True)
    assert "swordfish" not in str(properties(front.rstrip("\n")))


def pairs(text):
    return parse_note("note.md", text, "0" * 64, Stamp(0, 0)).properties


def test_the_values_of_the_front_matter_are_properties_and_a_list_has_several():
    text = (
        "---\nStatus: in  progress\nrating: 4\nauthors:\n- Le Guin\n- Chiang\n"
        "empty:\nnested: {a: 1}\n---\nText."
    )
    assert pairs(text) == (
        ("Status", "in progress"), ("rating", "4"), ("authors", "Le Guin"), ("authors", "Chiang"),
    )  # fmt: skip


def test_inline_fields_are_properties_but_not_those_in_code_or_comments():
    text = (
        "wood:: larch, untreated\n- [ ] call Rui [due:: 2026-05-03] (cost:: 12)\n"
        "**made by**:: Abílio\n\n> pace:: 15 km/h\n\n```\nno:: code\n```\n%% no:: comment %%\n\n"
        "std::vector is C++. a::b\n"
    )
    assert pairs(text) == (
        ("wood", "larch, untreated"), ("due", "2026-05-03"), ("cost", "12"),
        ("made by", "Abílio"), ("pace", "15 km/h"),
    )  # fmt: skip


def test_secrets_are_no_properties():
    assert pairs("---\napi_key: abc\npassword: [x]\na: 1\n---\nmy password:: x\n") == (("a", "1"),)


def test_there_are_at_most_500_properties_of_at_most_500_characters():
    found = pairs("\n\n".join(f"key{n}:: {'x' * 600}" for n in range(600)))
    assert len(found) == 500
    assert {len(value) for _, value in found} == {500}
