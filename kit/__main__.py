"""``python -m kit`` is ``airgap-kit``."""

from kit.cli.main import main

if __name__ == "__main__":
    main()
