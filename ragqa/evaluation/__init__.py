"""Measure retrieval, answers and confidence, on one's own questions and on public sets."""
