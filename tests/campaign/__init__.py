"""The proof of the write path: the real workspace, runner, journal and transport against the sandbox, under every fault.

`world` is one desk on which everything can go wrong, `scenarios` what is planned and what must then be true on the server,
`faults` what goes wrong and when, `drive` the careful user and the person who is asked, `invariants` what must hold whatever
happened, `matrix` the cases, `run` the campaign with its figures (`make campaign`).
"""
