"""The local store: a database, and the terms and lists that are made from it, in one folder."""
