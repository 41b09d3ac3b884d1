# SPDX-License-Identifier: EUPL-1.2
"""What is promised in `docs/anonymity.md` and rests on tests alone: no part of the report tries it."""

from __future__ import annotations

from typing import Final, NamedTuple


class OpTests(NamedTuple):
    """A promise, in Dutch, and the files of the tests that it rests on."""

    belofte: str
    tests: tuple[str, ...]


OP_TESTS: Final = (
    OpTests("een zegel toont een maatklasse en hoe het te openen, en verder niets", ("tests/test_zegel.py",)),
    OpTests(
        "elk slecht zegel wordt geparkeerd met een eigen reden, en inhoud rust versleuteld onder een sleutel"
        " per zaak die niet in de database staat",
        (
            "tests/intake/test_intake.py",
            "tests/intake/test_verzegeling.py",
            "tests/intake/test_kluis.py",
            "tests/intake/test_sleutelkluis.py",
        ),
    ),
    OpTests(
        "een sleutel die ontbreekt of beschadigd is, geldt niet als gewist",
        ("tests/intake/test_sleutel_kwijt.py",),
    ),
    OpTests(
        "wie het account van beheer op de broker heeft, spreekt daarmee voor niemand",
        ("tests/test_replay.py",),
    ),
    OpTests(
        "wat een adviseur deelt en niemand lezen mag, wordt aan diens cluster gezegd, en gaat nergens heen",
        ("tests/intake/test_deling.py",),
    ),
    OpTests(
        "wat naar het ene cluster gaat, ook een termijn, hoort het andere niet",
        ("tests/test_flow.py",),
    ),
    OpTests(
        "van een gewist dossier blijft een skelet dat nergens naar leidt, en wat laat komt haalt niets terug",
        ("tests/registry/test_vernietiging.py", "tests/test_erasure.py"),
    ),
    OpTests(
        "van een luisterend oor houdt het register een aantal per jaar en kanaal; wat routing en notificatie"
        " van de instemming hoorden, blijft daar staan",
        ("tests/registry/test_registry.py",),
    ),
    OpTests("wat geparkeerd is, wordt op tijd vernietigd en bevestigt niets", ("tests/test_geparkeerd.py",)),
    OpTests(
        "een instelling die een bescherming zou uitzetten, wordt geweigerd",
        ("tests/notification/test_verzending.py",),
    ),
    OpTests(
        "wat van een week wordt voorzien hoort niemand die niet van de zaak mag weten",
        ("tests/routing/test_planning.py", "tests/routing/test_planning_dienst.py"),
    ),
    OpTests("sleutels worden vernieuwd zonder gat en zonder inhoud te lezen", ("tests/test_sleutels.py",)),
    OpTests(
        "geen doorzetting zonder instemming, ook niet door de database heen; wie het eerst vastlegt wint, en"
        " elke volgorde heeft een vaste uitkomst",
        (
            "tests/intake/test_core.py",
            "tests/intake/test_inzage.py",
            "tests/intake/test_inzage_core.py",
            "tests/notification/test_verzending.py",
            "tests/notification/test_core.py",
            "tests/notification/test_notification.py",
            "tests/routing/test_core.py",
        ),
    ),
    OpTests(
        "wie terugkomt is zonder instemming alleen bij de MID bekend, die er een termijn op heeft; hogerop"
        " gaat en loopt het zolang de instemming daarvoor geldt",
        ("tests/intake/test_terugkeer.py", "tests/registry/test_klokken.py"),
    ),
    OpTests(
        "wie is uitgesloten, is dat voor ieder die ooit van de zaak hoorde, na elk gesprek, en krijgt van"
        " intake niets verzegeld",
        ("tests/intake/test_uitsluiting.py",),
    ),
    OpTests(
        "elke opening, ook een mislukte, staat in twee logs, en een veranderde regel valt op",
        ("tests/intake/test_toegangslog.py", "tests/intake/test_logboek.py"),
    ),
    OpTests(
        "een ontvangstcode heeft 85 toevallige bits en is bewaard als afdruk met sleutel",
        ("tests/intake/test_ontvangstcode.py",),
    ),
    OpTests(
        "goede, foute en onbekende codes worden op hetzelfde tijdstip in dezelfde maat beantwoord",
        ("tests/intake/test_terugweg.py",),
    ),
    OpTests(
        "uitsluiting geldt voor lijsten, verwachtingen, escalaties en aantallen",
        (
            "tests/termijnen/test_lezer.py",
            "tests/termijnen/test_gesloten.py",
            "tests/test_commands.py",
            "tests/test_bord.py",
            "tests/routing/test_uitsluiting.py",
            "tests/registry/test_uitsluiting.py",
        ),
    ),
    OpTests("accounts en rollen mogen niet meer dan het hunne", ("tests/test_environment.py",)),
    OpTests(
        "de regels van de notificatie, in elke eenheid van willekeurige bomen",
        ("tests/notification/test_noemen.py", "tests/notification/test_totalen.py"),
    ),
)
"""As the tables of claims on that page name them."""
