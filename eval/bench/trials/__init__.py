"""Trials of what ragqa must survive: a fault, then what an asker and the next build see.

Each module has one kind of fault and gives `Trial`s; `faults.py` runs them and prints tables, the
tests run them at a smaller size.
"""
