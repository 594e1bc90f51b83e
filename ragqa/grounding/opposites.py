"""Words that say the opposite of each other, for sentences that say one thing in other words."""

from collections.abc import Mapping

from ragqa.answering.disagreement.wording import OPPOSITES as PLAIN
from ragqa.answering.disagreement.wording import stem

_OPPOSITES = """
    more most|less least fewer fewest
    high higher highest|low lower lowest
    upper|lower
    increase increases increased increasing rise rises rose risen raise raises raised raising grow
        grows grew climb climbs climbed boost boosts boosted gain gains gained inflate inflates up
        |decrease decreases decreased decreasing fall falls fell fallen falling lower lowers lowered
        reduce reduces reduced reducing shrink shrinks shrank drop drops dropped cut cuts decline
        declines declined down
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
    easy easier easily simple simpler|hard harder difficult complex
    strong stronger strongly|weak weaker weakly
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
    buy buys bought|sell sells sold
    send sends sent|receive receives received
"""


def words(listed: str) -> frozenset[str]:
    """The words of a list with white space between them."""
    return frozenset(listed.split())


def _pairs() -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    lines = _OPPOSITES.replace("\n        ", " ").strip().splitlines()
    for line in lines:
        one, other = (words(side) for side in line.split("|"))
        for these, others in ((one, other), (other, one)):
            for word in these:
                found[word] = found.get(word, frozenset()) | others
    return found


OPPOSITES: Mapping[str, frozenset[str]] = _pairs()
"""A word to those that say the opposite."""

_PREFIXES = ("un", "in", "im", "non", "dis", "ir")
_SHORTEST = 4


def opposite(one: str, other: str) -> bool:
    """Whether two words in lower case say the opposite of each other."""
    if other in OPPOSITES.get(one, ()):
        return True
    first, second = stem(one), stem(other)
    long = min(len(first), len(second)) >= _SHORTEST
    return long and any(first == p + second or second == p + first for p in _PREFIXES)


def plainly_opposite(one: str, other: str) -> bool:
    """Whether of two words only one can hold, whatever they are said of."""
    pair, side = PLAIN.get(one, (-1, 0))
    other_pair, other_side = PLAIN.get(other, (-2, 0))
    return pair == other_pair and side != other_side
