"""`python -m bootcamp` is the same as `bootcamp`."""

from bootcamp.cli.main import main

main()
