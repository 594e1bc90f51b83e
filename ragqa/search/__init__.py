"""Search: a question is read once, and the passages nearest to it are found."""
