"""Documents made from files: in a child process with limits, and kept by digest."""
