"""Graded notebooks of a class, run by nbgrader with each kernel in a sandbox."""
