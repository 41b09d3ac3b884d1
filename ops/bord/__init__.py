# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt termijnen --watch`: the board of clocks by urgency, services, queues and parked messages.

`bron` reads, `stand` is what was read, `beeld` draws it, `toetsen` knows the keys and `venster` where they
lead, `scherm` is the terminal. Of these only `bron` and `scherm` do anything; the board holds no lock, and
what it asks costs what it shows, however many clocks run.
"""
