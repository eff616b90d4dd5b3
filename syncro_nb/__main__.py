"""`python -m syncro_nb`: the same as `syncro`."""

from .cli import main

raise SystemExit(main())
