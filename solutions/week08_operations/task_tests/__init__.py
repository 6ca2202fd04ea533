"""Tests of a task on a real broker and a real worker. Item 8.8."""
