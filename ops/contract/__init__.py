# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt contract write|check`: the contract folder, generated from the code and kept compatible.

    asyncapi.yaml     who states and hears what (asyncapi.py)
    schemas/          a JSON Schema per fact (schemas.py)
    corpus/           old messages, only ever added to (corpus.py)
    published.json    what was promised: only ever extended (compatibility.py)
    README.md         how to take part

`write` refuses a change that breaks what was published; `check` finds it, and everything that is not as
`write` would make it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops import CHECKOUT, OpsError
from ops.contract import asyncapi, node
from ops.contract.compatibility import Summary, breaks, summary
from ops.contract.corpus import replay, samples
from ops.contract.schemas import message_schema, publishers
from shared import flow
from shared.envelope import Refusal
from shared.events import Event, alle_feiten

FOLDER: Final = CHECKOUT / "contract"
COMMAND: Final = "run ./meldpunt contract write"

Published = dict[str, dict[str, Any]]
"""By wire name: `schema`, the summary of what was promised, and `corpus`, the digest of each sample."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `contract`."""
    actions: Mapping[str, str] = {
        "write": "make the folder from the code",
        "check": "say what differs or breaks a promise",
        "lock": "make the locks of the Node.js packages anew",
    }
    parser.add_argument(
        "action", choices=tuple(actions), help="; ".join(f"{name}: {text}" for name, text in actions.items())
    )


def run(args: argparse.Namespace) -> int:
    """Returns 0 when done or in order, else 1."""
    action: Callable[[], tuple[int, Sequence[str]]] = {"write": _write, "check": _check, "lock": _lock}[
        args.action
    ]
    status, lines = action()
    for line in lines:
        print(line)
    return status


def _write() -> tuple[int, Sequence[str]]:
    changed = write(FOLDER)
    return 0, [f"wrote contract/{name}" for name in changed] or ["contract/ is as it should be"]


def _check() -> tuple[int, Sequence[str]]:
    problems = check()
    return int(bool(problems)), problems or ["contract/ follows from the code, and breaks no promise"]


def _lock() -> tuple[int, Sequence[str]]:
    return 0, [f"wrote {node.write_lock(folder).relative_to(CHECKOUT)}" for folder in node.FOLDERS]


def write(folder: Path) -> list[str]:
    """Brings the folder up to date; returns the files that changed, relative to it.

    Raises OpsError, and changes nothing, when a published fact would be broken.
    """
    published = _read_published(folder)
    broken = incompatible(published)
    if broken:
        raise OpsError("\n".join([*broken, "nothing was written"]))
    files = {**_generated(), **_new_samples(folder)}
    changed = []
    for name, content in files.items():
        changed += _replace(folder, name, content)
    changed += _replace(folder, "published.json", _published_text(folder))
    return changed


def check(folder: Path = FOLDER) -> list[str]:
    """What is wrong with the folder, in lines; nothing when all is well. Runs the official parser too."""
    try:
        invalid = parser_problems(folder / "asyncapi.yaml")
    except OpsError as error:
        invalid = [f"asyncapi.yaml was not checked by the official parser: {error}"]
    return [*folder_problems(folder), *invalid]


def folder_problems(folder: Path) -> list[str]:
    """Where the folder does not follow from the code, and where the code breaks what the folder promised."""
    return [
        *incompatible(_read_published(folder)),
        *_differences(folder),
        *_corpus_problems(folder, datetime.now(UTC)),
    ]


def incompatible(published: Published) -> list[str]:
    """Per published fact that today's code would break: which one, and how."""
    today = {flow.wire_name(event): event for event in alle_feiten()}
    found = []
    for name, promised in published.items():
        event = today.get(name)
        if event is None:
            found.append(
                f"{name} was published and is gone; a fact is stated beside its successor for a while"
            )
            continue
        ours = any(publisher in flow.SERVICES for publisher in publishers(event))
        for what in breaks(promised["schema"], _summary(event), ours=ours):
            found.append(
                f"{name} changed incompatibly under the same version: {what}; make it the next versie"
            )
    return found


def parser_problems(document: Path) -> list[str]:
    """What the official AsyncAPI parser finds wrong. Raises OpsError when it cannot run."""
    if not document.exists():
        return []
    place = node.installed(node.PARSER)
    # Beside its packages, where Node.js looks for them.
    script = place / "check.mjs"
    shutil.copy(node.PARSER / script.name, script)
    outcome = node.run(place, script.name, str(document.resolve()))
    if outcome.returncode == 0:
        return []
    lines = (outcome.stdout or outcome.stderr).strip().splitlines()
    return [f"asyncapi.yaml is not valid: {line}" for line in lines[:20]] or ["asyncapi.yaml is not valid"]


def _summary(event: type[Event]) -> Summary:
    # Through JSON, so that it equals what is read back from the file.
    made: Summary = json.loads(json.dumps(summary(message_schema(event))))
    return made


def _generated() -> dict[str, str]:
    """The files that follow from the code alone."""
    return {
        "README.md": _readme(),
        "asyncapi.yaml": asyncapi.text(),
        **{
            f"schemas/{flow.wire_name(event)}.json": _pretty(message_schema(event)) for event in alle_feiten()
        },
    }


def _readme() -> str:
    rows = [
        f"| `{party}` | {', '.join(f'`{flow.wire_name(event)}`' for event in flow.STATES[party])} "
        f"| {', '.join(f'`{key}`' for key in flow.may_hear(party)) or 'nothing'} |"
        for party in flow.PUBLISHERS
    ]
    template = (Path(__file__).parent / "readme.md").read_text(encoding="utf-8")
    return template.replace("<!-- parties -->", "\n".join(rows))


def _new_samples(folder: Path) -> dict[str, str]:
    """The samples that are not in the corpus yet, under a name that is free there."""
    new = {}
    for event in alle_feiten():
        place = f"corpus/{flow.wire_name(event)}"
        for name, content in samples(event).items():
            stem = name.removesuffix(".json")
            there = sorted((folder / place).glob(f"{stem}*.json"))
            if not any(path.read_text(encoding="utf-8") == content for path in there):
                number = f"-{len(there) + 1}" if there else ""
                new[f"{place}/{stem}{number}.json"] = content
    return new


def _differences(folder: Path) -> list[str]:
    wanted = _generated()
    stale = [name for name, content in wanted.items() if _read(folder / name) != content]
    stale += _new_samples(folder)
    if not stale and _read(folder / "published.json") != _published_text(folder):
        stale.append("published.json")
    problems = [f"contract/{name} does not follow from the code; {COMMAND}" for name in stale]
    strangers = {
        path.relative_to(folder).as_posix() for path in (folder / "schemas").glob("*")
    } - wanted.keys()
    return problems + [f"contract/{name} belongs to no fact; remove it" for name in sorted(strangers)]


def _corpus_problems(folder: Path, now: datetime) -> list[str]:
    """Old messages that today's code does not read, and those that are gone or were edited."""
    problems = []
    for name, promised in _read_published(folder).items():
        for file, digest in promised["corpus"].items():
            text = _read(folder / "corpus" / name / file)
            if text is None or _digest(text) != digest:
                problems.append(f"contract/corpus/{name}/{file} is gone or was edited; it is kept as it was")
    for path in sorted((folder / "corpus").glob("*/*.json")):
        read = replay(path, now)
        if isinstance(read, Refusal):
            name = path.relative_to(folder).as_posix()
            problems.append(f"contract/{name}, an old message, is no longer read: {read.reason}")
    return problems


def _read_published(folder: Path) -> Published:
    text = _read(folder / "published.json")
    published: Published = json.loads(text) if text else {}
    return published


def _published_text(folder: Path) -> str:
    """One line per path and per sample, so that a change is read as what it is."""
    parts = []
    for event in sorted(alle_feiten(), key=flow.wire_name):
        name = flow.wire_name(event)
        corpus = {
            path.name: _digest(path.read_text(encoding="utf-8"))
            for path in sorted((folder / "corpus" / name).glob("*.json"))
        }
        sections = ",\n".join(
            f'  "{title}": {{\n{_lines(content)}\n  }}'
            for title, content in (("schema", _summary(event)), ("corpus", corpus))
        )
        parts.append(f' "{name}": {{\n{sections}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(content: Mapping[str, Any]) -> str:
    return ",\n".join(f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _pretty(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _replace(folder: Path, name: str, content: str) -> list[str]:
    path = folder / name
    if _read(path) == content:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return [name]
