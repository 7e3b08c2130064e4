"""Bytes that mean ill for the collector: `make fuzz`, and a short form in the tests."""
