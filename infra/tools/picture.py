"""Draws the state machine as SVG, laid out by graphlay: every state and every transition is an element with an id."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

import graphlay

from infra.tools.definition import DEFINITION

# The states that a revocation passes in which nothing goes wrong; the README shows them alone.
MAIN_PATH = (
    *("PrepareRevocation", "RevokeCertificate", "FindCrl", "WaitForCrl", "ConvertCrl"),
    *("AttachCrl", "VerifyRevocation", "RemoveSupersededCrls", "ReportRevocation", "NotifyOutcome"),
)
_CHARACTER, _MARGIN, _HEIGHT = 7.2, 24, 34
_OPTIONS = {
    "direction": "topbottom",
    "spacing": {"compound_padding": 28.0, "layer_gap": 38.0, "node_gap": 26.0, "dummy_gap": 12.0},
}
# How straight a transition is drawn: one back to an earlier state goes around.
_BACK, _FAILURE, _FORWARD = 0.1, 0.2, 2.0
_STYLE = """
    svg {
      --page: #ffffff; --line: #57606a; --text: #1f2328; --failure: #cf222e;
      --task: #ddf4ff; --choice: #fff8c5; --other: #f6f8fa;
    }
    @media (prefers-color-scheme: dark) {
      svg {
        --page: #0d1117; --line: #9198a1; --text: #e6edf3; --failure: #f85149;
        --task: #12334d; --choice: #3d3413; --other: #212830;
      }
    }
    text { font: 12px system-ui, sans-serif; fill: var(--text); text-anchor: middle; dominant-baseline: central }
    .label { font-size: 10px; paint-order: stroke; stroke: var(--page); stroke-width: 3px }
    rect { stroke: var(--line); fill: var(--other) }
    .Task rect { fill: var(--task) }
    .Choice rect { fill: var(--choice) }
    .Map > rect { fill: none; stroke-dasharray: 4 3 }
    path { stroke: var(--line); fill: none; marker-end: url(#arrow) }
    .failure path { stroke: var(--failure); stroke-opacity: 0.6; marker-end: url(#failure-arrow) }
    marker path { marker-end: none; stroke: none; fill: var(--line) }
    #failure-arrow path { fill: var(--failure) }
"""
_ARROW = '<marker id="{}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'


class Transition(NamedTuple):
    """From a state to another: on a condition, on failure, or otherwise (without a label)."""

    source: str
    target: str
    label: str
    is_failure: bool = False


class State(NamedTuple):
    """A state, and the Map that it is in, if any."""

    name: str
    definition: dict[str, Any]
    container: str | None


def states(machine: dict[str, Any], container: str | None = None) -> Iterator[State]:
    """Yield every state of a definition in its order, those of a Map after it."""
    for name, state in machine["States"].items():
        yield State(name, state, container)
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"], name)


def transitions(state: State) -> Iterator[Transition]:
    """Yield the transitions from a state, each target once, with all its conditions."""
    labels: dict[str, list[str]] = {}
    for choice in state.definition.get("Choices", []):
        labels.setdefault(choice["Next"], []).append(_condition(choice))
    for field in ("Default", "Next"):
        if field in state.definition:
            labels.setdefault(state.definition[field], [])
    for target, conditions in labels.items():
        yield Transition(state.name, target, " or ".join(conditions))
    for target in dict.fromkeys(catcher["Next"] for catcher in state.definition.get("Catch", [])):
        if target not in labels:
            yield Transition(state.name, target, "", is_failure=True)


def _condition(choice: dict[str, Any]) -> str:
    if "Or" in choice:
        return " or ".join(map(_condition, choice["Or"])).replace(" or Status ", " or ")
    if "And" in choice:
        return " and ".join(dict.fromkeys(map(_condition, choice["And"])))
    field = choice["Variable"].rsplit(".", 1)[1]
    value = next(value for name, value in choice.items() if name not in ("Variable", "Next"))
    return field if value is True else f"{field} {value}"


def draw() -> str:
    """Return the picture of the whole state machine."""
    drawn = list(states(json.loads(DEFINITION.read_text())))
    return _svg(drawn, [transition for state in drawn for transition in transitions(state)])


def draw_main_path() -> str:
    """Return the picture of the main path; states between its own are left out."""
    machine = json.loads(DEFINITION.read_text())
    by_name = {state.name: state for state in states(machine)}
    drawn = [state._replace(container=None) for name, state in by_name.items() if name in MAIN_PATH]
    found = [
        Transition(state.name, target, "") for state in drawn for target in _next_on_path(state.name, by_name, set())
    ]
    return _svg(drawn, found)


def _next_on_path(name: str, by_name: dict[str, State], passed: set[str]) -> list[str]:
    """Return the states of the main path that can follow a state, directly or after states that only decide."""
    following = [t.target for t in transitions(by_name[name]) if not t.is_failure]
    container = by_name[name].container
    if not following and container:
        following = [t.target for t in transitions(by_name[container]) if not t.is_failure]
    found: dict[str, None] = {}
    for target in following:
        definition = by_name[target].definition
        first = definition["ItemProcessor"]["StartAt"] if "ItemProcessor" in definition else target
        if first in MAIN_PATH:
            found[first] = None
        elif first not in passed and by_name[first].definition["Type"] != "Task":
            passed.add(first)
            found |= dict.fromkeys(_next_on_path(first, by_name, passed))
    return list(found)


def _svg(drawn: list[State], found: list[Transition]) -> str:
    layout = _layout(drawn, found)
    low, high = layout.bounds["min"], layout.bounds["max"]
    box = f"{low['x'] - 4:.0f} {low['y'] - 4:.0f} {high['x'] - low['x'] + 8:.0f} {high['y'] - low['y'] + 8:.0f}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{box.split()[2]}">',
        f"  <style>{_STYLE}  </style>",
        *(f'  {_ARROW.format(name)}<path d="M0 0 8 4 0 8z"/></marker>' for name in ("arrow", "failure-arrow")),
    ]
    # Labels last, so that no line crosses them.
    with_edges = sorted(zip(found, layout.edges, strict=True), key=lambda pair: bool(pair[0].label))
    lines += [_transition_element(transition, edge) for transition, edge in with_edges]
    lines += map(_state_element, drawn, layout.nodes)
    return "\n".join([*lines, "</svg>\n"])


def _layout(drawn: list[State], found: list[Transition]) -> graphlay.Layout:
    graph, places = graphlay.Graph(), {state.name: number for number, state in enumerate(drawn)}
    for state in drawn:
        width = _CHARACTER * len(state.name) + _MARGIN
        parent: dict[str, Any] = {} if state.container is None else {"parent": places[state.container]}
        graph.node(state.name, width=width, height=_HEIGHT, **parent)
    for transition in found:
        forward = _FAILURE if transition.is_failure else _FORWARD
        weight = _BACK if places[transition.target] < places[transition.source] else forward
        graph.edge(transition.source, transition.target, weight=weight)
    return graphlay.layout(graph, options=_OPTIONS)


def _transition_element(transition: Transition, edge: dict[str, Any]) -> str:
    points = " L".join(f"{point['x']:.0f} {point['y']:.0f}" for point in edge["points"])
    kind = "failure" if transition.is_failure else "transition"
    first, second = edge["points"][1:3] if edge["points"][2:] else edge["points"]  # horizontal, if it turns
    middle = {axis: (first[axis] + second[axis]) / 2 for axis in ("x", "y")}
    label = _text(middle, transition.label, "label") if transition.label else ""
    return f'  <g id="{transition.source}--{transition.target}" class="{kind}"><path d="M{points}"/>{label}</g>'


def _state_element(state: State, node: dict[str, Any]) -> str:
    center, size = node["center"], node["size"]
    is_map = state.definition["Type"] == "Map"
    x, y = center["x"] - size["width"] / 2, center["y"] - size["height"] / 2
    name = _text({"x": center["x"], "y": y + 12 if is_map else center["y"]}, state.name)
    rect = f'<rect x="{x:.0f}" y="{y:.0f}" width="{size["width"]:.0f}" height="{size["height"]:.0f}" rx="5"/>'
    title = f"<title>{escape(state.definition['Comment'])}</title>"
    return f'  <g id="{state.name}" class="{state.definition["Type"]}">{title}{rect}{name}</g>'


def _text(at: dict[str, float], text: str, kind: str = "") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{at["x"]:.0f}" y="{at["y"]:.0f}"{css}>{escape(text)}</text>'
