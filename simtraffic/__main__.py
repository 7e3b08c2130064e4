"""`python -m simtraffic`."""

if __name__ == "__main__":
    from simtraffic.children import forget_working_directory

    forget_working_directory()

    from simtraffic.cli.main import main

    main()
