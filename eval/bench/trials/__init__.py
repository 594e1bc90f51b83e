"""Trials of what an index must survive, through the public API; `faults.py` runs them."""
