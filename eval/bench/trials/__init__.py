"""Trials of what ragqa must survive: a fault, then what an asker and the next build see.

Each module has one kind of fault and gives `Trial`s; `faults.py` and `stress.py` run them and print
tables, the tests run them at a smaller size.
"""
