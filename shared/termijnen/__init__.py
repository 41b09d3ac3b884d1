# SPDX-License-Identifier: EUPL-1.2
"""The clocks: `kalender`, `regels` and `klok` are pure; `waak` is the shell that stores and fires them."""
