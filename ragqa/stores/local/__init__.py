"""The local store: generations of catalogue, terms and vectors below one folder."""
