"""Columns to OTLP bytes: spans, metric data points and log records."""
