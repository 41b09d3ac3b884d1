# SPDX-License-Identifier: EUPL-1.2
"""The proof: what this system promises about anonymity, tried against the running system.

Each part is a module that tries to refute one promise and tells what it tried; `ops.bewijs.opdracht` runs
them and prints the report. A part that tried nothing has failed: a check that cannot fail proves nothing.
"""
