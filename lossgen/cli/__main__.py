"""`python -m lossgen.cli`."""

import sys

from lossgen.cli.main import main

sys.exit(main())
