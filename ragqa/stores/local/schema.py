"""The tables of a catalogue, and the views over it and its delta."""

# A file name need not be valid text, as SQLite's TEXT requires. So paths and tags are BLOBs, and
# titles, headings and the like, which may come from a file name, are JSON, which escapes the rest.
SCHEMA = (
    """
    CREATE TABLE notes (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE,
        sha256 TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        settled INTEGER NOT NULL,
        title TEXT NOT NULL,
        date TEXT NOT NULL,
        tags TEXT NOT NULL,
        aliases TEXT NOT NULL,
        links TEXT NOT NULL,
        properties TEXT NOT NULL,
        language TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE tags (
        tag BLOB NOT NULL,
        note INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
        PRIMARY KEY (tag, note)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE passages (
        id INTEGER PRIMARY KEY,
        note INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
        embedding_key INTEGER NOT NULL,
        start_char INTEGER NOT NULL,
        end_char INTEGER NOT NULL,
        first_line INTEGER NOT NULL,
        last_line INTEGER NOT NULL,
        heading TEXT NOT NULL,
        text TEXT NOT NULL,
        units TEXT NOT NULL,
        language TEXT NOT NULL
    )
    """,
    "CREATE INDEX tags_by_note ON tags (note)",
    "CREATE INDEX passages_by_note ON passages (note)",
    "CREATE INDEX passages_by_embedding ON passages (embedding_key)",
)

DELTA_SCHEMA = (
    "CREATE TABLE gone (note INTEGER PRIMARY KEY)",
    """
    CREATE TABLE stamps (
        note INTEGER PRIMARY KEY,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        settled INTEGER NOT NULL
    )
    """,
)

_PASSAGE_ROWS = """
    SELECT passages.id AS id, note, embedding_key, start_char AS start, end_char AS "end",
        first_line, last_line, heading, text, units, passages.language AS language, path, title,
        sha256 AS note_sha256, date AS note_date, aliases
    FROM {part}.passages AS passages JOIN {part}.notes AS notes ON notes.id = passages.note
"""
_STAMPED = """
    SELECT id, path, sha256, ifnull(stamps.size, notes.size) AS size,
        ifnull(stamps.mtime_ns, notes.mtime_ns) AS mtime_ns,
        ifnull(stamps.settled, notes.settled) AS settled, title, date, tags, aliases, links,
        properties, language
    FROM base.notes AS notes LEFT JOIN main.stamps AS stamps ON stamps.note = notes.id
"""

# The views that queries use: one catalogue, or a base and its delta combined.
VIEWS = {
    "all_notes": ("SELECT * FROM main.notes", f"{_STAMPED} WHERE id NOT IN main.gone"),
    "all_tags": ("SELECT * FROM main.tags", "SELECT * FROM base.tags WHERE note NOT IN main.gone"),
    "all_passages": (
        "SELECT * FROM main.passages",
        "SELECT * FROM base.passages WHERE note NOT IN main.gone",
    ),
    "whole_passages": (
        _PASSAGE_ROWS.format(part="main"),
        f"{_PASSAGE_ROWS.format(part='base')} WHERE note NOT IN main.gone",
    ),
}
