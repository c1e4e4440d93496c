"""`python -m newsreel` is the command."""

from newsreel.cli import main

main()
