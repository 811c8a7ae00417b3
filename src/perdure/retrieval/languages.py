"""The language of a text, told by its commonest words.

A language here is one that there is a stemmer for. English is taken where nothing tells: its
stemmer leaves words alone that are not in ASCII.
"""

# ruff: noqa: RUF001 # other scripts are meant

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from perdure.retrieval import words

DEFAULT = "english"

# As `words.tokens` makes them: without case and accents. Words that languages share tell little,
# and the others decide.
_COMMON = MappingProxyType(
    {
        "english": "the of and to in is that for it with as are this be on not "
        "by or from which have",
        "german": "der die das und ist nicht mit den von zu ein eine auf fur "
        "dem des sich auch werden im",
        "french": "le la les des et est une dans pour que qui pas sur au avec du ce par sont plus",
        "spanish": "el la los las en que es un una por con del para se no su al como son",
        "portuguese": "os as em que um uma para com nao do da dos das no na ao por sao mais",
        "italian": "il lo gli della di che un una per non con del sono nel alla dei si le piu",
        "dutch": "de het een van en is dat niet op te zijn met voor aan ook door er bij wordt naar",
        "danish": "og det er en af til pa som den ikke med de et har for kan ved fra blev hvor",
        "norwegian": "og det er en av til pa som den ikke med de et har for kan ved fra ble etter",
        "swedish": "och det ar en av till pa som den inte med att ett har for "
        "kan vid fran eller om",
        "finnish": "ja on ei se etta oli han mutta ovat tai myos joka kun kuin "
        "mika niin olla sen voi",
        "hungarian": "az es nem hogy is egy volt meg de ha csak vagy ez mint van "
        "kell ezt azt minden",
        "romanian": "si in la de nu este care pe cu din pentru un mai sunt sa ca prin fi au",
        "turkish": "ve bir bu da de ile icin olarak cok daha en gibi olan her "
        "ne kadar sonra ise var",
        "polish": "nie na sie do jest to ze jak po ale od za przez dla oraz czy przy",
        "czech": "se na je ze do to pro jako by ale po jsou nebo pri jeho",
        "russian": "и в не на что с по как это для из от или к его при за так но быть",
        "greek": "και το να του η της με για που την από στο δεν ειναι τα οι στην ο των σε",
        "arabic": "في من على إلى أن هذا التي عن مع هذه الذي لا ما كان أو هو هي بين كل قد",
        "hindi": "के है में की और से को का यह पर एक नहीं लिए हैं इस भी ने या जो था",
    }
)
# So many of these words at least, and one in so many of all.
_LEAST = 3
_PART = 20


def detect(counts: Mapping[str, int]) -> str | None:
    """Returns the language of a text by how often it has each word; None where nothing tells."""
    known = _known()
    found = dict.fromkeys(_COMMON, 0)
    for word in known.keys() & counts.keys():
        for language in known[word]:
            found[language] += counts[word]
    # Of equals the first one.
    best = max(found, key=found.__getitem__)
    least = max(_LEAST, sum(counts.values()) / _PART)
    return best if found[best] >= least else None


def of_all(texts: Iterable[Mapping[str, int]]) -> list[str]:
    """Returns the language of each of several texts that belong together: one that tells nothing
    has that of most others.
    """
    found = [detect(counts) for counts in texts]
    told = [language for language in found if language is not None]
    most = max(told, key=told.count) if told else DEFAULT
    return [language or most for language in found]


@cache
def _known() -> dict[str, list[str]]:
    """The languages that each common word is of."""
    known: dict[str, list[str]] = {}
    for language, common in _COMMON.items():
        for word in words.tokens(common):
            known.setdefault(word, []).append(language)
    return known
