"""Where the programs of the stack listen, all on loopback."""

from __future__ import annotations

from dataclasses import dataclass, fields

from simtraffic.backends.ports import HOST, free_ports, listens


@dataclass(frozen=True, slots=True)
class Addresses:
    """Ports; the defaults are those of the containers, where the containers publish one."""

    collector_grpc: int = 4317
    collector_http: int = 4318
    collector_health: int = 13133
    collector_metrics: int = 8888
    collector_scraped: int = 9464
    prometheus: int = 9090
    alertmanager: int = 9093
    jaeger: int = 16686
    jaeger_grpc: int = 16685
    jaeger_otlp: int = 14317
    jaeger_health: int = 14133
    logs: int = 9428
    webhook: int = 9099

    @classmethod
    def free(cls) -> Addresses:
        """Ports that nothing listens on, and that nobody else is given."""
        return cls(*free_ports(len(fields(cls))))

    def taken(self) -> list[str]:
        """Those that something listens on already, as ``name port``."""
        return [
            f"{field.name} {getattr(self, field.name)}"
            for field in fields(self)
            if listens(getattr(self, field.name))
        ]

    def url(self, name: str) -> str:
        """Base URL of one of them, such as ``prometheus``."""
        return f"http://{HOST}:{getattr(self, name)}"

    def of_containers(self) -> dict[str, str]:
        """From what the files of config/ call a place to where it is here.

        The collector and Jaeger read their addresses from the environment; these are for the files
        of programs that do not.
        """
        return {
            "otel-collector:8888": f"{HOST}:{self.collector_metrics}",
            "otel-collector:9464": f"{HOST}:{self.collector_scraped}",
            "prometheus:9090": f"{HOST}:{self.prometheus}",
            "alertmanager:9093": f"{HOST}:{self.alertmanager}",
            "webhook:9099": f"{HOST}:{self.webhook}",
        }
