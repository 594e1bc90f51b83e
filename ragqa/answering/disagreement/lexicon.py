"""Synonyms, opposites and contrasts, to tell whether two sentences are about the same thing."""

from collections.abc import Iterable, Mapping
from functools import cache

from ragqa.text.words import index_terms


@cache
def stem(word: str) -> str:
    """The index term of a word."""
    terms = index_terms(word)
    return terms[-1] if terms else ""


def _groups(text: str) -> list[list[str]]:
    return [[stem(word) for word in line.split()] for line in text.strip().splitlines()]


def _canonical(groups: Iterable[list[str]]) -> dict[str, str]:
    return {word: group[0] for group in groups for word in group}


_SYNONYMS = """
    keep kept retain retained retention store stored hold held
    start started begin began begins begun open opens opened launch launched
    end ended ends finish finished expire expires expiry until
    limit limited cap capped
    maximum max
    minimum min
    cost costs price priced pay paid
    deploy deployed deployment release released ship shipped came
    need needs needed require requires required necessary
    evaluation eval
    memory ram
    database databases db
    use used uses using
    rotate rotated rotation
    fine-tune finetune fine-tuning
    publish published appear appeared
    support supported supports
    run ran running
    delete deleted remove removed
    config configuration configure configured
    repository repo
    documentation docs
    application app
    buy bought purchase purchased
    mean average avg
    participants subjects
    write wrote written
    request requests req reqs
    people persons person
"""
CANONICAL: Mapping[str, str] = _canonical(_groups(_SYNONYMS))
"""Maps a stem to the first of its synonyms."""

_GENERIC = """
    one use set get take give make need keep cost run go put have has let say said
    best better good
    default new currently current now today usually always already also ever yet still just only
    per each every about around roughly approximately up most least limit maximum minimum length
    time times value number amount total size rate long many much often big large small
    please note see actual actually always exactly
    allow allowed recommend recommended
    find file return paid said want like well even way thing anything any anymore longer
    client clients user users customer customers everyone everybody someone
    way period reach total happen day date hour minute second week month year deadline
    daily weekly monthly yearly annually hourly
    consist consists contain contains comprise comprises include includes accept accepts measure
    measures measured last lasts lasted seat seats recruit recruited weigh weighs cover covers span
    amount amounts equal equals become becomes remain remains stay stays offer offers provide
    provides handle handles valid
    early late beginning middle end all whole
"""
GENERIC = frozenset(CANONICAL.get(word, word) for line in _groups(_GENERIC) for word in line)
"""Stems that do not tell what a sentence is about."""

GENRES = frozenset(
    word
    for line in _groups("""
    report timeline overview status faq runbook note notes guide log plan review checklist meeting
    summary introduction intro draft cheatsheet handbook wiki page list table details detail tips
    basics reference docs documentation questions answers ideas todo inbox diary journal sync
    catalogue catalog archive archived old older new copy
    reading read results misc general background about retrospective retro planning
    history update updates
    """)
    for word in line
)
"""Stems in which the headings of two notes on one subject may differ."""

_CONTRASTS = """
    min minimum least lower lowest|max maximum most upper highest
    input inputs prompt read reads|output outputs completion write writes
    small smaller smallest tiny|medium|large larger largest big
    staging|production prod live|development dev|testing qa
    train training|validation dev|test held-out
    before without|after with
    first|second|third|fourth|last
    free|pro|team|enterprise|standard|basic|premium
    weekday weekdays|weekend weekends saturday sunday
    mean average|median|total
    start starts begin|end ends
    old previous|new
    left|right
    front|rear back
    inside indoor indoors|outside outdoor outdoors
    cpu|gpu|tpu
    monthly month|yearly annual annually year|daily day|weekly week|hourly hour
    morning|afternoon|evening|night
    client|server
    local|remote
    precision|recall|accuracy|f1
    each apiece|all altogether
    plus excluding|including
    written|oral
    male men man boys|female women woman girls
    higher high|lower low
    more|less fewer
    up within below under|beyond above over past
    hot warm|cold
    summer|winter|spring|autumn
    encoder|decoder
    upload uploads|download downloads
    linux|windows|macos
    wholesale|retail
    gross|net
    guests|staff members
    own|rent
    parent|child
    primary|secondary|replica standby
    buy|sell
    teacher|student
"""
CONTRASTS: tuple[tuple[frozenset[str], ...], ...] = tuple(
    tuple(frozenset(stem(word) for word in side.split()) for side in line.split("|"))
    for line in _CONTRASTS.strip().splitlines()
)
"""Sets of qualifiers: sentences with different ones are about different things."""

_OPPOSITES = """
    enabled enable enables|disabled disable disables
    synchronous synchronously|asynchronous asynchronously
    required mandatory compulsory|optional
    increase increases increased rose rises grew|decrease decreases decreased fell falls dropped
    raised raises|lowered lowers reduced reduces
    improved improves|worsened worsens degraded degrades
    public publicly|private
    passed passes pass succeeded succeeds|failed fails fail
    open|closed
    automatic automatically automated|manual manually
    allowed permitted|forbidden prohibited banned disallowed
    accepted approved|rejected declined
    true|false
    safe|dangerous
    present|absent
    possible|impossible
    legal|illegal
    compatible|incompatible
    correct|wrong incorrect
    mutable|immutable
    deterministic|nondeterministic random
    stateful|stateless
    internal|external
    on|off
"""
OPPOSITES: Mapping[str, tuple[int, int]] = {
    word: (pair, side)
    for pair, line in enumerate(_OPPOSITES.strip().splitlines())
    for side, words in enumerate(line.split("|"))
    for word in words.split()
}
"""Maps a word as written to the number of its pair and its side."""

SWITCHES = frozenset({"turned", "switched", "turn", "switch", "toggled", "is", "was", "be"})
"""Words after which "on" and "off" are opposites."""

LABELS = frozenset(
    word
    for line in """
    version step chapter part phase section table figure issue request pr ticket release run room
    level stage option appendix lecture lesson module unit exercise question problem example bug
    layer sprint iteration experiment trial test case rule day week rev revision milestone
    generation gen volume vol series episode season item no number nr
    """.splitlines()
    for word in line.split()
)
"""Words that make the number after them a name."""

NEGATORS = frozenset(
    {"not", "no", "never", "cannot", "neither", "nor", "none", "without", "hardly", "nobody"}
)
"""Words that negate a sentence, as does `n't`."""

FILLERS = frozenset({"longer", "anymore", "any", "yet", "ever"})
"""Words that may stand between a negation and the negated word."""

CONDITIONS = frozenset(
    {"if", "unless", "when", "whenever", "except", "once", "after", "before", "while", "but"}
)
"""Words that begin a condition or a contrast."""


def canonical(word: str) -> str:
    """The canonical stem of a word and its synonyms."""
    found = stem(word)
    return CANONICAL.get(found, found)


def contrasted(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two have different qualifiers of the same set."""
    for sides in CONTRASTS:
        first = {n for n, words in enumerate(sides) if words & one}
        second = {n for n, words in enumerate(sides) if words & other}
        if first and second and first.isdisjoint(second):
            return True
    return False


NAMES = frozenset({"US", "IT", "WHO", "GET", "PUT", "SET", "Go"})
"""Words that are names when written this way, and stop words otherwise."""

RESTRICTING = frozenset({"for", "in", "on", "at", "with", "during", "under", "among", "only"})
"""Words that restrict a statement to the word after them."""
