# SPDX-License-Identifier: EUPL-1.2
"""What each observer sees of one world on the running stack, in a form that can be compared.

A view is a bag of lines: messages with their routing key, size, properties and headers; rows of tables;
clocks. Its order says nothing, since chance and load decide it. Moments of the run's own clock are left out
(the two worlds of a pair run at the same time); moments in the data stay. Random ids are renamed by what is
said with them, so that two views are equal when nothing but those differ, and what an id joins stays joined.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import asyncpg

from ops import termijnen
from ops.bewijs import inzagelog, stapelbeheer, waarnemers
from ops.bewijs.kern import Gezien
from ops.bewijs.proefstand import Proefstand
from ops.bewijs.publicatie import gepubliceerd
from ops.bewijs.stapelwereld import ID, Bevolking, Kant
from shared import flow
from shared.envelope import Arrival, Fact, decode, fact_key

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_SPOOR: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-\d\d")
_VERZEGELD: Final = re.compile(r"eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){2,4}")
_VERSLEUTELD: Final = re.compile(r'("dpl\.core\.data_subject_id": ?")([^"]*)"')
_AFLEIDING: Final = re.compile(r'("afleiding": ?")([^"]*)')
_DAG: Final = re.compile(r"\b(\d{1,2}) (jan|feb|mrt|apr|mei|jun|jul|aug|sep|okt|nov|dec) (\d{4})\b")
_MAANDEN: Final = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_BRON: Final = re.compile(r'"source": ?"(urn:nld:oin:[^"]+)"')
_FEIT: Final = re.compile(r'"id": ?"([^"]+)"')
_NAAM: Final = re.compile(r"<[0-9a-f]{12}>")
_LOPEND: Final = timedelta(days=30)
"""A moment later than so long before the run is one of the run's own clock; the worlds lie further back."""
_VAN_DE_RIT: Final = frozenset({"delivery_tag", "consumer_tag", "redelivered", "body_size"})
"""What the listening adds to a message."""
_WISSELEND: Final[Mapping[str, frozenset[str]]] = {
    "berichten": frozenset({"volgorde"}),
    "toegangslog": frozenset({"volgnummer"}),
    "logboek": frozenset({"volgnummer", "span_id", "parent_span_id"}),
    "zaken": frozenset({"stand", "ruimte"}),
}
"""Columns that hold chance (the order of sending, ids of spans), or a place in what all worlds have together:
a chain, the versions of a cluster's roster."""
_VAN_ALLEN: Final = frozenset(
    {
        "intake.ketens",
        "intake.tellingen",
        "notification.adresboek",
        "notification.periodes",
        "notification.rondes",
        "registry.luisterende_oren",
        "routing.clusters",
        *(
            f"{dienst}.{tabel}"
            for dienst in flow.SERVICES
            for tabel in (
                "kalenders",
                "migraties",
                "parkeersleutel",
                "schuddingen",
                "termijnregels",
                "termijnstand",
                "voortgang",
            )
        ),
    }
)
"""Tables of which a row is of all worlds: counters, rounds, rules, calendars, the progress of a process."""
TELEMETRIE: Final = "telemetrie"
"""The observer who has all that goes to logs and over OTLP."""
MID_BALIE: Final = "mid-balie"
"""The one reader that all worlds share."""
_VAN_NIEMAND_MEER: Final = frozenset({"intake.logboek", "intake.toegangslog"})
"""The logs of access: of content that was destroyed since, only the key that went with it could tell whose a
line is. That every line names what it should is for the part `loop` to show."""
_RONDEN: Final = 3
"""How far the renaming looks: what is said with an id, with what that is said together, and once more."""


@dataclass
class Gezicht:
    """Everything that anybody could see of one world."""

    bus: list[tuple[str, str]] = field(default_factory=list)
    """Routing key, and the whole message."""
    rijen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By service the rows of its schema that name this world."""
    post: Gezien = field(default_factory=Gezien)
    klokken: list[tuple[str, str]] = field(default_factory=list)
    """Matter, and the clock as an operator sees it."""
    telemetrie: list[str] = field(default_factory=list)
    """Lines of logs, spans and numbers that name this world."""
    register: dict[str, list[Fact]] = field(default_factory=lambda: defaultdict(list))
    """By matter what the register heard and said of it."""


@dataclass
class Gezichten:
    """All worlds of a run as they were seen."""

    bevolking: Bevolking
    begonnen: datetime
    per_merk: dict[str, Gezicht] = field(default_factory=lambda: defaultdict(Gezicht))
    van_niemand: Counter[str] = field(default_factory=Counter)
    """Messages and rows that name no world, by kind."""
    losse: Counter[str] = field(default_factory=Counter)
    """Of those the ones that should name one: what is seen of nobody is compared with nothing."""
    van_meer: Counter[str] = field(default_factory=Counter)
    """Messages and rows that name two worlds, by kind: those are shown together."""
    telemetrie: Counter[str] = field(default_factory=Counter)
    """Lines of an operator's tooling, by kind."""
    post: int = 0
    """Weekly messages."""
    sleutels: set[str] = field(default_factory=set)
    """Routing keys of all that was heard."""

    def _wereld(self, tekst: str, soort: str) -> str | None:
        """Of which world this speaks; the ids that it names are of that world from now on."""
        tekst = _SPOOR.sub("", tekst)  # of a batch, in which chance brings worlds together
        merken = self.bevolking.van(tekst)
        if len(merken) > 1:
            self.van_meer[soort] += 1
        if not merken:
            self.van_niemand[soort] += 1
            if soort not in _VAN_ALLEN | _VAN_NIEMAND_MEER and MID_BALIE not in tekst:
                self.losse[soort] += 1
            return None
        merk = min(merken)
        self.bevolking.leer(tekst, merk)
        return merk

    # --- the bus -------------------------------------------------------------------------------------------

    def hoor(self, berichten: Iterable[Any]) -> None:
        """Messages as they lie on the broker's disk, each once."""
        bekend = set()
        for een in berichten:
            if een.message_id in bekend:
                continue  # published once more after a confirm that did not come in time
            bekend.add(een.message_id)
            lichaam = een.body.decode()
            kaal = _VERZEGELD.sub(_maat, lichaam)
            sleutel = str(een.routing_key)
            self.sleutels.add(sleutel)
            merk = self._wereld(kaal, sleutel)
            if merk is None:
                continue
            bron, feit = _BRON.search(kaal), _FEIT.search(kaal)
            if bron is not None and feit is not None:
                self.bevolking.leer(str(fact_key(bron[1], feit[1])), merk)
            kant, gezicht = self.bevolking.kanten[merk], self.per_merk[merk]
            om = {naam: str(waarde) for naam, waarde in een.info().items() if naam not in _VAN_DE_RIT}
            regel = f"{json.dumps(om, sort_keys=True)} {len(self.zonder_klok(lichaam))} {kaal}"
            gezicht.bus.append((sleutel, self._leesbaar(kant, regel)))
            if sleutel in _REGISTER or sleutel.startswith(f"{flow.REGISTRY}."):
                self._neem_feit(gezicht, een)

    def _neem_feit(self, gezicht: Gezicht, een: Any) -> None:
        arrival = Arrival(een.body, str(een.routing_key), een.user_id)
        feit = decode(arrival, datetime.now(UTC))
        if isinstance(feit, Fact):
            gezicht.register[feit.subject].append(feit)

    # --- tables --------------------------------------------------------------------------------------------

    async def lees_tabellen(self, stand: Proefstand) -> None:
        """Every row that each service's own role may see. What the access log calls a piece only the vault's
        keys tell: so a row of it is of the world whose piece that is."""
        for naam, (zaak, _) in (await inzagelog.namen(stand)).items():
            merk = self.bevolking.eigenaars.get(zaak.replace("-", ""))
            if merk is not None:
                self.bevolking.leer(str(naam), merk)
        for dienst in flow.SERVICES:
            connection = await asyncpg.connect(stand.environment.dsns[dienst], timeout=30)
            try:
                for tabel in await connection.fetch(_TABELLEN, dienst):
                    for rij in await connection.fetch(f'select * from "{dienst}"."{tabel["naam"]}"'):  # noqa: S608
                        self._neem_rij(dienst, tabel["naam"], dict(rij))
            finally:
                await connection.close()

    def _neem_rij(self, dienst: str, tabel: str, rij: Mapping[str, Any]) -> None:
        weg = _WISSELEND.get(tabel, frozenset())
        delen = [f"{naam}={_waarde(tabel, naam, waarde)}" for naam, waarde in rij.items() if naam not in weg]
        tekst = _VERZEGELD.sub(_maat, f"{tabel} {' '.join(delen)}")
        tekst = _VERSLEUTELD.sub(lambda een: f"{een[1]}[{len(een[2])}]", tekst)
        merk = self._wereld(tekst, f"{dienst}.{tabel}")
        if merk is not None:
            self.per_merk[merk].rijen[dienst].append(self._leesbaar(self.bevolking.kanten[merk], tekst))

    # --- mail, clocks --------------------------------------------------------------------------------------

    def lees_post(self, folder: Path) -> None:
        """Every weekly message that was handed over."""
        parser = BytesHeaderParser()
        gevonden = []
        for pad in folder.glob("*.eml"):
            bericht = pad.read_bytes()
            koppen = parser.parsebytes(bericht)
            merk = self._wereld(str(koppen["To"]), "post")
            if merk is not None:
                gevonden.append((parsedate_to_datetime(koppen["Date"]), merk, str(koppen["To"]), bericht))
        rondes = {ronde: nummer for nummer, ronde in enumerate(sorted({een[0] for een in gevonden}))}
        for ronde, merk, aan, bericht in sorted(gevonden, key=lambda een: een[:3]):
            kant = self.bevolking.kanten[merk]
            stoel = kant.uitgekleed(aan.partition("@")[0])
            woorden = kant.uitgekleed(bericht.decode("ascii")).encode()
            self.per_merk[merk].post.post[stoel].append((rondes[ronde], woorden))
        self.post = len(gevonden)

    def zie_klokken(self, overzicht: termijnen.Overzicht) -> None:
        """The operators' list, of the matters of all worlds."""
        for regel in overzicht.regels:
            merk = self._wereld(regel.onderwerp, "klok")
            if merk is not None:
                self.per_merk[merk].klokken.append(
                    self._klok(self.bevolking.kanten[merk], regel, overzicht.now)
                )

    def zie_telemetrie(self, regels: Iterable[stapelbeheer.Regel]) -> None:
        """What an operator's tooling got; a line is of each world that it names."""
        for regel in regels:
            self.telemetrie[regel.soort] += 1
            for merk in self.bevolking.van(regel.tekst):
                leesbaar = self._leesbaar(self.bevolking.kanten[merk], regel.tekst)
                self.per_merk[merk].telemetrie.append(f"{regel.soort} {leesbaar}")

    def klokken_voor(self, kant: Kant, overzicht: termijnen.Overzicht) -> tuple[str, ...]:
        """The part of an operators' list that is about one world."""
        eigen = (
            regel for regel in overzicht.regels if self.bevolking.eigenaars.get(regel.onderwerp) == kant.merk
        )
        return vergelijkbaar(self._klok(kant, regel, overzicht.now)[1] for regel in eigen)

    def _klok(self, kant: Kant, regel: termijnen.Loop, nu: datetime) -> tuple[str, str]:
        data = regel.as_data(nu)
        del data["rest_s"]  # counts down while one looks
        return regel.onderwerp, self._leesbaar(kant, json.dumps(data, sort_keys=True))

    # --- views ---------------------------------------------------------------------------------------------

    def zicht(self, kant: Kant, waarnemer: str) -> Any:
        """What one observer (named as `waarnemers` does) sees of a world."""
        gezicht = self.per_merk[kant.merk]
        soort, _, wie = waarnemer.partition(" ")
        if soort == "functionaris":
            return waarnemers.functionaris(gezicht.post, wie)
        if soort == "postverkeer":
            return waarnemers.postverkeer(gezicht.post)
        if soort in flow.SERVICES:
            hoort = set(flow.bindings(soort))
            berichten = [
                regel for sleutel, regel in gezicht.bus if sleutel in hoort or sleutel.startswith(f"{soort}.")
            ]
            return vergelijkbaar([*berichten, *gezicht.rijen[soort]])
        if soort == "schijf":
            return vergelijkbaar(regel for _, regel in gezicht.bus)
        if soort == TELEMETRIE:
            return vergelijkbaar(gezicht.telemetrie)
        if soort == "beheerder":
            return vergelijkbaar(regel for _, regel in gezicht.klokken)
        return gepubliceerd(gezicht.register)

    def ladder(self, kant: Kant, rol: str) -> tuple[str, ...]:
        """What a role of the ladder is told of a world: what is brought to it, and every fact about a clock,
        of whatever kind, that is addressed to it or brought to it."""
        aan = f'"naar":"{rol}"'
        return vergelijkbaar(
            regel
            for sleutel, regel in self.per_merk[kant.merk].bus
            if (sleutel.startswith(_GEESCALEERD) and aan in regel)
            or (_TERMIJN in sleutel and (sleutel.endswith(f".{rol}") or rol in _gebracht_naar(regel)))
        )

    def _leesbaar(self, kant: Kant, tekst: str) -> str:
        return kant.uitgekleed(self.zonder_klok(tekst))

    def zonder_klok(self, tekst: str) -> str:
        """A text without the moments of the run's own clock and the traces of its batches."""
        tekst = _AFLEIDING.sub(self._afleiding, _MOMENT.sub(self._moment, tekst))
        return _SPOOR.sub("<spoor>", tekst)

    def _afleiding(self, gevonden: re.Match[str]) -> str:
        """The words in which a term's end is explained; when they are about the run's own clock, none."""
        vanaf = (self.begonnen - _LOPEND).date()
        dagen = (
            date(int(jaar), _MAANDEN.index(maand) + 1, int(dag))
            for dag, maand, jaar in _DAG.findall(gevonden[2])
        )
        return f"{gevonden[1]}<nu>" if any(dag > vanaf for dag in dagen) else gevonden[0]

    def _moment(self, gevonden: re.Match[str]) -> str:
        moment = datetime.fromisoformat(gevonden[0])
        return "<nu>" if moment > self.begonnen - _LOPEND else gevonden[0]


def vergelijkbaar(regels: Iterable[str]) -> tuple[str, ...]:
    """The lines in an order of their own, each random id renamed by the lines in which it stands."""
    alle = list(regels)
    namen: dict[str, str] = {}
    for _ in range(_RONDEN):
        gezegd: dict[str, list[str]] = defaultdict(list)
        for regel in alle:
            hernoemd = _hernoemd(regel, namen)
            for plaats, id in enumerate(ID.findall(regel)):
                gezegd[id.replace("-", "")].append(f"{plaats} {hernoemd}")
        namen = {id: _kort(sorted(wat)) for id, wat in gezegd.items()}
    return tuple(sorted(_hernoemd(regel, namen) for regel in alle))


def verschil(links: Any, rechts: Any) -> str:
    """Where two views differ first, for whoever looks for the cause. Generated worlds: nobody's data."""
    if isinstance(links, tuple) and isinstance(rechts, tuple):
        kaal = [Counter(_NAAM.sub("<id>", regel) for regel in kant) for kant in (links, rechts)]
        if kaal[0] == kaal[1]:
            kaal = [Counter(links), Counter(rechts)]  # the same is said, and something else is joined
        over, tekort = kaal[0] - kaal[1], kaal[1] - kaal[0]
        return f"links alleen: {sorted(over)[:2]}; rechts alleen: {sorted(tekort)[:2]}"
    return f"links: {links}; rechts: {rechts}"


def _hernoemd(regel: str, namen: Mapping[str, str]) -> str:
    return ID.sub(lambda gevonden: f"<{namen.get(gevonden[0].replace('-', ''), 'id')}>", regel)


def _kort(wat: Sequence[str]) -> str:
    return blake2b("\n".join(wat).encode(), digest_size=6).hexdigest()


def _gebracht_naar(regel: str) -> frozenset[str]:
    """The roles to which a message about a clock is to be brought."""
    return frozenset(rol for wie in _ESCALEERT.findall(regel) for rol in wie.split('"'))


def _maat(gevonden: re.Match[str]) -> str:
    return f"[verzegeld {len(gevonden[0])}]"


def _waarde(tabel: str, naam: str, waarde: Any) -> str:
    if isinstance(waarde, bytes):
        if (tabel, naam) == ("facts", "data"):
            return waarde.decode()
        # Ciphertext, digests, keyed hashes: of these the length is all there is to see.
        return f"[{len(waarde)}]"
    if (tabel, naam) == ("toegangslog", "betrokkene") and waarde is not None:
        return f"[{len(waarde)}]"  # the same in each line of a matter; `stuk` joins those here
    if (tabel, naam) == ("toegangslog", "sleutel") and waarde is not None:
        return f"[{len(waarde)}]"  # of a reader, who stands beside it; each world has keys of its own
    if naam == "afleiding":
        return f'"afleiding":"{waarde}"'  # as in a message, so that it is read alike
    return waarde.isoformat() if isinstance(waarde, datetime) else str(waarde)


_GEESCALEERD: Final = "routing.melding-geescaleerd.v1."
_TERMIJN: Final = ".termijn-"
_ESCALEERT: Final = re.compile(r'"escaleert_naar":\[([^]]*)\]')
_REGISTER: Final = frozenset(flow.bindings(flow.REGISTRY))
_TABELLEN: Final = """
select relname as naam from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where nspname = $1 and relkind = 'r' and has_table_privilege(pg_class.oid, 'select')
order by relname desc  -- toegangslog before logboek: it says of which world a trace is
"""
