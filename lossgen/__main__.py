"""`python -m lossgen`: the command line."""

import sys

from lossgen.cli.main import main

sys.exit(main())
