# SPDX-License-Identifier: EUPL-1.2
"""Reads what the board shows. Whatever does not answer is said, and asked again the next time; connections
are kept, read only, with a limit on how long a question may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import aio_pika
import asyncpg
from aio_pika.exceptions import ChannelNotFoundEntity

from ops import OpsError, broker, database, lezer
from ops.bord.stand import HOOGSTENS, TELT_TOT, Bord, Dienst, Wachtrij, in_de_hand, op_volgorde
from ops.environment import Environment
from ops.gezegd import VOORZIEN
from ops.parking import Geparkeerd
from ops.servers import Servers
from ops.termijnen import SERVICES as MET_KLOKKEN
from ops.termijnen import Gevaar, ZonderHouder, als_gevaar, als_loop
from shared import flow
from shared.postgres import Queries
from shared.termijnen.regels import TABEL
from shared.termijnen.waak import SOORTEN

_SQL: Final = Queries(Path(__file__).with_name("bord.sql"))
_TIMEOUT_S: Final = 3.0
_WACHTRIJEN: Final = (*broker.service_queues(), flow.EXCHANGE_DOOD)
_KEREN: Final = 3
"""So often is looked again when an exclusion came in while was read."""
T = TypeVar("T")


class Bron:
    """Where the board reads from. `dienst` is the service whose part is asked for, None for all; `zetel` the
    seat of who reads."""

    def __init__(self, servers: Servers, naam: str, zetel: str | None = None) -> None:
        self._servers, self._naam, self._zetel = servers, naam, zetel
        self._aanwezig: tuple[str, ...] | None = None
        self._verbindingen: dict[str, Any] = {}
        self._broker: Any = None

    async def omgeving(self) -> Environment | None:
        """The environment; None while its database does not answer. Raises OpsError when it was never made,
        or a seat's exclusions are not here."""
        if self._aanwezig is None:
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    bestaat = await database.exists(self._servers, self._naam)
                    gevonden = await database.present(self._servers, self._naam) if bestaat else []
            except (OpsError, TimeoutError):
                return None
            if not gevonden:
                raise OpsError(f"there is no environment {self._naam} yet; start it with ./meldpunt up")
            self._aanwezig = tuple(gevonden)
        dsns = {naam: database.role_dsn(self._servers, self._naam, naam) for naam in self._aanwezig}
        return Environment(self._naam, self._servers, dsns)

    async def lees(self, dienst: str | None = None) -> Bord:
        """Everything as it is now. Raises OpsError as `omgeving` does, and nothing else."""
        omgeving, wachtrijen = await asyncio.gather(self.omgeving(), self._probeer(self._wachtrijen))
        weg = _kwijt(wachtrijen)
        bord = Bord(self._naam, datetime.now(UTC), wachtrijen=wachtrijen, zetel=self._zetel)
        if omgeving is None:
            onbekend = tuple(Dienst(naam, antwoord=False) for naam in flow.SERVICES)
            return replace(bord, diensten=onbekend, weg=("the database does not answer", *weg))
        if self._zetel is not None:
            lezer.keur(omgeving)
        try:
            gelezen = await self._probeer(lambda: self._alles(omgeving, dienst))
            reden = "the database does not answer"
        except OpsError as fout:
            gelezen, reden = None, str(fout)
        if gelezen is None:
            diensten = tuple(Dienst(naam, antwoord=False) for naam in omgeving.services)
            return replace(bord, diensten=diensten, weg=(reden, *weg))
        gelezen["diensten"] = tuple(in_de_hand(een, wachtrijen) for een in gelezen["diensten"])
        return replace(bord, **gelezen | {"weg": (*gelezen["weg"], *weg)})

    async def sluit(self) -> None:
        """Let go of everything."""
        for verbinding in self._verbindingen.values():
            verbinding.terminate()
        if self._broker is not None:
            await self._probeer(self._broker.close)

    async def _probeer(self, vraag: Callable[[], Awaitable[T]]) -> T | None:
        """The answer, or None. Raises OpsError, which says why by itself."""
        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                return await vraag()
        except OpsError:
            raise
        except Exception:
            # Whatever it is, the board goes on: what it could not ask it says.
            return None

    # --- the broker -----------------------------------------------------------------------------------

    async def _wachtrijen(self) -> dict[str, Wachtrij]:
        if self._broker is None:
            url = broker.account_url(self._servers, self._naam, flow.BEHEER)
            self._broker = await aio_pika.connect(url, timeout=_TIMEOUT_S)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                kanaal = await self._broker.channel()
                gevonden = {}
                for naam in _WACHTRIJEN:
                    try:
                        antwoord = (await kanaal.declare_queue(naam, passive=True)).declaration_result
                    except ChannelNotFoundEntity:
                        # It was deleted, and the broker closed the channel with its answer.
                        kanaal = await self._broker.channel()
                        continue
                    berichten = antwoord.message_count if self._zetel is None else None
                    gevonden[naam] = Wachtrij(naam, berichten, antwoord.consumer_count or 0)
                await kanaal.close()
                return gevonden
        except Exception:
            # A connection that failed once is not asked again: a new one is.
            oud, self._broker = self._broker, None
            await self._probeer(oud.close)
            raise

    # --- the database ---------------------------------------------------------------------------------

    async def _alles(self, omgeving: Environment, dienst: str | None) -> dict[str, Any]:
        """Of a seat: read, and read again until no exclusion came in meanwhile that it should have known."""
        if self._zetel is None:
            return await self._gelezen(omgeving, dienst, None)
        verborgen = (await lezer.hidden_from(omgeving, self._zetel)).digests
        for _ in range(_KEREN):
            gelezen = await self._gelezen(omgeving, dienst, sorted(verborgen))
            nu = (await lezer.hidden_from(omgeving, self._zetel)).digests
            if nu == verborgen:
                return gelezen
            verborgen = nu
        raise OpsError("exclusions come in faster than can be read")

    async def _gelezen(
        self, omgeving: Environment, dienst: str | None, verborgen: list[bytes] | None
    ) -> dict[str, Any]:
        vragen = (self._van(omgeving, naam, dienst, verborgen) for naam in omgeving.services)
        delen = await asyncio.gather(*vragen)
        nu = next((deel["nu"] for deel in delen if "nu" in deel), datetime.now(UTC))
        klokken = op_volgorde([een for deel in delen for een in deel.get("klokken", ())], nu)
        geparkeerd = [een for deel in delen for een in deel.get("geparkeerd", ())]
        return {
            "nu": nu,
            "diensten": tuple(deel["dienst"] for deel in delen),
            "klokken": tuple(klokken[:HOOGSTENS]),
            "meer": len(klokken) > HOOGSTENS or any(deel.get("vol", False) for deel in delen),
            "te_laat": sum(deel.get("te_laat", 0) for deel in delen),
            "onbeslist": sum(deel.get("onbeslist", 0) for deel in delen),
            "onbeslist_meer": any(deel.get("achter", 0) >= TELT_TOT for deel in delen),
            "gewapend": sum(deel.get("gewapend", 0) for deel in delen),
            "zonder_houder": tuple(een for deel in delen for een in deel.get("zonder_houder", ())),
            "geparkeerd": tuple(sorted(geparkeerd, key=lambda een: (een.eerst_op, een.id, een.dienst))),
            "weg": tuple(
                f"the database does not answer for {deel['dienst'].naam}"
                for deel in delen
                if not deel["dienst"].antwoord
            ),
        }

    async def _van(
        self, omgeving: Environment, naam: str, gekozen: str | None, verborgen: list[bytes] | None
    ) -> dict[str, Any]:
        """One service's part; of one that was not chosen only how it is."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                verbinding = await self._verbinding(omgeving, naam)
                deel: dict[str, Any] = {"nu": await verbinding.fetchval(_SQL.nu)}
                deel["dienst"] = await self._dienst(verbinding, naam)
                if gekozen in (None, naam):
                    deel |= await _inhoud(verbinding, naam, verborgen, deel["nu"])
                return deel
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._vergeet(naam)
            return {"dienst": Dienst(naam, antwoord=False)}

    async def _verbinding(self, omgeving: Environment, naam: str) -> Any:
        verbinding = self._verbindingen.get(naam)
        if verbinding is None or verbinding.is_closed():
            verbinding = await asyncpg.connect(
                omgeving.owner_dsn(naam),
                timeout=_TIMEOUT_S,
                server_settings={
                    "timezone": "UTC",
                    "application_name": "meldpunt termijnen --watch",
                    "default_transaction_read_only": "on",
                    "statement_timeout": str(int(_TIMEOUT_S * 1000)),
                    "lock_timeout": "500",
                },
            )
            self._verbindingen[naam] = verbinding
        return verbinding

    async def _vergeet(self, naam: str) -> None:
        verbinding = self._verbindingen.pop(naam, None)
        if verbinding is not None:
            verbinding.terminate()

    async def _dienst(self, verbinding: Any, naam: str) -> Dienst:
        rij = await verbinding.fetchrow(_SQL.dienst, naam, TELT_TOT)
        if self._zetel is not None:
            # A count would tell of a matter that is not there for this seat.
            return Dienst(naam, replicas=rij["replicas"], gezien_s=rij["gezien_s"])
        achter = await verbinding.fetchval(_SQL.waak) if naam in MET_KLOKKEN else None
        waak_s = None if naam not in MET_KLOKKEN else max(0.0, achter or 0.0)
        return Dienst(naam, **dict(rij), waak_s=waak_s)


async def _inhoud(verbinding: Any, naam: str, verborgen: list[bytes] | None, nu: datetime) -> dict[str, Any]:
    deel: dict[str, Any] = {"geparkeerd": await _geparkeerd(verbinding, naam, verborgen)}
    if naam in MET_KLOKKEN:
        soorten = [str(regel.soort) for regel in TABEL if regel.dienst == naam]
        niet = _verzwegen(verborgen)
        klokken = await verbinding.fetch(_SQL.urgent, soorten, HOOGSTENS, verborgen, niet)
        bij_naam = {(rij["onderwerp"], rij["soort"]): rij for rij in klokken}
        zaken = sorted({onderwerp for onderwerp, _ in bij_naam})
        gevaar = await _in_gevaar(verbinding, naam, zaken, verborgen)
        deel["klokken"] = [
            als_loop(naam, rij, gevaar) for rij in bij_naam.values() if rij["soort"] in SOORTEN
        ]
        deel |= await _aantallen(verbinding, verborgen, niet, nu)
        deel["vol"] = max(deel["te_laat"], deel["gewapend"]) > len(bij_naam)
    if naam == flow.ROUTING:
        deel["zonder_houder"] = await _zonder_houder(verbinding, verborgen)
    return deel


async def _geparkeerd(verbinding: Any, naam: str, verborgen: list[bytes] | None) -> list[Geparkeerd]:
    rijen = await verbinding.fetch(_SQL.geparkeerd, HOOGSTENS, verborgen)
    return [Geparkeerd(dienst=naam, **rij) for rij in rijen]


async def _aantallen(
    verbinding: Any, verborgen: list[bytes] | None, niet: list[str], nu: datetime
) -> dict[str, int]:
    return dict(await verbinding.fetchrow(_SQL.aantallen, TELT_TOT, verborgen, niet, nu))


# What hangs on the work of all matters together tells a seat of those that are hidden from it: with a list of
# what is hidden, empty or not, none of it is asked for.


def _verzwegen(verborgen: list[bytes] | None) -> list[str]:
    """The kinds of clock that are not for who reads."""
    return [] if verborgen is None else sorted(lezer.VAN_AL_HET_WERK)


async def _in_gevaar(
    verbinding: Any, naam: str, zaken: list[str], verborgen: list[bytes] | None
) -> Gevaar | None:
    if verborgen is not None:
        return None
    if naam != flow.ROUTING:
        return {}
    return als_gevaar(await verbinding.fetch(_SQL.in_gevaar, zaken, VOORZIEN))


async def _zonder_houder(verbinding: Any, verborgen: list[bytes] | None) -> list[ZonderHouder]:
    if verborgen is not None:
        return []
    rijen = await verbinding.fetch(_SQL.zonder_houder, HOOGSTENS)
    return [ZonderHouder(**rij) for rij in rijen]


def _kwijt(wachtrijen: Mapping[str, Wachtrij] | None) -> tuple[str, ...]:
    """What is missing at the broker, in words."""
    if wachtrijen is None:
        return ("the broker does not answer",)
    weg = [naam for naam in _WACHTRIJEN if naam not in wachtrijen]
    meer = f" and {len(weg) - 1} more" if weg[1:] else ""
    return (f"no queue {weg[0]}{meer}",) if weg else ()
