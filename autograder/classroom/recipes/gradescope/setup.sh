#!/usr/bin/env bash
# Gradescope runs this once, when it builds the image of the autograder.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends python3 python3-venv make git bubblewrap
python=python3
# Gradescope's default image, Ubuntu 22.04, has Python 3.10, and 3.11 as a package of its own.
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  python=python3.11
  apt-get install -y -qq --no-install-recommends "$python" "$python-venv"
fi
cd "${AUTOGRADER_ROOT:-/autograder}/source/course"
make setup PYTHON="$python"
# Week 7's checks open the page in a browser. Ubuntu has Chromium as a snap only, which needs more than an image has.
.venv/bin/playwright install --with-deps chromium
