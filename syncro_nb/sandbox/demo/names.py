"""More invented customers than the cast has, for pools of one kind and for larger sizes."""

from __future__ import annotations

from random import Random
from typing import Any

from .cast import BUSINESSES, TECHNICIANS, TOWNS, Business, Technician

_FIRST = (
    *("Amber", "Bramble", "Cinder", "Dapple", "Elder", "Fennel", "Gantry", "Hazel", "Indigo", "Juniper", "Kestrel"),
    *("Lantern", "Marten", "Nettle", "Osprey", "Pebble", "Quartz", "Rowan", "Sorrel", "Thistle", "Umber", "Violet"),
    *("Willow", "Yarrow", "Zephyr", "Bellow", "Coble", "Drift", "Ember", "Flint", "Grouse", "Heron", "Ivory", "Jasper"),
)
_SECOND = (
    *("Acre", "Bend", "Cross", "Dale", "End", "Ford", "Gate", "Hill", "Isle", "Junction", "Knoll", "Landing", "Mill"),
    *("Nook", "Orchard", "Point", "Quay", "Ridge", "Street", "Tower", "Vale", "Wharf", "Yard", "Bridge", "Corner"),
)
_TRADES = (
    *("Pharmacy", "Pottery", "Cabinetry", "Press", "Marina", "Roofing", "Dance School", "Climbing Gym", "Florist"),
    *("Charter", "Nursery", "Plumbing", "Optometry", "Brewing", "Catering", "Realty", "Upholstery", "Tax Service"),
    *("Printing", "Physiotherapy", "Auto Body", "Insurance", "Tile Works", "Kennels", "Bicycles", "Glazing", "Timber"),
)
_GIVEN = (
    *("Ada", "Boris", "Carla", "Desmond", "Elsa", "Farid", "Greta", "Hugo", "Ilse", "Jamal", "Karin", "Leon", "Mona"),
    *("Nils", "Olga", "Pedro", "Quinn", "Rosa", "Sven", "Tara", "Ugo", "Vera", "Wim", "Xenia", "Yusuf", "Zoe"),
)
_FAMILY = (
    *("Abbott", "Barros", "Castell", "Dunmore", "Eklund", "Faber", "Grieve", "Halloran", "Ibsen", "Jansson", "Keller"),
    *("Lomax", "Mbeki", "Norling", "Ostrander", "Pascoe", "Quist", "Renner", "Salazar", "Thorne", "Ueda", "Varga"),
    *("Whitcomb", "Yamada", "Zeller"),
)


class Names:
    """Gives out customers whose names were not there before."""

    def __init__(self, seed: int) -> None:
        self._seed, self._rng = seed, Random(f"{seed}/names")
        self._taken = {one.name for one in BUSINESSES}
        self._domains = {one.domain for one in BUSINESSES}

    def business(self, **values: Any) -> Business:
        """A customer of the given kind, everything else invented."""
        name, domain = self._fresh()
        people = tuple(dict.fromkeys(self.person() for _ in range(self._rng.randint(2, 3))))
        street = (
            f"{self._rng.randint(2, 980)} {self._rng.choice(_FIRST)} {self._rng.choice(('Street', 'Lane', 'Road'))}"
        )
        given = {"share": 0, "since_months": self._rng.randint(8, 60), **values}
        return Business(name, people, domain, street, self._rng.choice(TOWNS), **given)

    def person(self) -> str:
        """First and last name."""
        return f"{self._rng.choice(_GIVEN)} {self._rng.choice(_FAMILY)}"

    def technicians(self, count: int) -> list[Technician]:
        """Colleagues, each with a name of its own."""
        rng, names = Random(f"{self._seed}/crew"), {one.name for one in TECHNICIANS}
        crew: list[Technician] = []
        while len(crew) < count:
            name = f"{rng.choice(_GIVEN)} {rng.choice(_FAMILY)}"
            if name not in names:
                names.add(name)
                mail = f"{name.lower().replace(' ', '.')}@desk.example.com"
                color, late = f"{rng.randrange(0x1000000):06x}", rng.choice((5, 15, 40))
                crew.append(Technician(name, mail, "Technicians", color, name.split()[0], late, 4))
        return crew

    def _fresh(self) -> tuple[str, str]:
        while True:
            first, second, trade = (self._rng.choice(words) for words in (_FIRST, _SECOND, _TRADES))
            name, domain = f"{first} {second} {trade}", f"{first}{second}{trade.split()[0]}".lower()
            if name not in self._taken and domain not in self._domains:
                self._taken.add(name)
                self._domains.add(domain)
                return name, domain
