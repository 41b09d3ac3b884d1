# SPDX-License-Identifier: EUPL-1.2
"""What must be refused: seals that are none of ours, and receipt codes that are wrong or tried too often.

Two flows of the run play it (`slechte_zegels`, `codes_raden`); `onderzoek` looks at what came of it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ops import SERVICES
from ops.bewijs.verslag import Deel
from services.intake.core.ontvangstcode import ALFABET, LENGTE, WILLEKEUR_BYTES, maak
from services.intake.core.zaak import LATERE_INSTEMMING
from shared import events as e
from shared import flow, zegel
from shared.zegel import Reden

if TYPE_CHECKING:
    from ops.bewijs.stromen import Toneel

NAAM: Final = "weigering"
BELOFTE: Final = (
    "Inhoud die niet of verkeerd verzegeld is wordt geparkeerd, met een vaste reden, en nergens bewaard; een"
    " verkeerde ontvangstcode krijgt hetzelfde antwoord als een onbekende, en te vaak proberen sluit af."
)
AANGENOMEN: Final = "aangenomen en bewaard"
LATER: Final = "instemming van een later contact telt"
CODE: Final = "een verkeerde code krijgt een ander antwoord"
LIMIET: Final = "na te veel pogingen opent een goede code nog"
MAAT: Final = "antwoorden hebben niet alle dezelfde maat"
TOEVAL: Final = "niet elk bit van een ontvangstcode is toeval"
POGINGEN: Final = 12
"""Wrong codes of one sender: more than the default limit."""
CODES: Final = 40
"""Codes that are asked for one matter, each in the place of the one before: so many that a bit which is
always the same, or goes with another, is no chance (2 in 10^8)."""


@dataclass
class Geprobeerd:
    """What these flows did: seals by the matter that they came with, and answers by what was tried."""

    zegels: dict[str, tuple[str, Reden]] = field(default_factory=dict)
    """By matter: what is wrong with its seal, and the reason that must be given."""
    later: dict[str, str] = field(default_factory=dict)
    """By grant that a channel stated for a contact that was there already: its matter."""
    fout: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Codes that must open nothing, with the answer."""
    afgesloten: list[dict[str, Any]] = field(default_factory=list)
    """Answers to a right code from a sender who tried too often."""
    goed: list[dict[str, Any]] = field(default_factory=list)
    """Answers to the same code from another sender."""
    gekregen: list[str] = field(default_factory=list)
    """Codes that were given out one after the other."""


# --- seals --------------------------------------------------------------------------------------------------


async def slechte_zegels(toneel: Toneel) -> None:
    """Contacts of which all is well but the seal; one is sealed to a key of intake that expired."""
    inhoud = json.dumps(toneel.kanaries().velden).encode()
    for wat, (maak_het, reden) in _zegels(toneel, inhoud).items():
        zaak = uuid.uuid4().hex
        contact = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=_nu(), verzegeld=maak_het())
        toneel.geweigerd.zegels[zaak] = wat, reden
        await toneel.stel("kanaal", contact, zaak)
        toneel.tel("slechte zegels")


async def latere_instemming(toneel: Toneel) -> None:
    """A channel hears of a contact that it is registered, and consents for it, as if it had come earlier."""
    zaak = await toneel.contact()
    await toneel.gehoord("intake.contact-geregistreerd", zaak)
    grant = uuid.uuid4().hex
    contact = e.ContactOntvangen(
        kanaal="webformulier",
        ontvangen_op=_nu() - timedelta(hours=1),
        verzegeld=zegel.seal(b"{}", toneel.sleutels),
        instemming=(e.Instemming(instemming=grant, geadresseerde="coid"),),
        kenmerken=e.Kenmerken(onderdeel="CLSK"),
    )
    toneel.geweigerd.later[grant] = zaak
    await toneel.stel("kanaal", contact, zaak)
    toneel.tel("instemming bij een later contact")


def _zegels(toneel: Toneel, inhoud: bytes) -> Mapping[str, tuple[Callable[[], str], Reden]]:
    goed = zegel.seal(inhoud, toneel.sleutels)
    kop, _, iv, tekst, slot = goed.split(".")
    klaar = toneel.misvormd.bij("slechte zegels").velden["verhaal"]  # in clear, and a publisher's mistake
    ander = _publiek(zegel.generate())
    zelfde_naam = _publiek(zegel.generate(kid=toneel.sleutels.newest(_nu())[0]))
    return {
        "in klare taal": (lambda: klaar, Reden.NIET_VERZEGELD),
        "sleutel van een ander": (lambda: zegel.seal(inhoud, ander), Reden.ONBEKENDE_SLEUTEL),
        "andere sleutel van die naam": (lambda: zegel.seal(inhoud, zelfde_naam), Reden.BESCHADIGD),
        "verlopen sleutel": (lambda: zegel.seal(inhoud, _verlopen(toneel)), Reden.VERLOPEN_SLEUTEL),
        "afgebroken": (lambda: goed[: len(goed) // 2], Reden.NIET_VERZEGELD),
        "veranderd": (lambda: ".".join((kop, "", iv, _draai(tekst), slot)), Reden.BESCHADIGD),
        "algoritme none": (
            lambda: ".".join((_kop(kop, alg="none"), "", iv, tekst, slot)),
            Reden.ALGORITME_NIET_TOEGESTAAN,
        ),
        "ander algoritme": (
            lambda: ".".join((_kop(kop, enc="A128CBC-HS256"), "", iv, tekst, slot)),
            Reden.ALGORITME_NIET_TOEGESTAAN,
        ),
        "ingepakt": (
            lambda: ".".join((_kop(kop, zip="DEF"), "", iv, tekst, slot)),
            Reden.ALGORITME_NIET_TOEGESTAAN,
        ),
        "reusachtige kop": (
            lambda: ".".join((_kop(kop, x="x" * 4000), "", iv, tekst, slot)),
            Reden.KOP_TE_GROOT,
        ),
        "andere maat": (
            lambda: ".".join((kop, "", iv, tekst[8:], slot)),
            Reden.MAAT_NIET_TOEGESTAAN,
        ),
    }


def _publiek(jwk: Mapping[str, Any]) -> zegel.PublicKeys:
    publiek = {naam: jwk[naam] for naam in ("kty", "crv", "x", "y", "kid")}
    return zegel.PublicKeys({"keys": [publiek]})


def _verlopen(toneel: Toneel) -> zegel.PublicKeys:
    """A key that intake still has, and that expired a year ago, as somebody sees it who kept it too long."""
    folder = toneel.stand.stack.keys
    oud = zegel.generate()
    verlopen = oud | {"exp": int((_nu() - timedelta(days=366)).timestamp())}
    zegel.store_keys(folder, [verlopen, *zegel.read_keys(folder)])
    return _publiek(oud)


def _draai(tekst: str) -> str:
    return ("B" if tekst[0] == "A" else "A") + tekst[1:]


def _kop(kop: str, **erbij: str) -> str:
    velden = json.loads(base64.urlsafe_b64decode(kop + "=" * (-len(kop) % 4))) | erbij
    return base64.urlsafe_b64encode(json.dumps(velden).encode()).rstrip(b"=").decode()


# --- codes --------------------------------------------------------------------------------------------------


async def codes_raden(toneel: Toneel) -> None:
    """The MID asks for code after code; somebody tries codes until they are shut out; then a right one, and
    the same from elsewhere."""
    portaal = toneel.portaal
    vraag_er_een = partial(portaal.vraag, "ontvangstcode", als="mid", zaak=toneel.zaken[0])
    samen = await asyncio.gather(*(vraag_er_een() for _ in range(CODES - 1)))
    code = (await vraag_er_een())["code"]
    toneel.geweigerd.gekregen += [*(antwoord["code"] for antwoord in samen), code]
    toneel.codes.append(code)
    fout: dict[str, Callable[[], str]] = {
        "onbekend": lambda: maak(secrets.token_bytes(WILLEKEUR_BYTES)).geschreven,
        "verschreven": lambda: code[:-1] + ("2" if code[-1] != "2" else "3"),
        "te kort": lambda: code[:-4],
        "geen code": lambda: "weet ik niet meer",
    }
    soorten = [soort for _ in range(POGINGEN // len(fout)) for soort in fout]
    vragen = [portaal.vraag("status", code=fout[soort](), afzender="proef-een") for soort in soorten]
    geweigerd = toneel.geweigerd
    geweigerd.fout += zip(soorten, await asyncio.gather(*vragen), strict=True)
    geweigerd.afgesloten.append(await portaal.vraag("status", code=code, afzender="proef-een"))
    geweigerd.goed.append(await portaal.vraag("status", code=code, afzender="proef-twee"))
    toneel.tel("ontvangstcodes geraden", len(soorten))


def _nu() -> datetime:
    return datetime.now(UTC)


# --- what came of it ----------------------------------------------------------------------------------------


async def onderzoek(toneel: Toneel) -> Deel:
    """Look at the vault, the parking table and the answers."""
    began = time.monotonic()
    geweigerd = toneel.geweigerd
    fouten = [*await _zegels_geweigerd(toneel), *await _later(toneel), *weerleg_codes(geweigerd)]
    fouten += [TOEVAL] * (not elk_bit_is_toeval(geweigerd.gekregen))
    maten = _maten(toneel)
    fouten += [MAAT] * (len(maten) > 1)
    return Deel(
        NAAM,
        BELOFTE,
        {
            **{f"zegels: {wat}": 1 for wat, _ in geweigerd.zegels.values()},
            **{
                f"ontvangstcodes: {soort}": sum(soort == each for each, _ in geweigerd.fout)
                for soort, _ in geweigerd.fout
            },
            "ontvangstcodes: goed, na te veel pogingen": len(geweigerd.afgesloten),
            "instemming bij een later contact": len(geweigerd.later),
            "mag wel: goed, van een ander": len(geweigerd.goed),
            "ontvangstcodes waarvan de bits vergeleken zijn": len(geweigerd.gekregen),
        },
        tuple(fouten),
        (
            "Wanneer een antwoord gaat, is beproefd in tests/intake/test_terugweg.py, niet hier.",
            "Van de bits van ontvangstcodes wordt gezien of zij wisselen en of er geen twee samengaan; een"
            " reeks uit een te kleine bron die er toevallig uitziet wordt zo niet gezien.",
        ),
        duur_s=time.monotonic() - began,
    )


async def _zegels_geweigerd(toneel: Toneel) -> list[str]:
    fouten = []
    async with toneel.stand.beheerder() as admin:
        for zaak, (wat, reden) in toneel.geweigerd.zegels.items():
            if await admin.fetchval("select count(*) from intake.kluis where subject = $1", zaak):
                fouten.append(f"een zegel dat niet deugt is {AANGENOMEN}: {wat}")
            afdruk = sha256(zaak.encode()).digest()
            redenen = [
                row["reden"]
                for name in SERVICES
                for row in await admin.fetch(
                    f'select reden from "{name}".geparkeerd where onderwerp = $1',  # noqa: S608
                    afdruk,
                )
            ]
            if redenen != [reden.value]:
                fouten.append(f"een zegel dat niet deugt is niet geparkeerd met zijn eigen reden: {wat}")
    return fouten


async def _later(toneel: Toneel) -> list[str]:
    """Consent that a channel gave for a contact that was there already: in force, or not parked."""
    fouten = []
    async with toneel.stand.beheerder() as admin:
        for grant, zaak in toneel.geweigerd.later.items():
            if await admin.fetchval("select count(*) from intake.instemmingen where instemming = $1", grant):
                fouten.append(LATER)
            gezegd = await admin.fetchval(
                "select count(*) from intake.geparkeerd where onderwerp = $1 and reden = $2",
                sha256(zaak.encode()).digest(),
                LATERE_INSTEMMING,
            )
            fouten += [f"{LATER} niet, en is niet geparkeerd met zijn reden"] * (gezegd != 1)
    return fouten


def weerleg_codes(geweigerd: Geprobeerd) -> list[str]:
    """What the answers to receipt codes give away."""
    onbekend = next((antwoord for soort, antwoord in geweigerd.fout if soort == "onbekend"), None)
    anders = {soort for soort, antwoord in geweigerd.fout if antwoord != onbekend}
    fouten = [f"{CODE} dan een onbekende: {soort}" for soort in sorted(anders)]
    fouten += [LIMIET for antwoord in geweigerd.afgesloten if antwoord != onbekend]
    if any(antwoord == onbekend for antwoord in geweigerd.goed):
        fouten.append("een goede code van een ander opent niets, en zo is niets beproefd")
    return fouten


def elk_bit_is_toeval(codes: Collection[str]) -> bool:
    """Whether each random bit of these codes changes, and no two go together."""
    tekens = [[teken for teken in code if teken.isalnum()][: LENGTE - 1] for code in codes]
    bits = [[ALFABET.index(teken) >> n & 1 for teken in code for n in range(5)] for code in tekens]
    kolommen = list(zip(*bits, strict=True))
    # The one as it is and the other way round are the same: they tell as much.
    soorten = {kolom if kolom[0] else tuple(1 - bit for bit in kolom) for kolom in kolommen}
    return len(soorten) == len(kolommen) and (1,) * len(tekens) not in soorten


def _maten(toneel: Toneel) -> set[int]:
    """The sizes of all that was answered to a question."""
    antwoord = flow.base_key(flow.INTAKE, e.AntwoordGegeven)
    return {
        len(json.loads(each.body)["data"]["verzegeld"])
        for each in toneel.stand.aftap.van(flow.INTAKE)
        if (each.routing_key or "").startswith(f"{antwoord}.")
    }
