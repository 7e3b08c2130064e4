"""`python -m simtraffic`."""

from simtraffic.cli.main import main

if __name__ == "__main__":
    main()
