"""A small LLM service with its instrumentation, as one of yours might be."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode


class Service:
    """Answers questions, and tells what that took by OTLP."""

    def __init__(self, endpoint: str) -> None:
        """``endpoint`` takes OTLP over gRPC, such as ``http://localhost:4317``."""
        self._provider = TracerProvider(resource=Resource.create({"service.name": "answers"}))
        # Each span at once, as a test waits for it; batch in production.
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True)
        self._provider.add_span_processor(SimpleSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("answers")

    def answer(self, question: str) -> str:
        """Ask a model; what stands in for it here knows one thing.

        Raises:
            ValueError: The question is empty.
        """
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
        }
        with self._tracer.start_as_current_span(
            "chat gpt-4o-mini", kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            if not question:
                span.set_attribute("error.type", "invalid_request")
                span.set_status(Status(StatusCode.ERROR, "empty question"))
                raise ValueError("empty question")
            span.set_attribute("gen_ai.usage.input_tokens", len(question.split()))
            span.set_attribute("gen_ai.usage.output_tokens", 1)
            return "42"

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()
