"""What questions, dates and amounts look like in German, French, Spanish, Italian and Portuguese.

Short tables, not grammars: what they do not tell stays open.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from ragqa.languages import ENGLISH
from ragqa.text.words import compiled

_SHARED_UNITS = "bytes bits kb mb gb tb kib mib gib ms s min h mm cm m km mg g kg w kw"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a language by which questions and their short answers are told.

    `kinds` maps a kind of question to a pattern for its beginning; a comparison may have it
    anywhere. `article` may stand before what is defined. `numbers` are those from two to twenty.
    `capitals` is whether a capital marks names alone.
    """

    kinds: Mapping[str, str]
    article: str
    months: str
    weekdays: str
    numbers: str
    units: str
    capitals: bool = True

    @property
    def measures(self) -> frozenset[str]:
        """The units of measurement, in lower case."""
        return frozenset(f"{self.units} {_SHARED_UNITS}".split())


WORDINGS: Mapping[str, Wording] = {
    "de": Wording(
        kinds={
            "comparison": r"unterschied\w*|unterscheide\w*|vs|versus|im vergleich|gegenüber",
            "why": "warum|weshalb|wieso|aus welchem grund",
            "how many": "wie ?viele?n?|wie (?:oft|lang|lange|groß|hoch|teuer|schnell|alt|weit"
            "|schwer)(?= (?:ist|sind|war|darf|dürfen|kann|können|muss|dauert|soll|sollte|werden))",
            "who": "wer (?:hat|haben|war|waren)|(?:von )?wem|wen|wessen",
            "when": "(?:seit |bis |ab )?wann|in welchem jahr|an welchem (?:tag|datum)",
            "where": "wo",
            "definition": "was (?:ist|sind|bedeutet|bedeuten|heißt)(?! zu )|was versteht man unter",
        },
        article="der|die|das|den|dem|ein|eine|einen|einem|einer",
        months="januar februar märz april mai juni juli august september oktober november dezember",
        weekdays="montag dienstag mittwoch donnerstag freitag samstag sonntag",
        numbers="zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn "
        "fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig",
        units="prozent sekunde sekunden minute minuten stunde stunden tag tage tagen woche wochen "
        "monat monate monaten jahr jahre jahren byte bit zeichen meter metern kilometer euro "
        "dollar grad",
        capitals=False,
    ),
    "fr": Wording(
        kinds={
            "comparison": r"différences?|diffèrent?|vs|versus|par rapport|comparé\w*",
            "why": "pourquoi|pour quelle raison",
            "how many": "combien|quelle est la (?:taille|durée|longueur|limite)|quel est le "
            "(?:nombre|prix|délai)",
            "who": "qui|à qui|par qui",
            "when": "quand|depuis quand|en quelle année|à quelle (?:date|heure)|quel jour",
            "where": "où|d'où",
            "definition": "qu'est-ce (?:que c'est que|qu'|que)|que (?:signifie|veut dire)"
            "|c'est quoi|définition (?:de |d')",
        },
        article="le|la|les|l'|un|une|des|du|de|d'",
        months="janvier février mars avril mai juin juillet août septembre octobre novembre "
        "décembre",
        weekdays="lundi mardi mercredi jeudi vendredi samedi dimanche",
        numbers="deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze "
        "seize dix-sept dix-huit dix-neuf vingt",
        units="seconde secondes minute minutes heure heures jour jours semaine semaines mois an "
        "ans année années octet octets ko mo go caractères mètre mètres euros dollars degrés",
    ),
    "es": Wording(
        kinds={
            "comparison": r"diferencias?|diferencian?|vs|versus|en comparación|comparad[oa]s?",
            "why": "por qué|por que|a qué se debe",
            "how many": r"(?:en |de |a )?cu[áa]nt[oa]s?|qué (?:tamaño|cantidad|número)",
            "who": "(?:a |de |por |con )?qui[ée]n(?:es)?",
            "when": "(?:desde |hasta )?cu[áa]ndo|(?:en |a )?qué (?:año|fecha|día|hora)",
            "where": "(?:a |de |en )?d[óo]nde",
            "definition": "qu[ée] (?:es|son|significa|quiere decir)|definición de",
        },
        article="el|la|los|las|un|una|unos|unas",
        months="enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
        "diciembre",
        weekdays="lunes martes miércoles jueves viernes sábado domingo",
        numbers="dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
        "dieciséis diecisiete dieciocho diecinueve veinte",
        units="segundo segundos minuto minutos hora horas día días semana semanas mes meses año "
        "años caracteres metro metros kilómetros euros dólares grados",
    ),
    "it": Wording(
        kinds={
            "comparison": r"differenz[ae]|differiscono|vs|versus|rispetto a|confronto",
            "why": "perché|perche|per quale motivo",
            "how many": r"(?:in |di |da |a )?quant[oaie]|qual è (?:il numero|il limite)",
            "who": "(?:a |di |da |con )?chi",
            "when": "(?:da |fino a )?quando|in (?:che|quale) anno|in (?:che|quale) data",
            "where": "(?:da )?dove|dov'è",
            "definition": "(?:che )?cosa (?:è|sono|significa)|cos'è|che cos'è|definizione di",
        },
        article="il|lo|la|i|gli|le|l'|un|uno|una|un'",
        months="gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre "
        "novembre dicembre",
        weekdays="lunedì martedì mercoledì giovedì venerdì sabato domenica",
        numbers="due tre quattro cinque sei sette otto nove dieci undici dodici tredici "
        "quattordici quindici sedici diciassette diciotto diciannove venti",
        units="secondo secondi minuto minuti ora ore giorno giorni settimana settimane mese mesi "
        "anno anni caratteri metro metri chilometri euro dollari gradi",
    ),
    "pt": Wording(
        kinds={
            "comparison": r"diferenças?|diferem|vs|versus|em comparação|comparad[oa]s?",
            "why": "por que|por quê|porque|porquê",
            "how many": r"(?:em |de |a )?quant[oa]s?|qual (?:é )?o (?:tamanho|número|limite)",
            "who": "(?:a |de |por |com )?quem",
            "when": "(?:desde |até )?quando|em que (?:ano|data|dia)",
            "where": "(?:a|de )?onde",
            "definition": "o que (?:é|são|significa)|definição de",
        },
        article="o|a|os|as|um|uma|uns|umas",
        months="janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
        "dezembro",
        weekdays="segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
        numbers="dois três quatro cinco seis sete oito nove dez onze doze treze quatorze quinze "
        "dezesseis dezessete dezoito dezenove vinte",
        units="segundo segundos minuto minutos hora horas dia dias semana semanas mês meses ano "
        "anos caracteres metro metros quilômetros euros dólares graus",
    ),
}
"""By language."""

_ANYWHERE = "comparison"
_GROUPED = r"(?<![\w.,])\d{1,3}(?:[.\u00a0\u202f ]\d{3})+(?:,\d+)?(?![.,]?\d)"
_DECIMAL = r"(?<![\w.,])\d+,\d+(?![.,]?\d)"
_SWAPPED = str.maketrans(".\u00a0\u202f ,", ",,,,.")


def asked_kind(clauses: list[str], language: str) -> tuple[str, str]:
    """The kind of question that clauses in lower case ask, and what follows its words.

    Both are "" where the table of the language tells none.
    """
    kinds = WORDINGS[language].kinds if language in WORDINGS else {}
    for clause in clauses:
        for kind, pattern in kinds.items():
            place = r"\b" if kind == _ANYWHERE else r"^(?:\w{1,5} )??"
            found = compiled(rf"{place}(?:{pattern})(?:(?<=')|(?!\w))").search(clause)
            if found:
                return kind, clause[found.end() :].strip()
    return "", ""


def capitals_mark_names(language: str) -> bool:
    """Whether a word with a capital within a sentence is a name: not in German, say."""
    return language == ENGLISH or (language in WORDINGS and WORDINGS[language].capitals)


@cache
def months_of(language: str) -> Mapping[str, int]:
    """The number of each month by its name in lower case."""
    return dict(_numbered(WORDINGS[language].months if language in WORDINGS else ""))


def _numbered(listed: str) -> Iterator[tuple[str, int]]:
    yield from ((name, n) for n, name in enumerate(listed.split(), start=1))


def with_points(text: str, language: str) -> str:
    """The text with "1.234,5" and "1 234,5" as "1,234.5" where its language writes them so."""
    if language not in WORDINGS:
        return text
    for pattern in (_GROUPED, _DECIMAL):
        text = compiled(pattern).sub(lambda found: found[0].translate(_SWAPPED), text)
    return text
