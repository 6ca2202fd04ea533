"""The command line. One module per command or family; `main.py` joins them."""
