"""``python -m afterframe``."""

from afterframe.cli.main import main

if __name__ == "__main__":
    main()
