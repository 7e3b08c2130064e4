"""Checks of the flows, of what stands in for their models, and of capacities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simtraffic.scenario.flows import TokenSpec
from simtraffic.scenario.known import provider_of
from simtraffic.units import MAX_DURATION_NS, format_duration
from simtraffic.workflows import workflow_of

if TYPE_CHECKING:
    from simtraffic.documents.tree import Path
    from simtraffic.scenario.flows import Flow
    from simtraffic.scenario.review import Review


def kind_of(workflow: str) -> str:
    """The kind of model that a workflow needs."""
    return workflow_of(workflow).model_kind


def check_traffic(review: Review) -> None:
    """Flows have names, models that exist and fit, and some weight."""
    flows = review.scenario.traffic
    if not review.expect_some(("traffic",), flows, "add a flow"):
        return
    review.expect_distinct(("traffic",), [flow.name for flow in flows], "flow")
    sound = [review.is_sound("traffic", i, "share") for i in range(len(flows))]
    if all(sound) and not sum(flow.share for flow in flows):
        review.note(("traffic", 0, "share"), "all shares are zero", hint="give a flow a share")
    for index, flow in enumerate(flows):
        _check_models(review, index, flow)
        _check_tokens(review, index, flow)
        if flow.workflow == "embeddings" and review.is_sound("traffic", index, "workflow"):
            path = ("traffic", index)
            if flow.streaming and review.is_sound(*path, "streaming"):
                review.note((*path, "streaming"), "embeddings do not stream", hint="leave it out")
            if flow.conversation is not None:
                hint = "leave it out"
                review.note_key((*path, "conversation"), "embeddings have no conversation", hint)


def _check_models(review: Review, index: int, flow: Flow) -> None:
    path = ("traffic", index, "models")
    kind = kind_of(flow.workflow)
    is_kind_known = review.is_sound("traffic", index, "workflow")
    fitting = [name for name, has in review.known.models.items() if has == kind]
    for name in review.keys(path):
        if name not in review.known.models:
            known = fitting if is_kind_known else review.known.models
            review.note_key((*path, name), "unknown model", review.hint(name, known))
        elif is_kind_known and review.known.models[name] != kind:
            problem = f"{review.known.models[name]} model, but the workflow is {flow.workflow}"
            review.note_key((*path, name), problem, f"for example {fitting[0]}" if fitting else "")
    if not review.expect_some(path, flow.models, "name a model"):
        return
    weights = [share.weight for share in flow.models.values()]
    broken = review.broken_below(*path)
    are_sound = review.is_read(*path) and not broken
    are_sound &= all(review.is_sound(*path, name, "weight") for name in flow.models)
    if are_sound and not sum(weights):
        review.note(path, "all weights are zero", hint="give a model a weight")


def _check_tokens(review: Review, index: int, flow: Flow) -> None:
    path = ("traffic", index, "tokens")
    if not review.is_read(*path):
        return
    if not isinstance(flow.tokens, TokenSpec):
        review.expect_name(path, flow.tokens, review.known.profiles, "profile")
        return
    _check_quantiles(review, path, flow.tokens)
    if not review.is_sound("traffic", index, "workflow"):
        return
    given = review.keys(path)
    if flow.workflow != "embeddings" and "output" not in given and not review.has_stray_key(path):
        review.note(path, "output is missing", hint="add output: {p50: 200, p95: 800}")
    if flow.workflow == "embeddings":
        for key in ("output", "reasoning"):
            if key in given:
                review.note((*path, key), f"embeddings have no {key}", hint="leave it out")


def _check_quantiles(review: Review, path: Path, tokens: TokenSpec) -> None:
    for side in ("input", "output"):
        quantiles = getattr(tokens, side)
        if quantiles is None or not review.is_sound(*path, side):
            continue
        if quantiles.p95 < quantiles.p50:
            review.note((*path, side, "p95"), "p95 is below p50", hint=f"p50 is {quantiles.p50}")


def check_retries(review: Review) -> None:
    """Fallbacks lead from a provider to another one that can do the same; waits end some day."""
    known = review.known
    retries = review.scenario.retries
    waits_ns = retries.backoff_ns * (2 ** (retries.max_attempts - 1) - 1)
    if waits_ns > MAX_DURATION_NS and review.is_sound("retries", "backoff"):
        found = f"found {format_duration(waits_ns)} over {retries.max_attempts} attempts"
        hint = f"at most {format_duration(MAX_DURATION_NS)}: each wait is twice the one before"
        review.note(("retries", "backoff"), "the waits are too long", found, hint)
    for source in review.keys(("retries", "fallback")):
        path = ("retries", "fallback", source)
        if source not in known.providers:
            review.note_key(path, "unknown provider", review.hint(source, known.providers))
        if not review.is_sound(*path):
            continue
        target = review.scenario.retries.fallback[source]
        choices = known.models if "/" in target else known.providers
        noun = "model" if "/" in target else "provider"
        if not review.expect_name(path, target, choices, noun):
            continue
        if provider_of(target) == source:
            review.note(path, "a provider falls back to itself", hint="name another provider")
        elif source in known.providers:
            _check_fallback_kind(review, path, source, target)


def _check_fallback_kind(review: Review, path: Path, source: str, target: str) -> None:
    wanted = set()
    for index, flow in enumerate(review.scenario.traffic):
        here = ("traffic", index)
        if not review.is_read(*here, "models"):
            return
        if any(provider_of(model) == source for model in flow.models):
            if not review.is_sound(*here, "workflow"):
                return
            wanted.add(kind_of(flow.workflow))
    models = review.known.models
    has = {kind for name, kind in models.items() if target in {name, provider_of(name)}}
    if wanted and not wanted & has:
        needs = " and ".join(sorted(wanted))
        review.note(path, "the fallback cannot stand in", hint=f"the traffic needs {needs} models")


def check_capacity(review: Review) -> None:
    """Capacities are of providers or models that exist, and not zero."""
    names = [*review.known.providers, *review.known.models]
    for name in review.keys(("capacity",)):
        path = ("capacity", name)
        if name not in names:
            review.note_key(path, "unknown provider or model", review.hint(name, names))
        if review.is_sound(*path) and not review.scenario.capacity[name]:
            hint = "for an outage write an incident"
            review.note(path, "a capacity of zero serves nothing", hint=hint)
