"""Run `bootcamp` with processes that are forked: `python -m tests.forking demo --once`.

The variable `FORK_SERVER` holds the address of the server.
"""

import os
from pathlib import Path

from bootcamp.cli.main import main
from tests.forking.client import use

use(Path(os.environ["FORK_SERVER"]))
main()
