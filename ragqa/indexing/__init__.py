"""Index notes: find what changed, split and embed only that, commit a new generation."""
