"""Rules made from data: SLOs and the two conventions; and copies with shorter windows."""

from tools.rules.alerts import Alert, alerts, bounds_of, thresholds

__all__ = ["Alert", "alerts", "bounds_of", "thresholds"]
