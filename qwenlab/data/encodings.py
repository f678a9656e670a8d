"""Which of the encodings from before Unicode a text has, where its words and letters leave no doubt.

Almost every file can be read in several of them, and in all but one it is garbage that would be trained on. So a
reading is believed only if it is long enough, if its commonest words or characters are those of a language that is
written in that encoding, if it has no letter that the language does not have, and if no other reading passes too.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

ENOUGH = 40
"""Words, or characters of a script, from which on their shares say something."""

SAMPLE = 200_000
"""Characters that are looked at, in lines that have others than ASCII."""

MARKS = frozenset("\u2019\u2018\u201a“”„\u2013—…•«»\u2039\u203a°§\u00d7÷±²³½¼¾·€£™®©\u00a0\u00ad")
"""What is no letter and stands in texts of all languages."""
IN_WORDS = frozenset("\u2019\u2013—·\u00ad")
"""Of these, what stands between two letters; another one there is a letter that is misread."""

WORD = re.compile(r"[^\W\d_]+")


class Latin(NamedTuple):
    """A language in Latin letters."""

    encoding: str
    words: frozenset[str]
    """Its commonest words without a letter beyond ASCII: they read the same in every encoding."""
    letters: frozenset[str]
    """Its letters beyond ASCII."""


def _latin(encoding: str, words: str, letters: str) -> Latin:
    return Latin(encoding, frozenset(words.split()), frozenset(letters + letters.upper()))


LATIN = (
    _latin("windows-1252", "the of and to is in that it for was with as on are he she how many", "éèêëïöüçñáíóàæœô"),
    _latin("windows-1252", "der die und das ist ein eine nicht mit den von zu auf wie er sie es hat", "äöüßé"),
    _latin("windows-1252", "le la les des et est une un que dans pour qui il elle de en combien", "àâçéèêëîïôûùüÿœæ"),
    _latin("windows-1252", "el la los las de que y en un una es por con para se al del tiene", "áéíóúñü¿¡ºª"),
    _latin("windows-1252", "o os as de que e em um uma com para se do da no na por quantos", "áâãàçéêíóôõúüºª"),
    _latin("windows-1252", "il lo la di che e un una per con non sono del della in quanti ha", "àèéìòùî"),
    _latin("windows-1252", "de het een en van is dat niet met op te zijn hoeveel", "éëïóöèüá"),
    _latin("windows-1252", "och det att som en ett av med den har inte hur till", "åäöéü"),
    _latin("windows-1250", "w i na nie jest do ile to z ma po co jak od ta ten", "ąćęłńóśźż"),
    _latin("windows-1250", "a je na v se to do kolik jak s o z ve po ale", "áčďéěíňóřšťúůýž"),
    _latin("windows-1250", "a az hogy nem egy van ha meg mennyi volt el ki", "áéíóöőúüű"),
)

LATIN_WORDS = 0.1
"""The share of the commonest words in a text of the language, at least."""
LATIN_LETTERS = 0.98


class Script(NamedTuple):
    """A language with a script of its own."""

    encoding: str
    characters: re.Pattern[str]
    common: frozenset[str]
    share: float
    """Of its characters that are the common ones, at least: half of what it is in ordinary texts."""


CHINESE = re.compile("[\u4e00-\u9fff]")
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
KANA = frozenset("のにはをたがでとてしいるかすまっあられもこ")
BOTH = "的一是不了在人有我他中上大和地到以就出可也你能多"
"""Of the commonest characters of Chinese those that are written alike in its two ways."""

SCRIPTS = (
    Script("gb18030", CHINESE, frozenset(BOTH + "这个们来为国说时要会对生少几么"), 0.08),
    Script("big5", CHINESE, frozenset(BOTH + "這個們來為國說時要會對生少幾麼"), 0.08),
    Script("cp932", JAPANESE, KANA, 0.25),
    Script("cp949", re.compile("[\uac00-\ud7a3]"), frozenset("이다는을의에가고를하은니한로지도서기있사"), 0.2),
    Script("windows-1251", re.compile("[\u0400-\u04ff]"), frozenset("\u043e\u0435\u0430инт\u0441\u0440вл"), 0.5),
)
SCRIPT_OTHERS = 0.3
"""The share of other characters beyond ASCII, punctuation among them, at most."""

NAMES = {"cp932": "Shift-JIS", "cp949": "EUC-KR"}
"""What an encoding is called where it is not its name in capitals."""


class Reading(NamedTuple):
    """A file's text, and the encoding in which it is one."""

    text: str
    encoding: str


def readings(data: bytes) -> list[Reading]:
    """Every reading that is believed by itself; where there is one alone, there is no doubt."""
    found = {}
    for encoding in dict.fromkeys([language.encoding for language in (*SCRIPTS, *LATIN)]):
        text = decode(data, encoding)
        if text is not None and _is_believed(encoding, _sample(text)):
            found[encoding] = Reading(text, NAMES.get(encoding, encoding.upper().replace("WINDOWS", "Windows")))
    return list(found.values())


def decode(data: bytes, encoding: str) -> str | None:
    """The text; None where the bytes are none in that encoding."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_believed(encoding: str, text: str) -> bool:
    if any(script.encoding == encoding and _is_written_in(script, text) for script in SCRIPTS):
        return True
    words = [word.lower() for word in WORD.findall(text)]
    if len(words) < ENOUGH or _has_marks_in_words(text):
        return False
    shares = {language: _share(words, language.words.__contains__) for language in LATIN}
    likely = max(LATIN, key=shares.__getitem__)
    others = max(share for language, share in shares.items() if language.encoding != likely.encoding)
    if likely.encoding != encoding or shares[likely] < LATIN_WORDS or others > shares[likely] / 2:
        return False
    beyond = [character for character in text if character > "\x7f"]
    letters = [character for character in beyond if character not in MARKS]
    return bool(beyond) and _share(letters, likely.letters.__contains__) >= LATIN_LETTERS


def _is_written_in(script: Script, text: str) -> bool:
    beyond = [character for character in text if character > "\x7f"]
    own = [character for character in beyond if script.characters.match(character)]
    return (
        len(own) >= ENOUGH
        and len(beyond) - len(own) < SCRIPT_OTHERS * len(own)
        and _share(own, script.common.__contains__) >= script.share
    )


def _has_marks_in_words(text: str) -> bool:
    wrong = "".join(map(re.escape, MARKS - IN_WORDS))
    return re.search(rf"[^\W\d_][{wrong}][^\W\d_]", text) is not None


def _share(items: Iterable[str], counts: Callable[[str], bool]) -> float:
    """Of the items; one of none, which speaks against nothing."""
    found = [counts(item) for item in items]
    return sum(found) / len(found) if found else 1.0


def _sample(text: str) -> str:
    """The first lines that have characters beyond ASCII."""
    taken, size = [], 0
    for line in text.splitlines():
        if not line.isascii():
            taken.append(line)
            size += len(line)
            if size > SAMPLE:
                break
    return "\n".join(taken)[: 2 * SAMPLE]
