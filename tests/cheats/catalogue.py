"""All cheats, each under its own name."""

from __future__ import annotations

from tests.cheats import (
    faking,
    harming,
    leaving,
    lying,
    patching,
    races,
    reading,
    retries,
    shipping,
    stores,
    traps,
    webhooks,
)
from tests.cheats.making import Cheat

CHEATS: tuple[Cheat, ...] = (
    *leaving.CHEATS,
    *lying.CHEATS,
    *patching.CHEATS,
    *reading.CHEATS,
    *shipping.CHEATS,
    *faking.CHEATS,
    *harming.CHEATS,
    *traps.CHEATS,
    *stores.CHEATS,
    *races.CHEATS,
    *retries.CHEATS,
    *webhooks.CHEATS,
)
