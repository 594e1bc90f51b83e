"""The engine in the folder of an index."""
