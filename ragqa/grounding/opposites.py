"""Antonyms, for comparing a sentence with a paraphrase."""

from collections.abc import Mapping

from ragqa.answering.disagreement.lexicon import stem

_OPPOSITES = """
    more most|less least fewer fewest
    high higher highest|low lower lowest
    upper|lower
    increase increases increased increasing rise rises rose risen raise raises raised raising grow
        grows grew climb climbs climbed boost boosts boosted gain gains gained inflate inflates up
        enlarge enlarges enlarged lift lifts lifted add adds added lengthen lengthens upward
        |decrease decreases decreased decreasing fall falls fell fallen falling lower lowers lowered
        reduce reduces reduced reducing shrink shrinks shrank drop drops dropped cut cuts decline
        declines declined down lessen lessens downward
    good better best improve improves improved improving improvement help helps helped benefit
        benefits|bad worse worst worsen worsens degrade degrades degraded hurt hurts harm harms
    big bigger biggest large larger largest|small smaller smallest tiny
    long longer longest|short shorter shortest
    fast faster fastest quick quickly quicker|slow slower slowest slowly
    cheap cheaper cheapest inexpensive|expensive costly pricier dearer
    always every everything|never none nothing
    all every each entire|some few certain part
    with including include includes contain contains|without excluding exclude excludes lack lacks
        omit omits omitted
    same identical equal alike|different distinct differ differs unlike
    keep keeps kept retain retains preserve preserves save saves return returns|discard discards
        throw drop drops delete deletes remove removes lose loses lost erase erases
    allow allows allowed permit permits permitted let lets enable enables|forbid forbids forbidden
        prohibit prohibits prevent prevents disallow block blocks ban bans banned
    accept accepts accepted|reject rejects rejected refuse refuses refused decline
    easy easier easily simple simpler simplify simplifies|hard harder difficult complex complicate
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
    open|closed
    public|private
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
    better|worse
    advantage advantages|disadvantage disadvantages drawback drawbacks
    buy buys bought|sell sells sold
    send sends sent|receive receives received
"""


def word_set(listed: str) -> frozenset[str]:
    """The words of a list separated by white space."""
    return frozenset(listed.split())


def _pairs() -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    lines = _OPPOSITES.replace("\n        ", " ").strip().splitlines()
    for line in lines:
        one, other = (word_set(side) for side in line.split("|"))
        for these, others in ((one, other), (other, one)):
            for word in these:
                found[word] = found.get(word, frozenset()) | others
    return found


OPPOSITES: Mapping[str, frozenset[str]] = _pairs()
"""Maps a word to its opposites."""

AMBIGUOUS = word_set(
    "with without up down least never always every all each over above below under within also "
    "too only both before after can cannot nothing none cut"
)
"""Words with too many uses for an opposite in another sentence to mean anything."""

IMPLICIT_NEGATIONS = word_set(
    "less fewer little few fail fails failed failing unable lose loses lost losing wrong only "
    "alone avoid avoids avoided prevent prevents prevented miss misses missed exclude excludes "
    "excluded stop stops stopped reject rejects rejected refuse refuses refused forbid forbids "
    "forbidden impossible incorrect dispute disputes disputed unlike limit limits limited except "
    "skip skips skipped drop drops dropped omit omits omitted otherwise different differ differs "
    "solely remove removes removed leave leaves free mask masked rule rules ruled before"
)
"""Words with a negative meaning: they can match a negation, but need none in return."""

_PREFIXES = ("un", "in", "im", "non", "dis", "ir")
_MIN_CHARS = 4
_MIN_NEGATED_CHARS = 6


def implies_negation(word: str) -> bool:
    """Whether a lower-case word is negative by itself, like "fails" or "unaffected"."""
    has_prefix = word.startswith("un") and not word.startswith(("und", "uni", "unt", "unl"))
    return word in IMPLICIT_NEGATIONS or (has_prefix and len(word) > _MIN_NEGATED_CHARS)


def are_opposites(one: str, other: str) -> bool:
    """Whether two lower-case words are opposites."""
    if other in OPPOSITES.get(one, ()):
        return True
    first, second = stem(one), stem(other)
    long = min(len(first), len(second)) >= _MIN_CHARS
    return long and any(first == p + second or second == p + first for p in _PREFIXES)
