"""Measure retrieval, answers and confidence on the user's questions and on public sets."""
