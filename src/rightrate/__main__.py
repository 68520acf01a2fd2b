"""`python -m rightrate`: the command line without its script on the path."""

from rightrate.cli.app import main

if __name__ == "__main__":
    main()
