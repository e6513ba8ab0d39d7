"""``python -m afterframe``."""

from afterframe.cli import main

if __name__ == "__main__":
    main()
