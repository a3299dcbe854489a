"""`python -m skiprun` is the `skiprun` command."""

import os
import sys

if not sys.flags.safe_path and not __file__.startswith(f"{sys.path[0]}{os.sep}skiprun{os.sep}"):
    del sys.path[0]  # the working folder, which -m puts first, where any file may be called torch.py

from skiprun.cli import main

main()
