"""Words with a meaning of their own: synonyms, opposites, negations, numbers, units, months."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache

from ragqa.text.words import index_terms, word_set


@cache
def stem(word: str) -> str:
    """The index term of a word."""
    terms = index_terms(word)
    return terms[-1] if terms else ""


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
CANONICAL: Mapping[str, str] = {
    stem(word): stem(line.split()[0])
    for line in _SYNONYMS.strip().splitlines()
    for word in line.split()
}
"""Maps a stem to the first of its synonyms."""


def canonical(word: str) -> str:
    """The canonical stem of a word and its synonyms."""
    found = stem(word)
    return CANONICAL.get(found, found)


NEGATORS = word_set("""
    not no never cannot neither nor none without hardly nobody nothing rarely seldom barely absent
    missing lack lacks lacking
""")
"""Words that negate a sentence, as does `n't`."""

IMPLICIT_NEGATIONS = word_set("""
    less fewer little few fail fails failed failing unable lose loses lost losing wrong only alone
    avoid avoids avoided prevent prevents prevented miss misses missed exclude excludes excluded
    stop stops stopped reject rejects rejected refuse refuses refused forbid forbids forbidden
    impossible incorrect dispute disputes disputed unlike limit limits limited except skip skips
    skipped drop drops dropped omit omits omitted otherwise different differ differs solely remove
    removes removed leave leaves free mask masked rule rules ruled before
""")
"""Words with a negative meaning: they can match a negation, but need none in return."""

_MIN_NEGATED_CHARS = 6


def implies_negation(word: str) -> bool:
    """Whether a lower-case word is negative by itself, like "fails" or "unaffected"."""
    has_prefix = word.startswith("un") and not word.startswith(("und", "uni", "unt", "unl"))
    return word in IMPLICIT_NEGATIONS or (has_prefix and len(word) > _MIN_NEGATED_CHARS)


_CLEAR_OPPOSITES = """
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
_OTHER_OPPOSITES = """
    more most|less least fewer fewest
    high higher highest|low lower lowest
    upper|lower
    increase increases increased increasing rise rises rose risen raise raises raised raising grow \
        grows grew climb climbs climbed boost boosts boosted gain gains gained inflate inflates up \
        enlarge enlarges enlarged lift lifts lifted add adds added lengthen lengthens upward \
        |decrease decreases decreased decreasing fall falls fell fallen falling lower lowers \
        lowered reduce reduces reduced reducing shrink shrinks shrank drop drops dropped cut cuts \
        decline declines declined down lessen lessens downward
    good better best improve improves improved improving improvement help helps helped benefit \
        benefits|bad worse worst worsen worsens degrade degrades degraded hurt hurts harm harms
    big bigger biggest large larger largest|small smaller smallest tiny
    long longer longest|short shorter shortest
    fast faster fastest quick quickly quicker|slow slower slowest slowly
    cheap cheaper cheapest inexpensive|expensive costly pricier dearer
    always every everything|never none nothing
    all every each entire|some few certain part
    with including include includes contain contains|without excluding exclude excludes lack lacks \
        omit omits omitted
    same identical equal alike|different distinct differ differs unlike
    keep keeps kept retain retains preserve preserves save saves return returns|discard discards \
        throw drop drops delete deletes remove removes lose loses lost erase erases
    allow allows allowed permit permits permitted let lets enable enables|forbid forbids forbidden \
        prohibit prohibits prevent prevents disallow block blocks ban bans banned
    accept accepts accepted|reject rejects rejected refuse refuses refused decline
    easy easier easily simple simpler simplify simplifies|hard harder difficult complex complicate \
        complicates
    strong stronger strongly|weak weaker weakly little slight slightly negligible
    strengthen strengthens strengthened|weaken weakens weakened
    jointly together|separately apart independently
    seen|unseen
    early earlier earliest|late later latest
    first|last
    before|after
    majority|minority
    exceed exceeds overtake overtakes outperform outperforms|trail trails
    possible able can|impossible unable cannot
    safe safer secure|unsafe dangerous risky insecure
    necessary required require requires need needs must mandatory|unnecessary optional
    sufficient enough suffices|insufficient
    success succeed succeeds succeeded pass passes passed|failure fail fails failed
    many often frequently usually common commonly most|few rarely seldom rare uncommon hardly
    only solely exclusively alone merely|also too besides both
    input inputs|output outputs
    add adds added adding|remove removes removed subtract
    true correct right accurate|false wrong incorrect inaccurate
    positive positives|negative negatives
    trusted|untrusted
    known|unknown
    static fixed constant unchanged|dynamic changing varying variable
    above over exceed exceeds beyond|below under beneath within
    maximum max most|minimum min least
    old older oldest|new newer newest
    sharpen sharpens|flatten flattens
    narrow narrows narrower|widen widens wide wider broad
    encode encodes encoder|decode decodes decoder
    reliable dependable trustworthy|unreliable
    useful helpful|useless
    likely|unlikely
    supported|unsupported
    relevant|irrelevant
    internal inside|external outside
    explicit explicitly|implicit implicitly
    manual manually hand|automatic automatically
    local|remote
    direct directly|indirect indirectly
    agree agrees agreement|disagree disagrees disagreement
    attract pull pulls toward|push pushes away
    justified worth worthwhile|unjustified
    catch catches caught detect detects detected find finds|miss misses missed overlook overlooks
    trail trails lag lags behind|lead leads ahead
    user users|assistant
    question questions query queries|document documents passage passages
    win wins won beat beats|lose loses lost
    advantage advantages|disadvantage disadvantages drawback drawbacks
    buy buys bought|sell sells sold
    send sends sent|receive receives received
"""


def _pairs(listed: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in listed.strip().splitlines():
        one, other = map(word_set, line.split("|"))
        for these, others in ((one, other), (other, one)):
            found.update((word, found.get(word, frozenset()) | others) for word in these)
    return found


CLEAR_OPPOSITES: Mapping[str, frozenset[str]] = _pairs(_CLEAR_OPPOSITES)
"""Maps a word to its opposites, where two sentences with them can hardly both be true."""

OPPOSITES: Mapping[str, frozenset[str]] = _pairs(_CLEAR_OPPOSITES.rstrip() + _OTHER_OPPOSITES)
"""Maps a word to its opposites in any of its uses, for comparing a sentence with a paraphrase."""


def are_opposites(one: str, other: str) -> bool:
    """Whether two lower-case words are opposites in some use."""
    return other in OPPOSITES.get(one, ())


_ONES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
"""
ONES = tuple(_ONES.split())
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
TENS = tuple(_TENS.split())
"""Number words, the first for 0 and for 20."""

SCALES = {
    "k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "bn": 9, "billion": 9, "t": 12,
    "trillion": 12,
}  # fmt: skip
"""Maps a word after a number to its power of ten."""

_SIZES = {
    "time": "ms 0.001 millisecond 0.001 s 1 sec 1 second 1 min 60 minute 60 h 3600 hr 3600 "
    "hour 3600 day 86400 week 604800 month 2629800 year 31557600",
    "bytes": "byte 1 kb 1e3 mb 1e6 gb 1e9 tb 1e12 kib 1024 mib 1048576 gib 1073741824",
    "distance": "mm 0.001 cm 0.01 m 1 metre 1 meter 1 km 1000 kilometre 1000 kilometer 1000 "
    "mile 1609",
    "weight": "mg 0.001 g 1 gram 1 kg 1000",
    "share": "% 1 percent 1",
    "$": "$ 1 dollar 1 usd 1",
    "€": "€ 1 euro 1 eur 1",
    "£": "£ 1 pound 1 gbp 1",
    "°c": "°c 1",
    "°f": "°f 1",
}


def _units() -> Iterator[tuple[str, tuple[str, Decimal]]]:
    for dimension, listed in _SIZES.items():
        words = listed.split()
        for name, size in zip(words[::2], words[1::2], strict=True):
            yield name, (dimension, Decimal(size))


UNITS: Mapping[str, tuple[str, Decimal]] = dict(_units())
"""Maps a unit to its dimension, and its size in base units."""

PERIODS = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year",
           "annually": "year", "hourly": "hour"}  # fmt: skip
"""Maps an adverb to the period of a rate."""

MONTHS = "january february march april may june july august september october november december"
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
