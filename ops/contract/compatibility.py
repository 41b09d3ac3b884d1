# SPDX-License-Identifier: EUPL-1.2
"""Whether a fact still means, to whoever already states or hears it, what was published.

`published.json` keeps a summary of each schema as it was published: per path the constraints that hold there.
Code may widen what it accepts. It may not refuse what it accepted, nor, in what our own services state, leave
out what was always there. Pure: works on schemas and summaries alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

Constraints = dict[str, Any]
Summary = dict[str, Constraints]
"""By path (`data.instemming[].geadresseerde`) what holds there."""

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_SAME: Final = ("pattern", "format")


def summary(schema: Mapping[str, Any]) -> Summary:
    """The constraints of a message schema by path, without its words."""
    return dict(_walk(schema, "", True, schema.get("$defs", {})))


def breaks(old: Summary, new: Summary, *, ours: bool) -> list[str]:
    """What a message or a reader that follows `old` would stumble over in `new`, one sentence each.

    `ours`: our own services state this fact, so that others read it and may count on every required field.
    """
    found = []
    for path, before in old.items():
        after = new.get(path)
        name = path or "the message"
        if after is None:
            found.append(f"{name} is gone")
            continue
        found += [f"{name} {what}" for what in _narrowed(before, after, ours=ours)]
    for path, after in new.items():
        parent = path.rpartition(".")[0]
        if path not in old and after.get("required") and parent in old:
            found.append(f"{path} is new and required")
    return found


def _narrowed(before: Constraints, after: Constraints, *, ours: bool) -> Iterator[str]:
    if after.get("required") and not before.get("required"):
        yield "has become required"
    if ours and before.get("required") and not after.get("required"):
        yield "is no longer required, and listeners may count on it"
    if before.get("nullable") and not after.get("nullable"):
        yield "no longer accepts null"
    if ours and after.get("nullable") and not before.get("nullable"):
        yield "may now be null, and listeners may count on it"
    kinds = after.get("type", before.get("type")), before.get("type", after.get("type"))
    if kinds[0] != kinds[1] and kinds != ("number", "integer"):
        yield f"was of type {kinds[1]} and is of type {kinds[0]}"
    yield from _codes(before.get("enum"), after.get("enum"))
    for key in _SAME:
        if key in after and before.get(key) != after[key]:
            # Whether one pattern accepts all that another does cannot be told in general.
            yield f"has another {key}"
    for key in _LOWER:
        if key in after and (key not in before or after[key] > before[key]):
            yield f"has a higher {key} ({after[key]})"
    for key in _UPPER:
        if key in after and (key not in before or after[key] < before[key]):
            yield f"has a lower {key} ({after[key]})"
    if "default" in before and "default" in after and before["default"] != after["default"]:
        yield "has another default: a message without it would change its meaning"
    if any(rule not in before.get("rules", []) for rule in after.get("rules", [])):
        yield "has a rule between its fields that was not there"


def _codes(before: list[Any] | None, after: list[Any] | None) -> Iterator[str]:
    if after is None:
        return
    if before is None:
        yield "has become a closed list"
        return
    gone = [str(code) for code in before if code not in after]
    if gone:
        yield f"no longer knows {', '.join(gone)}"


def _walk(
    node: Mapping[str, Any], path: str, required: bool, definitions: Mapping[str, Any]
) -> Iterator[tuple[str, Constraints]]:
    node, nullable = _resolve(node, definitions)
    held: Constraints = {
        key: node[key] for key in ("type", *_SAME, *_LOWER, *_UPPER, "default") if key in node
    }
    if "enum" in node or "const" in node:
        held["enum"] = node.get("enum", [node.get("const")])
    if "allOf" in node:
        held["rules"] = [json.dumps(rule, sort_keys=True) for rule in node["allOf"]]
    if required:
        held["required"] = True
    if nullable:
        held["nullable"] = True
    yield path, held
    for name, child in node.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        yield from _walk(child, below, name in node.get("required", ()), definitions)
    if "items" in node:
        yield from _walk(node["items"], f"{path}[]", False, definitions)


def _resolve(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The schema behind references and `anyOf [..., null]`, and whether null is accepted."""
    nullable = False
    while True:
        if "$ref" in node:
            rest = {key: value for key, value in node.items() if key != "$ref"}
            node = {**definitions[node["$ref"].rpartition("/")[2]], **rest}
        elif "anyOf" in node:
            kinds = [each for each in node["anyOf"] if each.get("type") != "null"]
            if len(kinds) != 1:
                raise ValueError("a field of several types cannot be summarised")
            nullable = len(kinds) < len(node["anyOf"])
            rest = {key: value for key, value in node.items() if key != "anyOf"}
            node = {**kinds[0], **rest}
        else:
            return node, nullable
