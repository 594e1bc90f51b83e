"""Text that is extracted from files: in a child process with limits, and kept by digest."""
