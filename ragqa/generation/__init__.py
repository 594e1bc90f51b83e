"""Have an LLM write an answer, and lay every sentence beside the passages that it cites."""
