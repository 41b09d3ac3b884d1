# SPDX-License-Identifier: EUPL-1.2
"""The search that the canary run relies on: what is planted is found, in each encoding it claims to know."""

import asyncio
import base64
import gzip
import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ops.bewijs.speuren import VORMEN, Merk, Woord, patronen, vermomd, zoek
from ops.environment import Environment

LETTERS = Merk("letters", "Qwzkxvjyhbndpfg")
CIJFERS = Merk("cijfers", "968274051839264")
WOORD = Woord("woord", "qvzkrjth")
NUMMER = Woord("nummer", "968274051839")
GEZOCHT = patronen((LETTERS, CIJFERS))
WOORDEN = patronen((WOORD, NUMMER))
RUIS = random.Random(7).randbytes(40_000)


def gevonden(inhoud: bytes) -> set[tuple[str, str]]:
    return {(treffer.merk, treffer.vorm) for treffer in zoek(inhoud, "hier", GEZOCHT)}


@pytest.mark.parametrize("merk", [LETTERS, CIJFERS], ids=lambda merk: merk.naam)
@pytest.mark.parametrize("vorm", VORMEN)
def test_each_encoding_planted_is_found(merk: Merk, vorm: str) -> None:
    """Amid noise, with words before and after it in the same encoding; and the noise alone gives nothing."""
    tekst = f"mevr. {merk.tekst} uit Ede"
    geplant = RUIS[:20_001] + vermomd(tekst)[vorm] + RUIS[20_001:]
    assert any(naam == merk.naam for naam, _ in gevonden(geplant))
    assert not gevonden(RUIS)


@pytest.mark.parametrize("hoe", [str, str.upper, str.title], ids=["small", "capitals", "a name"])
@pytest.mark.parametrize("woord", [WOORD, NUMMER], ids=lambda woord: woord.naam)
@pytest.mark.parametrize("vorm", VORMEN)
def test_a_short_word_is_found_in_each_encoding(woord: Woord, vorm: str, hoe: Callable[[str], str]) -> None:
    """Also when the text is cut off right behind it."""
    for tekst in (f"mevr. {hoe(woord.tekst)} uit Ede, en nog wat meer", f"mevr. {hoe(woord.tekst)}"):
        geplant = RUIS[:20_001] + vermomd(tekst)[vorm] + RUIS[20_001:]
        assert [treffer.merk for treffer in zoek(geplant, "hier", WOORDEN)][:1] == [woord.naam]
    assert not zoek(RUIS, "hier", WOORDEN)


def test_a_word_in_a_mixture_of_cases_is_chance() -> None:
    """A long base64 text holds every run of eight letters sooner or later, in some mixture; no person and no
    program writes a name that way."""
    assert not zoek(b"x qVzKrjTh x", "hier", WOORDEN)


@pytest.mark.parametrize("tekst", ["qvzkrjt", "qvzkrjtha", "qvzkrjta", "96827405183"])
def test_a_word_is_eight_letters_or_twelve_digits(tekst: str) -> None:
    """Else chance would find it, or nothing would."""
    with pytest.raises(ValueError, match="8 small letters"):
        Woord("woord", tekst)


@given(
    ervoor=st.text(max_size=20),
    erna=st.text(max_size=20),
    hoe=st.sampled_from((str, str.lower, str.upper, str.title)),
    url=st.booleans(),
)
@example(ervoor="", erna="", hoe=str, url=False)
@example(ervoor="é", erna="x", hoe=str.upper, url=True)
def test_base64_is_found_at_each_alignment(ervoor: str, erna: str, hoe: object, url: bool) -> None:
    """Whatever stands around it shifts the bits; the mark is found all the same, in both alphabets."""
    assert callable(hoe)
    tekst = (ervoor + hoe(LETTERS.tekst) + erna).encode()
    code = base64.urlsafe_b64encode(tekst).rstrip(b"=") if url else base64.b64encode(tekst)
    assert ("letters", "base64") in gevonden(code)


def test_json_as_python_writes_it_is_found() -> None:
    """A name with letters that JSON escapes keeps its mark."""
    assert ("letters", "plain") in gevonden(json.dumps({"naam": f"Zoë Ångström-{LETTERS.tekst}"}).encode())


def test_a_stream_within_a_stream_is_found() -> None:
    """A gzip body of a request that holds a zlib stream that holds base64."""
    binnen = zlib.compress(b"x" + base64.b64encode(LETTERS.tekst.encode()))
    assert any(vorm == "gzip > zlib > base64" for _, vorm in gevonden(RUIS + gzip.compress(binnen) + RUIS))


def test_a_stream_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    """A crash leaves half a file: what stands in it counts."""
    heel = gzip.compress(LETTERS.tekst.encode() + random.Random(3).randbytes(5000))
    assert any(vorm.startswith("gzip") for _, vorm in gevonden(heel[:3000]))


@pytest.mark.parametrize("plek", range(1, 15))
def test_a_mark_with_one_byte_in_it_is_found(plek: int) -> None:
    """Compression without entropy coding puts a control byte between literals: eight in a row survive."""
    tekst = LETTERS.tekst.encode()
    assert ("letters", "plain") in gevonden(tekst[:plek] + b"\x07" + tekst[plek:])


def test_a_mark_that_is_too_short_is_refused() -> None:
    """It would be found by chance, or not at all."""
    with pytest.raises(ValueError, match="15"):
        Merk("kort", "abc")


async def test_a_value_that_postgresql_compressed_is_found_on_its_disk(
    environment: Environment, tmp_path: Path
) -> None:
    """A long value is stored compressed; its mark is found in the table's file all the same."""
    from ops import database

    connection = await asyncpg.connect(
        database.dsn_of(environment.servers.postgres_dsn, environment.database)
    )
    try:
        await connection.execute("create table public.proef (waarde text compression pglz)")
        waarde = "De heer " + LETTERS.tekst + " was daar en de heer was daar. " * 300
        await connection.execute("insert into public.proef values ($1)", waarde)
        await connection.execute("checkpoint")
        gecomprimeerd = await connection.fetchval("select pg_column_compression(waarde) from public.proef")
        assert gecomprimeerd == "pglz"
        pad = await connection.fetchval(
            "select current_setting('data_directory') || '/' || pg_relation_filepath(coalesce("
            "nullif((select reltoastrelid from pg_class where oid = 'public.proef'::regclass), 0)::regclass,"
            " 'public.proef'::regclass))"
        )
        heap = await connection.fetchval(
            "select current_setting('data_directory') || '/' || pg_relation_filepath('public.proef')"
        )
    finally:
        await connection.close()
    inhoud = b"".join([await asyncio.to_thread(Path(each).read_bytes) for each in dict.fromkeys((pad, heap))])
    assert waarde.encode()[:200] not in inhoud, "not stored as it is"
    assert ("letters", "plain") in gevonden(inhoud)
