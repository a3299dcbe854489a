"""`python -m skiprun` is the `skiprun` command."""

from skiprun.cli import main

main()
