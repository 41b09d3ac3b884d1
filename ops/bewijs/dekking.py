# SPDX-License-Identifier: EUPL-1.2
"""Which leak stands for which surface and for which rule: where none does, the proof was never seen to
fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ops.bewijs import kernmutanten, mutanten
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.lekken import KANARIES, LEKKEN


class Regel(NamedTuple):
    """One rule of anonymity, and the leaks that break it (names of `lekken*`, `RECHTEN`, `kernmutanten`)."""

    wat: str
    lekken: tuple[str, ...]


_KANARIES: Final = tuple(lek.naam for lek in LEKKEN if lek.deel == KANARIES)

REGELS: Final = (
    Regel("wat niet of verkeerd verzegeld is, wordt geweigerd", ("neemt-onverzegeld", "neemt-verlopen")),
    Regel("wat geweigerd wordt, is verzegeld geparkeerd", ("parkeert-open", "reden-met-invoer", "gooit-weg")),
    Regel("grootte zegt niets dan een klasse", ("zegel-op-maat",)),
    Regel("inhoud rust versleuteld, alleen in de kluis", ("inhoud-in-tabel", "zegel-blijft")),
    Regel("gewist is gewist", ("sleutel-blijft", "sleutel-in-database", "geparkeerd-blijft", "ongeschud")),
    Regel("van een sleutel die herwikkeld is blijft niets van tevoren", ("herwikkeld-blijft",)),
    Regel("in de uitvoer staat geen inhoud", ("zegel-in-uitvoer", "zegel-vooraf")),
    Regel(
        "inhoud gaat alleen naar wie er recht op heeft",
        ("verstrekt-zonder", "verstrekt-aan-ander", "zegel-voor-ander"),
    ),
    Regel(
        "wat aan een adviseur is geschreven, krijgt die van een ander cluster niet", ("ander-cluster-leest",)
    ),
    Regel("wie vervangen is of overdroeg, leest niet door", ("oude-adviseur-leest", "oude-zetel-leest")),
    Regel("de lijn hoort niet waarom het stopt", ("lijn-hoort-waarom",)),
    Regel("inzage eindigt met de instemming", ("doof-voor-intrekking", "inzage-loopt-door")),
    Regel("elke verstrekking staat in twee logs", ("verstrekt-ongelogd", "log-noemt-ander")),
    Regel("de regel noemt de sleutel die van de lezer is", ("log-noemt-andere-sleutel",)),
    Regel("elke opening staat in twee logs", ("ontvangen-ongelogd", "vergeefs-ongelogd", "gelezen-ongelogd")),
    Regel("elke code en elke vernietiging staat in twee logs", ("code-ongelogd", "vernietigd-ongelogd")),
    Regel("de logs zijn ketens", ("log-zonder-keten",)),
    Regel("een regel van het toegangslog leidt niet naar een zaak", ("stuk-als-op-de-bus",)),
    Regel("niets wordt doorgezet zonder instemming", ("doorgezet-zonder",)),
    Regel("de lijn leest alleen onder een instemming voor de lijn", ("lijn-leest-zonder",)),
    Regel(
        "een terugkeer, een doorverwijzing en een escalatie gaan alleen naar wie een instemming noemt",
        (
            "doorverwezen-zonder",
            "heropend-zonder",
            "doorverwijzing-zonder-instemming",
            "heropening-zonder-instemming",
            "heropening-na-intrekking",
            "escalatie-zonder-instemming",
            "escalatie-na-intrekking",
        ),
    ),
    Regel("een later contact stemt nergens in", ("later-contact-stemt-in",)),
    Regel("een ontvangstcode staat nergens leesbaar", ("logt-code",)),
    Regel("elk van de bits van een ontvangstcode is toeval", ("code-half",)),
    Regel("een verkeerde code krijgt het antwoord van een onbekende", ("zegt-verkeerd", "antwoord-op-maat")),
    Regel("pogingen zijn beperkt", ("zonder-limiet",)),
    Regel(
        "een vraag leidt niet naar een zaak", ("spoor-in-antwoord", "tijd-in-antwoord", "tijd-op-de-seconde")
    ),
    Regel("elk weekbericht is even groot", ("bericht-op-maat", "zwijgt-zonder-nieuws", "kop-zegt-iets")),
    Regel("een weekbericht leidt niet naar een zaak", ("zaak-in-bericht", "dag-in-weekbericht")),
    Regel(
        "ook niet met wat er uit te berekenen is, of afgerond",
        ("kenmerk-uit-zaak", "begin-van-afdruk", "zaak-op-de-seconde"),
    ),
    Regel("een skelet leidt niet naar een zaak", ("skelet-uit-zaak",)),
    Regel("een weekbericht heeft geen spoor", ("spoor-in-weekbericht", "weekbericht-in-spoor")),
    Regel("volgorde zegt niets", ("vol-eerst", "regels-op-moment")),
    Regel("van wat gewist is blijft geen tijdstip", ("tijd-blijft",)),
    Regel("wat geparkeerd is bevestigt geen vermoeden", ("afdruk-zonder-sleutel",)),
    Regel("logs en sporen verraden van een zaak niets", ("zaak-in-log", "zaak-in-spoor")),
    Regel("wat van alle zaken samen is verraadt niets", ("dag-in-getal", "dag-in-reden")),
    Regel("het kanaal en de melder gaan niet mee", ("kanaal-bij-doorzetten", "verhaal-in-spoed")),
    Regel("wie is uitgesloten, hoort niets", ("uitsluiting-vergeten", "uitgeslotene-hoort")),
    Regel("wie naast een uitgeslotene zit, hoort niets", ("naaste-hoort-wel", "niveau-hoort")),
    Regel("zolang niemand weet wie is uitgesloten, hoort niemand iets", ("onbekende-uitgeslotene",)),
    Regel(
        "wie bij een uitgeslotene hoort, hoort niets",
        ("gast-hoort", "postbus-van-uitgeslotene", "terrein-van-het-bureau"),
    ),
    Regel(
        "ook waar bomen naast elkaar staan of stuk zijn, hoort niemand onder een uitgeslotene iets",
        ("een-top", "zwevende-eenheid-hoort"),
    ),
    Regel(
        "wie is uitgesloten is dat vanaf het eerste woord dat het zegt",
        (
            "uitsluiting-blijft-bij-de-mid",
            "uitsluiting-bij-de-kwalificatie-vergeten",
            "uitsluiting-bij-het-doorzetten-vergeten",
            "uitsluiting-bij-een-ander-gesprek-vergeten",
            "uitsluiting-bij-een-klacht-vergeten",
        ),
    ),
    Regel(
        "wie vergelijkt, ziet niet dat iemand is uitgesloten",
        ("noemt-waar-iemand-zwijgt", "kenmerk-voor-wie-vergelijkt"),
    ),
    Regel("een totaal telt niet wat verborgen is", ("totaal-telt-alles",)),
    Regel(
        "wat hogerop gaat, gaat niet naar wie is uitgesloten",
        (
            "escalatie-naar-uitgeslotene",
            "termijn-naar-uitgeslotene",
            "vooruitzicht-naar-uitgeslotene",
            "afloop-naar-uitgeslotene",
            "plaatsvervanger-die-niet-mag",
            "latere-trede-naar-uitgeslotene",
            "escaleert-naar-uitgeslotene",
            "waarschuwt-uitgeslotene",
        ),
    ),
    Regel(
        "geen feit over een termijn gaat naar wie is uitgesloten, ook niet als de termijn de zijne is of was",
        (
            "klok-van-uitgeslotene",
            "klok-blijft-bij-later-uitgeslotene",
            "later-uitgeslotene-hoort-dat-hij-weg-is",
            "termijn-van-uitgeslotene",
        ),
    ),
    Regel(
        "een lijst zwijgt voor wie is uitgesloten",
        (
            "lijst-verbergt-niets",
            "lijst-toont-verborgen",
            "geparkeerd-toont-alles",
            "wachtend-toont-alles",
        ),
    ),
    Regel(
        "het bord zwijgt voor wie is uitgesloten, en telt niet wat het verzwijgt",
        ("bord-toont-verborgen", "bord-telt-verborgen", "bord-toont-geparkeerd"),
    ),
    Regel(
        "een stoel ziet geen vooruitzicht en niets anders dat van het werk aan alle zaken afhangt",
        (
            "lijst-voorziet",
            "lijst-toont-wie-wacht",
            "bord-voorziet",
            "bord-noemt-wie-wacht",
            "bord-toont-toewijzing",
        ),
    ),
    Regel(
        "het register zwijgt voor wie is uitgesloten, en telt voor een stoel niets",
        ("register-toont-verborgen", "register-geeft-tabel", "register-geeft-reeksen"),
    ),
    Regel("achter wat verteld wordt staan k mensen", ("zonder-k", "k-van-een")),
    Regel("een naam raakt op", ("zonder-budget", "zonder-geschiedenis")),
    Regel("een zeldzame rubriek gaat niet mee", ("rubriek-altijd",)),
    Regel("een totaal gaat in stappen", ("totaal-exact",)),
    Regel("een gepubliceerde tabel zegt niets van de dag", ("dag-in-tabel",)),
    Regel(
        "na een intrekking gaat niets door",
        ("lijn-gaat-door", "vertelt-na-intrekking", "doorzetting-na-intrekking"),
    ),
    Regel("ook niet met een bericht dat opnieuw wordt geprobeerd", ("niet-nagekeken",)),
    Regel(
        "een instemming geldt voor wie zij noemt", ("doorzetting-zonder-instemming", "vertelt-zonder-lijn")
    ),
    Regel("niets hangt af van kanaal of melder", ("kanaal-in-doorzetting", "soort-melder-in-klok")),
    Regel("wat verzegeld was, staat nergens leesbaar", _KANARIES),
    Regel("een account stelt alleen eigen feiten", ("spreekt-voor-allen",)),
    Regel("een account hoort alleen wat het horen mag", ("jokerrecht", "leest-elke-wachtrij")),
    Regel(
        "een rol ziet alleen het eigen schema en bezit niets", ("kluis-open", "eigenaar", "publiek-schema")
    ),
    Regel(
        "ook niet langs een omweg, of wat er nog komt",
        (
            "view-open",
            "gevulde-view-open",
            "functie-open",
            "trigger-open",
            "reeks-open",
            "nieuw-open",
        ),
    ),
    Regel("een rol ziet geen tellers van wat een ander doet", ("tellers-open", "teller-op-te-roepen")),
    Regel("wie buiten staat, komt de database niet in", ("rol-voor-buiten",)),
)
"""The rules, with at least one leak each."""


class Eis(NamedTuple):
    """One thing that is asked of the system, in which of its seven parts; the rules (`REGELS`) that it comes
    down to, and where no leak stands for it, or not for all of it, the tests that show it."""

    deel: int
    wat: str
    regels: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


EISEN: Final = (
    Eis(
        1, "inhoud komt verzegeld, en de kop zegt niets dan hoe zij opengaat",
        ("grootte zegt niets dan een klasse",),
        ("tests/test_zegel.py::test_header_says_only_how_to_open",),
    ),
    Eis(
        1, "er zijn meer geldige sleutels tegelijk, en een verlopen sleutel telt niet",
        ("wat niet of verkeerd verzegeld is, wordt geweigerd",),
        ("tests/test_sleutels.py::test_a_key_pair_is_succeeded_without_a_gap",),
    ),
    Eis(
        1, "wat niet verzegeld is wordt geweigerd, en staat alleen verzegeld geparkeerd",
        ("wat geweigerd wordt, is verzegeld geparkeerd", "wat geparkeerd is bevestigt geen vermoeden"),
    ),
    Eis(
        1, "elke zaak heeft een eigen sleutel, en die staat omwikkeld buiten de database",
        ("inhoud rust versleuteld, alleen in de kluis", "wat verzegeld was, staat nergens leesbaar"),
        ("tests/intake/test_sleutelkluis.py::test_no_file_holds_a_key_or_names_a_matter",),
    ),
    Eis(
        1, "sleutels vernieuwen leest geen inhoud en brengt niets terug",
        ("van een sleutel die herwikkeld is blijft niets van tevoren",),
        (
            "tests/intake/test_sleutelkluis.py::test_wrapping_anew_never_brings_a_destroyed_key_back",
            "tests/test_sleutels.py::test_a_kek_is_succeeded_and_destroyed_once_it_wraps_nothing",
        ),
    ),
    Eis(
        1, "gewist is gewist, ook voor wie een reservekopie heeft; een skelet blijft voor de tellingen",
        ("gewist is gewist", "van wat gewist is blijft geen tijdstip"),
        ("tests/registry/test_vernietiging.py::test_a_skeleton_holds_no_moment_and_no_id",),
    ),
    Eis(
        2, "inhoud wordt opnieuw verzegeld aan de toegewezen adviseur, en aan niemand anders",
        ("inhoud gaat alleen naar wie er recht op heeft", "in de uitvoer staat geen inhoud"),
    ),
    Eis(
        2, "vervanging en intrekking maken een einde aan inzage",
        ("inzage eindigt met de instemming",),
        ("tests/intake/test_inzage_core.py::test_whoever_takes_over_reads_and_whoever_left_does_not",),
    ),
    Eis(
        2, "de lijn leest wat de adviseur deelt, met instemming voor de lijn",
        ("de lijn leest alleen onder een instemming voor de lijn",),
        (
            "tests/intake/test_inzage.py::test_the_line_reads_what_the_adviser_shares_with_consent_for_the_line",
        ),
    ),
    Eis(
        2, "elke opening en verstrekking is een regel in twee logs, ketens zonder inhoud",
        ("elke verstrekking staat in twee logs", "de logs zijn ketens"),
    ),
    Eis(
        3, "zonder instemming die de ontvanger noemt bestaat er geen doorzetting: niet als type, niet als"
        " besluit, niet in de database",
        (
            "niets wordt doorgezet zonder instemming",
            "een instemming geldt voor wie zij noemt",
            "een terugkeer, een doorverwijzing en een escalatie gaan alleen naar wie een instemming noemt",
        ),
        (
            "tests/intake/test_core.py::test_only_a_grant_in_force_that_names_a_cluster_can_make_a_forward",
            "tests/intake/test_intake.py::test_the_database_refuses_a_forward_without_a_grant_in_force",
            "tests/intake/test_terugkeer.py::test_no_return_is_told_of_without_a_grant_in_force",
        ),
    ),
    Eis(
        3, "intake beslist de wedloop van doorzetting en intrekking; bij routing en notificatie werkt die na",
        ("na een intrekking gaat niets door",),
        ("tests/intake/test_inzage.py::test_withdrawal_and_sealing_race_through_two_replicas",),
    ),
    Eis(
        3, "wie een bericht ter verzending neemt is de laatste poort, en elke volgorde heeft een uitkomst",
        ("ook niet met een bericht dat opnieuw wordt geprobeerd",),
        (
            "tests/notification/test_verzending.py::"
            "test_a_withdrawal_after_the_round_and_before_the_claim_leaves_the_line_out",
            "tests/intake/test_inzage_core.py::test_the_gate_has_one_outcome_for_each_order_of_arrival",
        ),
    ),
    Eis(
        4, "een ontvangstcode heeft 85 bits en een controlegetal, en is voor te lezen",
        ("elk van de bits van een ontvangstcode is toeval",),
        (
            "tests/intake/test_ontvangstcode.py::test_85_random_bits_make_as_many_codes",
            "tests/intake/test_ontvangstcode.py::test_every_single_wrong_character_is_found",
            "tests/intake/test_ontvangstcode.py::test_it_can_be_read_aloud",
        ),
    ),
    Eis(
        4, "van een code blijft alleen een afdruk met sleutel",
        ("een ontvangstcode staat nergens leesbaar",),
        ("tests/intake/test_ontvangstcode.py::test_what_is_kept_depends_on_code_and_key",),
    ),
    Eis(
        4, "een onbekende en een verkeerde code zien en duren hetzelfde, en pogingen zijn beperkt",
        ("een verkeerde code krijgt het antwoord van een onbekende", "pogingen zijn beperkt"),
        ("tests/intake/test_terugweg.py::test_right_wrong_unknown_and_limited_look_the_same",),
    ),
    Eis(4, "een vraag met een code leidt niet naar een zaak", ("een vraag leidt niet naar een zaak",)),
    Eis(
        5, "iedereen krijgt elke week een bericht, ook zonder nieuws, alle even groot",
        ("elk weekbericht is even groot",),
    ),
    Eis(5, "de volgorde zegt niets", ("volgorde zegt niets",)),
    Eis(
        5, "het kenmerk leidt nergens heen, en de inhoud is nauwkeurig tot de week",
        ("een weekbericht leidt niet naar een zaak", "een weekbericht heeft geen spoor"),
    ),
    Eis(
        5, "genoemd wordt de kleinste eenheid met k mensen, ook na alles wat deze lezer al las",
        ("achter wat verteld wordt staan k mensen", "een naam raakt op"),
        ("tests/notification/test_noemen.py::test_every_class_has_k_people_and_everybody_one_name",),
    ),
    Eis(
        5, "wat niet verteld wordt telt later mee in een totaal, zodat niets verzwegen blijft",
        ("een totaal gaat in stappen",),
        (
            "tests/notification/test_totalen.py::test_small_numbers_are_hidden_and_yet_never_silenced",
            "tests/notification/test_totalen.py::"
            "test_a_top_of_few_people_is_told_a_step_once_in_so_many_years",
        ),
    ),
    Eis(5, "een zeldzame rubriek wordt als hoofdgroep gezegd", ("een zeldzame rubriek gaat niet mee",)),
    Eis(5, "spoed en kanaal veranderen niets aan een bericht", ("niets hangt af van kanaal of melder",)),
    Eis(
        6, "het bericht van wie is uitgesloten is dat van een wereld zonder de zaak",
        (
            "wie is uitgesloten, hoort niets",
            "wie bij een uitgeslotene hoort, hoort niets",
            "zolang niemand weet wie is uitgesloten, hoort niemand iets",
            "wie is uitgesloten is dat vanaf het eerste woord dat het zegt",
        ),
        (
            "tests/intake/test_uitsluiting.py::"
            "test_whoever_was_told_hears_every_exclusion_whatever_was_said_after",
            "tests/intake/test_uitsluiting.py::"
            "test_nobody_has_a_right_to_read_whom_intake_itself_knows_to_be_excluded",
        ),
    ),
    Eis(
        6, "op een niveau waar iemand is uitgesloten hoort niemand het, en vergelijken zegt niets",
        (
            "wie naast een uitgeslotene zit, hoort niets",
            "wie vergelijkt, ziet niet dat iemand is uitgesloten",
            "ook waar bomen naast elkaar staan of stuk zijn, hoort niemand onder een uitgeslotene iets",
        ),
    ),
    Eis(
        6, "dezelfde uitsluiting geldt voor wat hogerop gaat",
        (
            "wat hogerop gaat, gaat niet naar wie is uitgesloten",
            "geen feit over een termijn gaat naar wie is uitgesloten, ook niet als de termijn de zijne is of"
            " was",
            "wie is uitgesloten is dat vanaf het eerste woord dat het zegt",
        ),
        ("tests/routing/test_uitsluiting.py::test_who_is_excluded_while_a_clock_runs_is_not_told_by_it",),
    ),
    Eis(
        6, "en voor lijsten, het bord en vooruitzichten van beheerders",
        (
            "een lijst zwijgt voor wie is uitgesloten",
            "het bord zwijgt voor wie is uitgesloten, en telt niet wat het verzwijgt",
            "een stoel ziet geen vooruitzicht en niets anders dat van het werk aan alle zaken afhangt",
        ),
        (
            "tests/bewijs/test_lijsten.py::"
            "test_to_a_seat_nothing_tells_of_what_is_hidden_and_each_leak_shows",
            "tests/test_commands.py::test_for_a_seat_only_what_it_may_learn_of_is_listed_and_opened",
            "tests/test_bord.py::test_for_a_seat_the_board_is_as_if_the_matter_did_not_exist",
            "tests/termijnen/test_lezer.py::test_what_hangs_on_the_work_of_all_matters_is_not_for_a_seat",
            "tests/routing/test_planning.py::"
            "test_what_is_foreseen_is_never_brought_to_who_must_not_learn_of_the_matter",
        ),
    ),
    Eis(
        6, "en voor tellingen onder het gepubliceerde niveau",
        (
            "een totaal telt niet wat verborgen is",
            "een gepubliceerde tabel zegt niets van de dag",
            "het register zwijgt voor wie is uitgesloten, en telt voor een stoel niets",
        ),
        ("tests/test_commands.py::test_for_a_seat_there_are_no_counts",),
    ),
    Eis(
        7, "een account stelt alleen onder eigen naam en leest alleen de eigen wachtrij",
        ("een account stelt alleen eigen feiten", "een account hoort alleen wat het horen mag"),
    ),
    Eis(
        7, "een rol ziet alleen het eigen schema en bezit niets; de kluis is van intake alleen",
        (
            "een rol ziet alleen het eigen schema en bezit niets",
            "een rol ziet geen tellers van wat een ander doet",
            "wie buiten staat, komt de database niet in",
        ),
    ),
    Eis(
        7, "wat een beheerder ziet verraadt geen zaak",
        ("logs en sporen verraden van een zaak niets", "wat van alle zaken samen is verraadt niets",
         "het kanaal en de melder gaan niet mee"),
    ),
)  # fmt: skip
"""What is asked, part by part."""

ZONDER: Final[Mapping[str, str]] = {
    vlak.BUS_ANDEREN: "wat een ander stelt schrijft die ander zelf, en geen dienst kan het veranderen",
}
"""Surfaces for which no leak can stand, and why. They are searched, and the control is found there."""


def per_oppervlak() -> dict[str, list[str]]:
    """By surface the leaks that must be seen on it."""
    gevonden: dict[str, list[str]] = {each: [] for each in vlak.ALLE}
    for lek in LEKKEN:
        if lek.deel == KANARIES:
            for waar in (lek.waar, *lek.ook):
                gevonden[waar].append(lek.naam)
    return gevonden


def namen() -> list[str]:
    """The name of every leak that there is, in services, in rights and in the cores."""
    return [lek.naam for lek in (*mutanten.ALLE, *kernmutanten.MUTANTEN)]
