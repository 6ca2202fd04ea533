"""The student's processes: how they are forked, called, watched and ended."""
