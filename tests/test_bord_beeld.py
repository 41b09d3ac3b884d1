# SPDX-License-Identifier: EUPL-1.2
"""The board as lines and keys, without a terminal: it fits, it says what it should, and no key breaks it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.bord.beeld import Regel, Stijl, beeld
from ops.bord.stand import TELT_TOT, Bord, Dienst, Wachtrij, in_de_hand, op_volgorde
from ops.bord.toetsen import HULP, Daad, Toetsen
from ops.bord.venster import Lijst, Venster, gekozen_post, posten, vervolg
from ops.gezegd import Voorzien
from ops.gezegd import voorzien as lees_voorzien
from ops.parking import Geparkeerd
from ops.termijnen import VERVOLG, Loop, ZonderHouder, arrange, as_text, duration, explanation
from shared import flow
from shared.termijnen.kalender import lokaal
from shared.termijnen.klok import Bewaard, Klok, termijn
from shared.termijnen.regels import Soort, regels
from tests.bus import id_of

NU = datetime(2026, 3, 2, 9, tzinfo=UTC)
REGELS = regels({"klacht": "6week"})
SOORTEN = [soort for soort, regel in REGELS.items() if regel.aan]


def loop(naam: str, soort: Soort, uren: int, gezegd: int = 0, herhaald: int = 0) -> Loop:
    klok = termijn(Klok(soort, NU + timedelta(hours=uren)), REGELS[soort])
    een = Bewaard(
        id_of(naam), klok, gezegd=gezegd, verstreken_op=NU if gezegd > 1 else None, herhaald=herhaald
    )
    return Loop(REGELS[soort].dienst, een, REGELS[soort])


def bericht(nummer: int, reden: str = "onbekend feit", dienst: str = "intake") -> Geparkeerd:
    return Geparkeerd(
        dienst, UUID(int=nummer), reden, "mid.x.v1", "mid", None, 2048, 1, NU, NU, None, "geparkeerd"
    )


tekst = st.text(max_size=90)
getal = st.none() | st.integers(0, 10**9)
duur = st.none() | st.floats(-1e3, 1e9)
lopen = st.builds(
    lambda soort, uren, gezegd, herhaald: loop(f"{soort} {uren}", soort, -uren, gezegd, herhaald),
    st.sampled_from(SOORTEN),
    st.sampled_from((0, 1, 30, 200, 5000)) | st.integers(0, 30_000),
    st.integers(0, 4),
    st.just(0) | st.integers(0, 3000),
)
diensten = st.builds(
    Dienst, st.sampled_from(flow.SERVICES), st.booleans(), getal, duur, getal, getal, duur, duur, getal, getal
)
rijen = st.builds(Wachtrij, st.sampled_from([*flow.SERVICES, flow.EXCHANGE_DOOD]), getal, st.integers(0, 99))
borden = st.builds(
    Bord,
    omgeving=tekst,
    nu=st.just(NU),
    diensten=st.lists(diensten, max_size=4).map(tuple),
    wachtrijen=st.none() | st.lists(rijen).map(lambda alle: {rij.naam: rij for rij in alle}),
    klokken=st.lists(lopen, max_size=40, unique=True).map(lambda alle: tuple(op_volgorde(alle, NU))),
    meer=st.booleans(),
    te_laat=st.integers(0, TELT_TOT),
    onbeslist=st.integers(0, TELT_TOT),
    onbeslist_meer=st.booleans(),
    gewapend=st.integers(0, TELT_TOT),
    zonder_houder=st.lists(
        st.builds(
            ZonderHouder, tekst.map(id_of), st.sampled_from(["coid", "kmar"]), st.booleans(), st.just(NU)
        ),
        max_size=3,
    ).map(tuple),
    geparkeerd=st.lists(st.builds(bericht, st.integers(0, 9), tekst), max_size=30).map(tuple),
    weg=st.lists(st.just("the broker does not answer"), max_size=2).map(tuple),
    zetel=st.none() | tekst,
)
TOETSEN = (*"qjkfru?yn ", "up", "down", "pgup", "pgdn", "home", "end", "enter", "esc", "tab", "")


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(TOETSEN), st.integers(0, 2)), max_size=25),
    st.lists(borden, min_size=3, max_size=3),
    st.integers(20, 140),
    st.integers(4, 60),
)
def test_whatever_is_read_and_pressed_the_screen_is_full_and_fits(
    drukken: list[tuple[str, int]], gelezen: list[Bord], breed: int, hoog: int
) -> None:
    """Shows any board, size and keys, with other things read in between: the right number of lines, none too
    long, nothing that a terminal would obey; and a message is offered only after its question."""
    bord, venster = gelezen[0], Venster()
    for toets, volgende in drukken:
        vraag = venster.vraag
        venster, daad = Toetsen(hoog, breed).druk(bord, venster, toets)
        assert daad.opnieuw is None or (daad.opnieuw is vraag and toets in "yj")
        venster = vervolg(venster, bord, gelezen[volgende])
        bord = gelezen[volgende]
        regels_ = beeld(bord, venster, breed, hoog)
        assert len(regels_) == hoog
        assert all(len(regel.tekst) < breed and regel.tekst.isprintable() for regel in regels_)


def getallen(regels_: list[Regel]) -> set[str]:
    """The words with a digit in them."""
    return {woord for regel in regels_ for woord in regel.tekst.split() if any(map(str.isdigit, woord))}


@settings(max_examples=50)
@given(borden, st.sampled_from(Lijst), st.integers(20, 140), st.integers(4, 60))
def test_no_number_is_cut_into_another(bord: Bord, lijst: Lijst, breed: int, hoog: int) -> None:
    """On a screen of any width each number is one that stands on a wide screen too, or is not there."""
    venster = Venster(lijst=lijst)
    assert getallen(beeld(bord, venster, breed, hoog)) <= getallen(beeld(bord, venster, 1000, hoog))


@given(st.integers(0, 4), st.integers(0, 3000), st.integers(0, 9000), st.sampled_from(SOORTEN))
def test_how_often_it_was_said_stands_whole_within_80_columns(
    gezegd: int, herhaald: int, dagen: int, soort: Soort
) -> None:
    """However late and however often: with the day of the end, and how long ago it was."""
    een = loop("zaak", soort, -24 * dagen - 3, gezegd, herhaald)
    (regel,) = (regel for regel in scherm(Bord("proef", NU, klokken=(een,)), hoog=14) if soort in regel.tekst)
    woorden = regel.tekst.split()
    punten = len(een.klok.termijn.punten)
    assert woorden[-1] == f"{gezegd}/{punten}" + (f"+{herhaald}" if herhaald else "")
    assert {een.klok.termijn.rol, duration(abs(een.eind - NU)).split()[0]} <= set(woorden)
    assert een.klok.termijn.eind is None or f"{lokaal(een.klok.termijn.eind):%d-%m-%y}" in woorden


def test_what_does_not_fit_gives_way_by_column_and_only_then() -> None:
    """The hour of the end first, then what the Atw adds, then the role; the heads go with them."""
    vaak = loop("zaak", Soort.ADVISEUR_CONTACT, -24 * 112, 4, 21)
    heel = Bord("proef", NU, klokken=(loop("zaak", Soort.ADVISEUR_CONTACT, -24 * 112, 4, 2),))
    wel, laatst = {}, {}
    for breed in (80, 72, 62):
        kop, regel = (een.tekst for een in scherm(Bord("proef", NU, klokken=(vaak,)), breed=breed)[3:5])
        wel[breed] = [woord for woord in ("eind", "atw", "rest", "rol", "over") if woord in kop.split()]
        laatst[breed] = regel.split()[-1]
        assert kop.index("over") == regel.index("4/4")
    assert wel == {
        80: ["eind", "atw", "rest", "rol", "over"],
        72: ["eind", "rest", "rol", "over"],
        62: ["eind", "rest", "over"],
    }
    assert set(laatst.values()) == {"4/4+21"}
    assert "4/4" not in scherm(Bord("proef", NU, klokken=(vaak,)), breed=61)[4].tekst
    assert f"{lokaal(vaak.eind):%d-%m-%y %H:%M}" in scherm(heel)[4].tekst and "4/4+2" in scherm(heel)[4].tekst


def scherm(bord: Bord, venster: Venster | None = None, breed: int = 80, hoog: int = 24) -> list[Regel]:
    return beeld(bord, venster or Venster(), breed, hoog)


def vol() -> Bord:
    """Sixty clocks, ten parked messages, a matter that nobody has."""
    klokken = [loop(f"zaak {n}", Soort.ADVISEUR_CONTACT, -24 * n, 2 if n > 7 else 0) for n in range(60)]
    return Bord(
        "meldpunt",
        NU,
        diensten=tuple(Dienst(naam, replicas=2, gezien_s=0.4) for naam in flow.SERVICES),
        wachtrijen={naam: Wachtrij(naam, 7, 2) for naam in flow.SERVICES},
        klokken=tuple(op_volgorde(klokken, NU)),
        meer=True,
        te_laat=TELT_TOT,
        gewapend=12,
        zonder_houder=(ZonderHouder(id_of("zaak 70"), "coid", True, NU - timedelta(hours=3)),),
        geparkeerd=tuple(bericht(n) for n in range(10)),
    )


def test_the_gravest_stands_on_top_in_words() -> None:
    """Shows what nobody holds, then what is late longest; counts that stop at a thousand; a service without
    consumers set off although it says that it is up."""
    bord = vol()
    regels_ = scherm(
        replace(bord, wachtrijen={**(bord.wachtrijen or {}), "intake": Wachtrij("intake", 3, 0)})
    )
    assert regels_[1] == Regel("NOBODY 1   late 1000+   armed 12   parked 10", Stijl.LAAT)
    assert regels_[3].stijl is Stijl.LAAT and regels_[3].tekst.startswith("intake       2")
    assert regels_[4].stijl is Stijl.GEWOON
    (kop,) = (n for n, regel in enumerate(regels_) if "clocks 61+" in regel.tekst)
    assert "NOBODY" in regels_[kop + 1].tekst and "spoed" in regels_[kop + 1].tekst
    assert " late 51d " in regels_[kop + 2].tekst
    assert sum("geparkeerd" in regel.tekst or "onbekend feit" in regel.tekst for regel in regels_) == 4


def test_what_is_set_aside_stands_below_the_services_and_only_then() -> None:
    """By service, within 80 columns; without it no line is lost."""
    bord = vol()
    diensten = tuple(replace(een, terzijde=2 if een.naam == "routing" else 0) for een in bord.diensten)
    tekst = [regel.tekst for regel in scherm(replace(bord, diensten=diensten))]
    assert "set aside by background jobs: routing 2" in tekst
    assert not any("set aside" in regel.tekst for regel in scherm(bord))


def test_what_stands_behind_a_line_is_folded_once_to_the_screen() -> None:
    """However wide the screen: each line but the last of a piece is as full as the next word allows."""
    klok = loop("zaak", Soort.ADVISEUR_CONTACT, -30)
    for breed in (40, 80, 100):
        bord = Bord("proef", NU, klokken=(klok,))
        venster, _ = druk(bord, Venster(), "enter")
        regels_ = [regel.tekst for regel in scherm(bord, venster, breed, 60)[2:-1] if regel.tekst]
        assert max(map(len, regels_)) <= breed - 2
        for regel, volgende in pairwise(regels_[1:]):
            if volgende.startswith(VERVOLG):
                assert len(f"{regel} {volgende.split()[0]}") > breed - 2, (breed, regel, volgende)
        heel = " ".join(" ".join(regels_).split())
        assert " ".join(klok.klok.termijn.afleiding.split()) in heel
        assert f"what was said to whom: ./meldpunt termijnen leg-uit {klok.onderwerp[:8]}" in heel
    zittend = replace(klok, in_gevaar=None)
    venster, _ = druk(Bord("proef", NU, klokken=(zittend,), zetel="z"), Venster(), "enter")
    assert "gezegd" not in "\n".join(venster.tekst or ())


def test_why_a_week_is_in_danger_stands_behind_its_mark() -> None:
    """What was foreseen, the day on which there is room, why, and to whom that was told; to a program too."""
    voorzien = Voorzien(NU, "sg", date(2026, 3, 9), date(2026, 3, 16), "geen-ruimte")
    klok = replace(loop("zaak", Soort.ADVISEUR_CONTACT, -30), in_gevaar=True, voorzien=voorzien)
    venster, _ = druk(Bord("proef", NU, klokken=(klok,)), Venster(), "enter")
    tekst = "\n".join(venster.tekst or ())
    assert "in gevaar    uiterlijk 2026-03-09, verwacht 2026-03-16 (geen-ruimte: " in tekst
    assert tekst.count("told to sg") == 1
    assert klok.as_data(NU)["voorzien"] == voorzien.as_data()
    niemand = explanation(replace(klok, voorzien=replace(voorzien, verwacht=None, reden="niemand")), NU)
    assert "verwacht not in sight (niemand: nobody" in niemand
    assert max(map(len, niemand.splitlines())) <= 80
    # What another version of the code stated is not read as something else, and stops no list.
    assert (lees_voorzien(None), lees_voorzien(b'{"reden": "later"}')) == (None, None)


def test_of_a_parked_message_the_hour_is_not_shown_as_a_minute() -> None:
    """No more is kept of when it came."""
    bord = Bord("meldpunt", NU, geparkeerd=(bericht(1),))
    (regel,) = (regel.tekst for regel in scherm(bord) if "onbekend feit" in regel.tekst)
    assert " 02-03 10h  1x onbekend feit" in regel


def druk(bord: Bord, venster: Venster, *toetsen: str) -> tuple[Venster, Daad]:
    daad = Daad()
    for toets in toetsen:
        venster, daad = Toetsen(24).druk(bord, venster, toets)
    return venster, daad


def test_the_list_scrolls_and_stays_on_what_was_chosen() -> None:
    """Shows the last line reached, the chosen clock followed when others come above it, and pages."""
    bord = vol()
    venster, _ = druk(bord, Venster(), "end")
    laatste = gekozen_post(bord, venster)
    assert laatste is posten(bord, venster, Lijst.KLOKKEN)[-1]
    assert sum(regel.stijl is Stijl.GEKOZEN for regel in scherm(bord, venster)) == 1
    meer = replace(bord, klokken=(loop("nieuw", Soort.TOEWIJZING, -9000), *bord.klokken), zonder_houder=())
    gevolgd = gekozen_post(meer, vervolg(venster, bord, meer))
    assert isinstance(gevolgd, Loop) and isinstance(laatste, Loop)
    assert gevolgd.onderwerp == laatste.onderwerp
    venster, _ = druk(bord, Venster(), "pgdn", "pgup", "down")
    assert gekozen_post(bord, venster) is bord.klokken[0]


def test_a_chosen_service_that_went_away_gives_way_to_all() -> None:
    """Chooses the clocks of one service, reads a board that no longer has it, and asks for the next one."""
    bord = vol()
    venster = Venster(dienst=bord.diensten[-1].naam)
    venster, daad = Toetsen(24, 80).druk(replace(bord, diensten=bord.diensten[:-1]), venster, "f")
    assert venster.dienst is None and daad.lees


def test_what_is_foreseen_to_come_too_late_is_marked() -> None:
    """On the board and in the list, which says what the mark means; and in the figures for a program."""
    een = loop("zaak", Soort.ADVISEUR_CONTACT, -30)
    for gevaar in (False, True):
        klok = replace(een, in_gevaar=gevaar)
        bord = Bord("proef", NU, klokken=(klok,))
        beeld = "\n".join(regel.tekst for regel in scherm(bord))
        lijst = as_text(arrange(NU, [klok], [klok.onderwerp], ()))
        assert ("!in " in beeld, "!" in lijst, "termijn-in-gevaar" in lijst) == (gevaar,) * 3
        assert klok.as_data(NU)["in_gevaar"] is gevaar
        assert max(map(len, lijst.splitlines())) <= 80


def test_what_its_service_did_not_call_overdue_is_unsaid_and_not_late() -> None:
    """Over its end while what stops it may still wait: after what is late, before all else, set off, and
    counted apart; the list and the explanation say why. What is only watched is no promise, and is past."""
    laat, lang = (loop("laat", Soort.ADVISEUR_CONTACT, -24 * 9, 2), loop("lang", Soort.TOEWIJZING, -24 * 400))
    gezien, loopt = loop("gezien", Soort.CONTACT_OPEN, -24 * 20), loop("loopt", Soort.TOEWIJZING, 0)
    alle = arrange(NU, [loopt, gezien, lang, laat], (), ()).regels
    standen = ["verstreken", "onbeslist", "gewaarschuwd", "loopt"]
    assert [een.as_data(NU)["stand"] for een in alle] == standen
    assert alle[1].as_data(NU)["rest_s"] < 0
    bord = Bord("proef", NU, klokken=tuple(op_volgorde([*alle], NU)), te_laat=1, onbeslist=1, gewapend=4)
    assert (bord.klokken, bord.as_data()["onbeslist"]) == (alle, 1)
    regels_ = scherm(bord, Venster(lijst=Lijst.GEPARKEERD))
    assert regels_[1] == Regel("late 1   unsaid 1   armed 4   parked 0", Stijl.LAAT)
    assert scherm(replace(bord, te_laat=0))[1].stijl is Stijl.DRINGEND
    assert "unsaid 1+ " in scherm(replace(bord, onbeslist_meer=True))[1].tekst
    assert "unsaid" not in scherm(replace(bord, onbeslist=0))[1].tekst
    for regel, woord, stijl in zip(
        regels_[4:8],
        ("late", "unsaid", "past", "in"),
        (Stijl.LAAT, Stijl.DRINGEND, Stijl.GEWOON, Stijl.GEWOON),
        strict=True,
    ):
        assert (woord in regel.tekst.split(), regel.stijl) == (True, stijl), regel
    lijst = as_text(arrange(NU, alle, [een.onderwerp for een in alle], ()))
    assert [regel for regel in lijst.splitlines() if regel.endswith(": 1")] == [
        "Overdue (verstreken): 1",
        "Over the end, not judged yet (onbeslist): 1",
        "Past the moment to look again (no promise, watch only): 1",
        "Running (loopt): 1",
    ]
    assert "may still wait in the queue" in lijst
    assert max(map(len, lijst.splitlines())) <= 80
    stand = " ".join(explanation(lang, NU).split("loopt van")[0].split())
    assert "onbeslist, over its end by 3" in stand and "the service has not said so yet" in stand
    assert "late" not in stand and "verstreken" not in stand


def test_what_a_silent_replica_holds_is_unknown_and_not_nought() -> None:
    """While the broker counts a consumer that does not speak, and when nobody does; not for a seat."""
    dienst = Dienst("intake", replicas=2, gezien_s=0.4, in_handen=7)
    for afnemers, waarde in ((0, 7), (2, 7), (3, None)):
        gezien = in_de_hand(dienst, {"intake": Wachtrij("intake", 0, afnemers)})
        assert gezien.in_handen == waarde
    historie = {"intake": Wachtrij("intake", 0, 2), "intake.historie": Wachtrij("intake.historie", 0, 3)}
    assert in_de_hand(dienst, historie).in_handen is None
    assert in_de_hand(dienst, None).in_handen == 7
    stil = in_de_hand(replace(dienst, replicas=0, in_handen=None), {"intake": Wachtrij("intake", 0, 1)})
    (regel,) = (r.tekst.split() for r in scherm(Bord("proef", NU, diensten=(stil,))) if "DOWN" in r.tekst)
    assert regel[3] == "-"


def test_no_is_no_and_other_keys_too() -> None:
    """Shows that only yes offers a message again, and that clocks cannot be offered."""
    bord = vol()
    op_berichten, _ = druk(bord, Venster(), "tab", "down", "r")
    assert op_berichten.vraag == bord.geparkeerd[1]
    for toets in ("n", "q", "enter", "esc", ""):
        venster, daad = druk(bord, op_berichten, toets)
        assert (venster.vraag, daad) == (None, Daad())
    assert druk(bord, op_berichten, "y")[1].opnieuw == bord.geparkeerd[1]
    assert druk(bord, Venster(), "r")[1] == Daad()


def test_what_a_sender_wrote_cannot_speak_to_the_terminal() -> None:
    """Shows control characters in the one field that may hold a sender's words."""
    kwaad = replace(bericht(1), routing_key="mid.\x1b[2J.v1", reden="onbekend\x07 feit")
    bord = Bord("meldpunt", NU, geparkeerd=(kwaad,))
    venster, _ = druk(bord, Venster(), "tab", "enter")
    alles = "".join(regel.tekst for regel in (*scherm(bord), *scherm(bord, venster)))
    assert "\x1b" not in alles and "\x07" not in alles


def test_every_key_is_explained_within_80_by_24() -> None:
    """Shows the help as it stands on the screen: whole."""
    venster, _ = druk(vol(), Venster(), "?")
    regels_ = [regel.tekst for regel in scherm(vol(), venster, hoog=24)]
    assert regels_[2 : 2 + len(HULP)] == list(HULP)
    for toets in ("Tab", "Enter", "Esc", "PgUp", " f ", " r ", " u ", " q ", " j "):
        assert any(toets in f"{regel} " for regel in HULP)


def test_for_a_program_nothing_is_left_out() -> None:
    """Shows the same board as data, with what is not for the reader absent and not zero."""
    data = vol().as_data()
    assert (len(data["termijnen"]), data["meer"], len(data["geparkeerd"])) == (60, True, 10)
    assert data["diensten"][0] == {"naam": "intake", "antwoord": True, "replicas": 2, "gezien_s": 0.4}
    assert data["zonder_houder"][0]["telt_vanaf"] == "2026-03-02T06:00:00+00:00"
