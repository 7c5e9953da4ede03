# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark runner behind bench/run. METHOD.md says what it does and why.

contenders  who is compared
mounts      bringing a contender up and down
machine     what the machine is and whether it was quiet
speed       operations per second and CPU, workload by workload
costs       what a mount costs: time to mount, memory, idling
passthrough files that the kernel reads and writes by itself
growth      the path API as the number of inodes grows
report      medians, spreads, ratios, tables
cli         the command line
"""
