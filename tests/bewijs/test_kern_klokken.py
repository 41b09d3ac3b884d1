# SPDX-License-Identifier: EUPL-1.2
"""Every fact about a clock, as the proof over the cores sees it: to whom, and whether they were excluded."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from ops.bewijs import kern_uitsluiting, kernmutanten, paren
from ops.bewijs.kern import Bericht, Gezien, Klokstand
from ops.bewijs.kern_klokken import gezegd
from ops.bewijs.kern_notificatie import Regelstand
from ops.bewijs.waarnemers import ladder
from ops.bewijs.werelden import moment
from shared import events as e
from shared import flow
from shared.termijnen.klok import Klok
from shared.termijnen.regels import Soort
from tests.bus import make_fact, new_id

OP = moment(0, 9 * 3600)
TERUG = OP + timedelta(hours=2)
LATER = TERUG + timedelta(hours=1)
ZETELS = {"sg": frozenset({"stoel-1"})}
CODES = e.Kenmerken(onderdeel="CLAS", uit_te_sluiten=("stoel-1",))
SLUIT_UIT: tuple[tuple[str, e.Event], ...] = (
    (
        "coid",
        e.KwestieGekwalificeerd(
            gekwalificeerd_op=OP, kwalificatie="melding", rubriek="overige", uit_te_sluiten=("stoel-1",)
        ),
    ),
    (
        "intake",
        e.MeldingDoorgezet(
            doorgezet_op=OP,
            geadresseerde="coid",
            instemming=new_id(),
            ontvangen_op=OP,
            contact_telt_vanaf=OP,
            kenmerken=CODES,
        ),
    ),
    ("lijn", e.MeldingOntvangen(ontvangen_op=OP, kenmerken=CODES, leidinggevende="commandant-13")),
    ("klachten", e.KlachtIngediend(ingediend_op=OP, soort="onbehoorlijkheid", uit_te_sluiten=("stoel-1",))),
)
"""The facts that can say to routing and registry who must not learn of a matter."""


def wereld(*, sg_weg: datetime | None = None, gezegd_door: tuple[str, e.Event] = SLUIT_UIT[0]) -> Gezien:
    """A matter that was brought to the SG; who must not learn of it is said at `sg_weg`. What the register
    knows of that stands in `klokken`."""
    zaak, gezien = new_id(), Gezien()
    gezien.klokloop[flow.REGISTRY, zaak] = [Klokstand(TERUG, (Klok(Soort.HEROPENING, TERUG, rol="sg"),))]
    if sg_weg is not None:
        van, data = gezegd_door
        gezien.bus.append(Bericht(flow.routing_key(van, data), make_fact(van, data, zaak, time=sg_weg)))
    return gezien


def weet_het(gezien: Gezien, sinds: datetime) -> Gezien:
    """The same, where the register keeps the SG out from then on."""
    [standen] = gezien.klokloop.values()
    dicht = Klok(Soort.HEROPENING, TERUG, rol="sg", gesloten=frozenset({"sg"}))
    if sinds <= TERUG:
        standen.clear()
    standen.append(Klokstand(max(sinds, TERUG), (dicht,)))
    return gezien


def test_a_role_is_seen_to_hear_every_fact_about_its_clock() -> None:
    """Its start, that it nears, that it is over and, again and again, that nothing happened since: by name,
    and not by rung."""
    for gezien, wie in ((wereld(), "sg"), (weet_het(wereld(), OP), "plaatsvervanger-sg")):
        namen = [een.feit.naam for een in gezegd(gezien, waakt_meteen=False)]
        assert namen[:3] == ["termijn-gestart", "termijn-nadert", "termijn-verstreken"]
        assert set(namen[3:]) == {"termijn-geescaleerd"}
        assert all(naam in ladder(gezien, wie, ("stoel-1",)) for naam in namen)
        anders = {"sg", "plaatsvervanger-sg"} - {wie}
        assert [ladder(gezien, rol, ("stoel-1",)) for rol in anders] == ["[]"]


@pytest.mark.parametrize("zegt", SLUIT_UIT, ids=lambda zegt: zegt[1].naam)
def test_a_clock_for_who_is_excluded_is_refuted_whichever_fact_says_so(zegt: tuple[str, e.Event]) -> None:
    """Before the clock began, and while it runs; not where the register keeps them out from that moment on,
    nor while nobody had said so."""
    for sinds in (OP, LATER):
        lekt = wereld(sg_weg=sinds, gezegd_door=zegt)
        assert kern_uitsluiting.KLOK in kern_uitsluiting.weerleg(lekt, ZETELS)
        dicht = weet_het(wereld(sg_weg=sinds, gezegd_door=zegt), sinds)
        assert kern_uitsluiting.weerleg(dicht, ZETELS) == []
    assert kern_uitsluiting.weerleg(wereld(), ZETELS) == []


@pytest.mark.parametrize("zegt", SLUIT_UIT, ids=lambda zegt: zegt[1].naam)
def test_a_line_told_while_nobody_knows_who_is_excluded_is_refuted(zegt: tuple[str, e.Event]) -> None:
    """Whichever fact names the seat that no unit has named: also the codes of a forward, and of what the line
    reported."""
    gezien = wereld(sg_weg=OP, gezegd_door=zegt)
    [een] = gezien.bus
    gezien.klokloop.clear()
    gezien.verteld = [Regelstand(LATER, een.feit.subject, frozenset({"stoel-2"}), cast(Any, None))]
    assert kern_uitsluiting.weerleg(gezien, ZETELS) == [kern_uitsluiting.FOUT]
    gezien.verteld = [gezien.verteld[0]._replace(ronde=OP)]
    assert kern_uitsluiting.weerleg(gezien, ZETELS) == []


@pytest.mark.parametrize(
    ("naam", "nummer"),
    [
        ("klok-van-uitgeslotene", 415),
        ("latere-trede-naar-uitgeslotene", 5),
        ("klok-blijft-bij-later-uitgeslotene", 511),
        ("later-uitgeslotene-hoort-dat-hij-weg-is", 511),
    ],
)
def test_a_clock_that_leaks_makes_the_proof_fail(naam: str, nummer: int) -> None:
    """In a pair in which it shows, found by `./meldpunt bewijs regelmutanten`; without the leak it is clean.
    When pairs are drawn in another way, another number shows it."""
    assert not paren.vergelijk([nummer]).ongelijk
    [mutant] = [een for een in kernmutanten.MUTANTEN if een.naam == naam]
    with kernmutanten.gezet(mutant):
        assert any(mutant.ziet in fout for fout in paren.vergelijk([nummer]).ongelijk)
