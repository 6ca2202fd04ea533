"""English words that say how a sentence is built and not what it is about.

Few on purpose: long lists, made for search engines, drop "bill", "index" and "page" as well.
"""

_WORDS = """
a about above across after again against all almost along already also although always am among an
and another any anyone anything anywhere are around as at be became because been before behind being
below beneath beside between beyond both but by can cannot could did do does done down during each
either else enough even ever every everyone everything everywhere except few first for from further
had has have he hence her here hers herself him himself his how however i if in indeed into is it
its itself last least less many may me meanwhile might mine more moreover most much must my myself
neither never next no nobody none nor not nothing now nowhere of off often on once one only onto or
other others otherwise our ours ourselves out over own per perhaps please rather same several she
should since so some somehow someone something sometimes somewhere still such than that the their
them themselves then there therefore these they this those though through thus to together too
toward towards two under until up upon us very via was we well were what whatever when where whereas
wherever whether which while who whoever whole whom whose why will with within without would yet you
your yours yourself yourselves
"""
STOP_WORDS = frozenset(_WORDS.split())
