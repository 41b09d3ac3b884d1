# SPDX-License-Identifier: EUPL-1.2
"""What the demonstration shows of sealed content: who could open it, and a melder who comes back.

Only the readers and the melder can tell, so their side (`ops.demo_veld`) says it; what passed on the bus in
the meantime is what the demonstration heard itself.
"""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.demo_veld import MID_BALIE, Gelezen, Gezegd
from ops.veld import Zaak

_WIDTH = 78
_EXCHANGE = ("portaal.vraag-gesteld", "intake.antwoord-gegeven")


@dataclass
class Told:
    """What readers and the melder said, by case."""

    read: dict[str, list[Gelezen]] = field(default_factory=dict)
    said: dict[str, list[Gezegd]] = field(default_factory=dict)

    def take(self, line: bytes) -> None:
        """One line of the field's standard output; others than these are left aside."""
        told = json.loads(line)
        if "gelezen" in told:
            read = Gelezen.model_validate(told["gelezen"])
            self.read.setdefault(read.zaak, []).append(read)
        if "gezegd" in told:
            said = Gezegd.model_validate(told["gezegd"])
            self.said.setdefault(said.zaak, []).append(said)

    def readers(self, zaak: Zaak) -> list[str]:
        """Who opened something of the case, in the order in which they did."""
        return list(dict.fromkeys(one.ontvanger for one in self.read.get(zaak.id, ())))

    def lacking(self, zaak: Zaak, *, forwarded: bool, placed: bool) -> list[str]:
        """What is still to come: a reader who could not open the content, a melder still under way."""
        readers = self.readers(zaak)
        missing = [] if MID_BALIE in readers else ["not read at the MID"]
        if forwarded and not any(reader.startswith("adv-") for reader in readers):
            missing.append("not read by an adviser")
        if placed and not any(reader.endswith("-commandant") for reader in readers):
            missing.append("what the adviser shared was not read by the line")
        if zaak.met_code and not any(one.laatste for one in self.said.get(zaak.id, ())):
            missing.append("the melder with the receipt code did not get through")
        return missing


def wrongly_read(cases: Sequence[Zaak], told: Told, forwarded: Sequence[bool]) -> list[str]:
    """Cases without consent that somebody outside the MID could read all the same."""
    return [
        f"case {number}: read outside the MID without consent"
        for number, (zaak, may) in enumerate(zip(cases, forwarded, strict=True), start=1)
        if not may and told.readers(zaak) not in ([], [MID_BALIE])
    ]


def show_way_back(
    cases: Sequence[Zaak], told: Told, facts: Mapping[str, Sequence[tuple[Any, str, dict[str, Any]]]]
) -> list[str]:
    """The melder who came back: what was said, and what of it stood on the bus. Returns what is wrong."""
    number, zaak = next((number, zaak) for number, zaak in enumerate(cases, start=1) if zaak.met_code)
    print(f"\nThe melder's way back, in case {number}, through a portal that knows no name")
    for one in told.said.get(zaak.id, ()):
        words = textwrap.wrap(one.uitkomst, _WIDTH)
        print(f"  {one.wie:<11} {one.doet}")
        for line in words:
            print(f"  {'':<11}   {line}")
    sizes: dict[str, set[int]] = {key: set() for key in _EXCHANGE}
    count, joined = 0, False
    for subject, path in facts.items():
        for _, key, data in path:
            if key in sizes:
                sizes[key].add(len(data["verzegeld"]))
                count += 1
                joined = joined or subject == zaak.id or zaak.id in json.dumps(data)
    asked, answered = (" or ".join(map(str, sorted(sizes[key]))) for key in _EXCHANGE)
    print(
        f"  On the bus: {count} questions and answers, each question {asked} sealed characters, each answer"
        f" {answered},\n  right code or wrong; none names the case."
    )
    if joined:
        return ["a question or an answer names the case"]
    return [] if all(len(found) == 1 for found in sizes.values()) else ["questions or answers differ in size"]
