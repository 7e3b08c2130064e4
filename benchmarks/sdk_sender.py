"""The opentelemetry-sdk as a generator: what a small program of one's own would send.

Usage: ``python -m benchmarks.sdk_sender ENDPOINT SECONDS``. Two spans a trace, twelve attributes.
Ends by printing how many spans it made.
"""

from __future__ import annotations

import sys
import time


def main(endpoint: str, seconds: float) -> int:
    """Send for this long with the queue and batch that lose nothing."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True)
    processor = BatchSpanProcessor(exporter, max_queue_size=65536, max_export_batch_size=8192)
    provider = TracerProvider(resource=Resource.create({"service.name": "sdk"}))
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("benchmarks")
    made = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with (
            tracer.start_as_current_span("POST /v1/chat/completions", attributes=attributes(made)),
            tracer.start_as_current_span("chat gpt-4o-mini", attributes=attributes(made + 1)),
        ):
            pass
        made += 2
    provider.shutdown()
    return made


def attributes(number: int) -> dict[str, str | int | float | bool]:
    """Twelve attributes of a chat span."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini",
        "gen_ai.response.id": f"resp_{number:016x}",
        "gen_ai.usage.input_tokens": 300 + number % 700,
        "gen_ai.usage.output_tokens": 100 + number % 300,
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.stream": True,
        "gen_ai.output.type": "text",
        "server.address": "api.openai.com",
        "server.port": 443,
    }


if __name__ == "__main__":
    print(main(sys.argv[1], float(sys.argv[2])))
