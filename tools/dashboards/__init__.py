"""The boards of Grafana, made from data with Grafana's own builders."""
