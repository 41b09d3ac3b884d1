# SPDX-License-Identifier: EUPL-1.2
"""How long something is kept: a length as a setting writes it, and when it is over. Pure.

No source here fixes these lengths; each is a setting, and its default a placeholder.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared.termijnen import kalender

_VORM = re.compile(r"P(?!$)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?(?:T(\d{1,8})S)?")


class Bewaartermijn(NamedTuple):
    """A length in calendar months, days and seconds. Years are twelve months."""

    maanden: int
    dagen: int
    seconden: int

    @classmethod
    def lees(cls, tekst: str) -> "Bewaartermijn":
        """Read an ISO 8601 duration such as `P10Y`, `P18M`, `P30D` or `PT20S`.

        Raises ValueError for another shape, and for nothing at all.
        """
        gevonden = _VORM.fullmatch(tekst)
        if gevonden is None:
            raise ValueError("a length such as P10Y, P18M, P30D or PT20S")
        jaren, maanden, dagen, seconden = (int(deel or 0) for deel in gevonden.groups())
        termijn = cls(jaren * 12 + maanden, dagen, seconden)
        if not any(termijn):
            raise ValueError("a length of nothing")
        return termijn

    def over_op(self, start: datetime) -> datetime:
        """From when it need not be kept any more. Months and days run to the end of their last day in
        Amsterdam."""
        if not self.maanden and not self.dagen:
            return start.astimezone(UTC) + timedelta(seconds=self.seconden)
        laatste = kalender.maanden_na(kalender.lokaal(start).date(), self.maanden)
        einde = kalender.einde_van(laatste + timedelta(days=self.dagen))
        return einde + timedelta(microseconds=1, seconds=self.seconden)
