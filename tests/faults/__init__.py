"""What goes wrong outside, tried on purpose: kills, full disks, damaged files, hostile programs, requests, pages.

Each kind of attempt is a group, a module in `groups/`. Its first attempts run with the other tests; all of them with
`make faults`, which prints a line for each group, and writes docs/reliability.md.
"""
