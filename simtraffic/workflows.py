"""What a request can ask for: the one table of workflows and of their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WorkflowName = Literal["chat", "completion", "embeddings"]
ModelKind = Literal["chat", "embeddings"]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A sort of request."""

    name: WorkflowName
    operation: str
    """Its ``gen_ai.operation.name``."""
    whole: str
    """What the ``llm`` catalogue calls it when the answer comes in one piece."""
    path: str
    """Of the service's own endpoint."""
    model_kind: ModelKind
    """The kind of model that it needs."""

    @property
    def generates(self) -> bool:
        """Whether a model writes an answer, token by token."""
        return self.model_kind == "chat"

    def plain_name(self, *, streaming: bool) -> str:
        """What the ``llm`` catalogue calls it."""
        return "streaming" if streaming and self.generates else self.whole

    def priority(self, *, streaming: bool) -> str:
        """Of the queue: ``high`` where somebody watches the answer come, ``low`` for embeddings."""
        if not self.generates:
            return "low"
        return "high" if streaming else "normal"


# Codes are positions: append, never insert.
WORKFLOWS = (
    Workflow("chat", "chat", "chat", "/v1/chat/completions", "chat"),
    Workflow("completion", "text_completion", "completion", "/v1/completions", "chat"),
    Workflow("embeddings", "embeddings", "embedding", "/v1/embeddings", "embeddings"),
)

NAMES = tuple(workflow.name for workflow in WORKFLOWS)
"""Names by workflow code."""


def workflow_of(name: str) -> Workflow:
    """The workflow of this name.

    Raises:
        KeyError: there is none.
    """
    for workflow in WORKFLOWS:
        if workflow.name == name:
            return workflow
    raise KeyError(name)
