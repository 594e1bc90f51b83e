"""Words that tell whether two sentences are about the same thing."""

from ragqa.text.lexicon import canonical, stem
from ragqa.text.words import word_set

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
GENERIC = frozenset(map(canonical, _GENERIC.split()))
"""Stems that do not tell what a sentence is about."""

_GENRES = """
    report timeline overview status faq runbook note notes guide log plan review checklist meeting
    summary introduction intro draft cheatsheet handbook wiki page list table details detail tips
    basics reference docs documentation questions answers ideas todo inbox diary journal sync
    catalogue catalog archive archived old older new copy
    reading read results misc general background about retrospective retro planning
    history update updates
"""
GENRES = frozenset(map(stem, _GENRES.split()))
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
    tuple(frozenset(map(stem, side.split())) for side in line.split("|"))
    for line in _CONTRASTS.strip().splitlines()
)
"""Sets of qualifiers: sentences with different ones are about different things."""

LABELS = word_set("""
    version step chapter part phase section table figure issue request pr ticket release run room
    level stage option appendix lecture lesson module unit exercise question problem example bug
    layer sprint iteration experiment trial test case rule day week rev revision milestone
    generation gen volume vol series episode season item no number nr
""")
"""Words that make the number after them a name."""

FILLERS = word_set("longer anymore any yet ever")
"""Words that may stand between a negation and the negated word."""

CONDITIONS = word_set("if unless when whenever except once after before while but")
"""Words that begin a condition or a contrast."""

RESTRICTING = word_set("for in on at with during under among only")
"""Words that restrict a statement to the word after them."""


def contrasted(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two have different qualifiers of the same set."""
    for sides in CONTRASTS:
        first = {n for n, words in enumerate(sides) if words & one}
        second = {n for n, words in enumerate(sides) if words & other}
        if first and second and first.isdisjoint(second):
            return True
    return False
