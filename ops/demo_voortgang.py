# SPDX-License-Identifier: EUPL-1.2
"""What the demonstration says while its cases travel: how many came to their end, when that changes, and once
what the last of them waits for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.veld import Zaak


@dataclass
class Progress:
    """What was said so far."""

    total: int
    week: str
    """How long the adviser's week lasts in the demonstration, for people."""
    _ended: int = -1
    _explained: bool = False

    def lines(self, under_way: Mapping[int, Zaak]) -> list[str]:
        """What is new to say, given by number the cases that are still under way; nothing when nothing is."""
        new = []
        ended = self.total - len(under_way)
        if ended != self._ended:
            self._ended = ended
            new.append(f"  ... {ended} of {self.total} cases at their end")
        slow = [number for number, zaak in under_way.items() if zaak.adviesgesprek_na_s]
        if slow and len(slow) == len(under_way) and not self._explained:
            self._explained = True
            new += [
                f"      Case {' and '.join(map(str, slow))} waits on purpose: its adviser lets the week"
                f" for the first talk ({self.week} here) run out,",
                "      so that you see the term become overdue and be brought higher. A few seconds more.",
            ]
        return new
