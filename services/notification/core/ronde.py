# SPDX-License-Identifier: EUPL-1.2
"""The fixed moments at which weekly messages are made. Pure."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from shared.termijnen.kalender import TIJDZONE, lokaal

WEEK: Final = timedelta(days=7)
_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)


def laatste_moment(nu: datetime, *, dag: int, uur: int, elke: timedelta = WEEK) -> datetime:
    """The last fixed moment that is not after `nu` (aware).

    Every week on `dag` (ISO: 1 is Monday) at `uur` in the Netherlands, whatever the clocks do that week: an
    hour that is skipped begins where the next one does, of an hour that comes twice the first counts. Any
    other period than a week counts on from a fixed moment.
    """
    if elke != WEEK:
        return nu - (nu - _BEGIN) % elke
    vandaag = lokaal(nu).date()
    datum = vandaag - timedelta(days=(vandaag.isoweekday() - dag) % 7)
    moment = datetime.combine(datum, time(uur), TIJDZONE).astimezone(UTC)
    if moment > nu:
        moment = datetime.combine(datum - WEEK, time(uur), TIJDZONE).astimezone(UTC)
    return moment
