"""Encodings: obeyed where a mark names them, told where they are beyond doubt, refused and shown where they are not."""

import json
from pathlib import Path

import pytest

from qwenlab.data.files import read_file
from qwenlab.errors import UserError

CHINESE = "小明买了三个苹果。之后又买了两个。请问他一共有多少个苹果呢。这是一个简单的加法问题。我们来看一看。"
ROWS = [{"question": f"{number}. Wie heißt das Mädchen?", "answer": "Zoë, natürlich."} for number in range(3)]


def written(folder: Path, text: str, encoding: str, name: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def as_text(name: str, rows: list[dict[str, str]]) -> str:
    if name.endswith(".csv"):
        return "question,answer\n" + "".join(f'"{row["question"]}","{row["answer"]}"\n' for row in rows)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    return f"[{','.join(lines)}]" if name.endswith(".json") else "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_by_its_mark_and_western_text_without(tmp_path: Path, name: str, encoding: str) -> None:
    table = read_file(written(tmp_path, as_text(name, ROWS), encoding, name))
    assert table.frame.to_dicts() == ROWS
    told = [f"{name} was read as {encoding.upper()}: it is not UTF-8."] if encoding[-2:] in ("le", "be") else []
    assert list(table.notes) == told


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_a_mark_of_utf16_before_text_without_one_is_obeyed(tmp_path: Path, mark: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(mark + as_text("a.jsonl", ROWS).encode("utf-16-le" if mark[0] == 0xFF else "utf-16-be"))
    assert read_file(path).frame.to_dicts() == ROWS


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "gb2312"])
def test_chinese_beyond_doubt_is_read_and_told(tmp_path: Path, name: str, encoding: str) -> None:
    rows = [{"question": f"{number}{CHINESE}", "answer": "一共有五个苹果。"} for number in range(3)]
    table = read_file(written(tmp_path, as_text(name, rows), encoding, name))
    assert table.frame.to_dicts() == rows
    assert table.notes == (f"{name} was read as GB18030: it is not UTF-8.",)


KOREAN = "철수는 사과를 세 개 가지고 있고 두 개를 더 샀습니다. 모두 몇 개의 사과를 가지고 있습니까? 답을 말해 주세요."
JAPANESE = "太郎はりんごを三つ持っていて、さらに二つ買いました。全部でいくつのりんごを持っていますか。答えてください。"
TRADITIONAL = "小明買了三個蘋果。之後又買了兩個。請問他一共有多少個蘋果呢。這是一個簡單的加法問題。我們來看一看。"
RUSSIAN = "Катя имеет три яблока, и она купила ещё два. Сколько яблок она имеет теперь? Ответ: пять яблок."
GERMAN = "Wie viele Äpfel hat das Mädchen, wenn es drei kauft und zwei für die Mutter übrig lässt? Es ist einer. " * 2
FRENCH = "Combien de pommes a la fille, si elle en achète trois et en donne deux à sa mère ? Une, c\u2019est évident. "
SPANISH = "¿Cuántas manzanas tiene la niña si compra tres y le da dos a su mamá en el camino? La niña tiene una. " * 2
POLISH = "Ile jabłek ma dziewczynka, jeśli kupi trzy i dwa odda mamie na drodze do domu? To jest jedno, nie więcej. "
CZECH = "Kolik jablek má dívka, když na trhu koupí tři a dvě dá po cestě domů své matce? To je jedno, ne víc. " * 2
ENGLISH = (
    "How many cafés are in the town, if it had three and two closed in the winter? It\u2019s one, as the naïve say. "
)


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        (GERMAN, "windows-1252", "Windows-1252"),
        (FRENCH * 2, "windows-1252", "Windows-1252"),
        (SPANISH, "latin-1", "Windows-1252"),
        (ENGLISH * 2, "windows-1252", "Windows-1252"),
        (POLISH * 2, "windows-1250", "Windows-1250"),
        (CZECH, "windows-1250", "Windows-1250"),
        (RUSSIAN, "windows-1251", "Windows-1251"),
        (KOREAN * 3, "euc_kr", "EUC-KR"),
        (JAPANESE * 3, "shift_jis", "Shift-JIS"),
        (TRADITIONAL * 3, "big5", "BIG5"),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_what_is_beyond_doubt_by_its_words_and_letters_is_read_and_told(
    tmp_path: Path, text: str, encoding: str, told: str, name: str
) -> None:
    rows = [{"question": "plain", "answer": "plain"}, {"question": text, "answer": text}]
    table = read_file(written(tmp_path, as_text(name, rows), encoding, name))
    assert table.frame.to_dicts() == rows
    assert table.notes == (f"{name} was read as {told}: it is not UTF-8.",)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp850"),
        (GERMAN, "mac_roman"),
        (FRENCH * 2, "mac_roman"),
        (POLISH * 2, "iso-8859-2"),
        (CZECH, "iso-8859-2"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (f"{GERMAN} {POLISH}", "iso-8859-16"),
    ],
)
def test_what_would_be_read_wrong_is_never_read(tmp_path: Path, text: str, encoding: str) -> None:
    rows = [{"question": text, "answer": text}]
    with pytest.raises(UserError, match="is not UTF-8"):
        read_file(written(tmp_path, as_text("a.csv", rows), encoding, "a.csv"))


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        ("Wie heißt das Mädchen? Zoë, natürlich.", "windows-1252", "in windows-1252"),
        ("Le café est fermé à Noël, hélas; c'est très gênant.", "latin-1", "windows-1252"),
        ("Zażółć gęślą jaźń i przyjdź jutro.", "windows-1250", "in windows-1250"),
        ("Катя имеет яблоко.", "windows-1251", "in windows-1251"),
        ("사과를 샀습니다.", "euc_kr", "in euc_kr"),
        ("りんごを三つ持っていて。", "shift_jis", "in shift_jis"),
        ("小明買了三個蘋果。", "big5", "in big5"),
        ("小明买苹果", "gbk", "in gb18030"),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_other_encodings_are_refused_with_what_the_line_would_read(
    tmp_path: Path, text: str, encoding: str, shown: str, name: str
) -> None:
    rows = [{"question": "plain", "answer": "plain"}, {"question": text, "answer": text}]
    with pytest.raises(
        UserError, match=rf"a\.\w+, line {'3' if 'csv' in name else '2'}: byte .* is not UTF-8"
    ) as caught:
        read_file(written(tmp_path, as_text(name, rows), encoding, name))
    reading = next(line for line in caught.value.message.splitlines() if shown in line)
    assert text[:9] in reading
    assert f"iconv -f ENCODING -t UTF-8 {name}" in caught.value.hint


def test_what_is_no_text_at_all_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(bytes([0x80, 0x81, 0xFF, 0xFE, 0x90, 0x98] * 30))
    with pytest.raises(UserError, match="Nor is it any other encoding"):
        read_file(path)


def test_a_mark_that_lies_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xff\xfe{\x00}\x00x")
    with pytest.raises(UserError, match="begins like utf-16"):
        read_file(path)
