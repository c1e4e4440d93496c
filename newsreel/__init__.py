"""The face: the command line, the embedded stack, progress bars."""
