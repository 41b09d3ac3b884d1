# SPDX-License-Identifier: EUPL-1.2
"""Years of work for the COID's advisers, played without broker or database: `./meldpunt bench planning`."""
