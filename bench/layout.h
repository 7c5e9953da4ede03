/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and numbers of the benchmark filesystem, for all who serve it. */
#ifndef PROFUSE_BENCH_LAYOUT_H
#define PROFUSE_BENCH_LAYOUT_H

#define LAYOUT_ROOT    1
#define LAYOUT_FILE    2
#define LAYOUT_DIR     3
#define LAYOUT_ENTRY0  1000 /* d/e00000 */
#define LAYOUT_ENTRIES 10000
#define LAYOUT_FILE0   1000000 /* t0 */
#define LAYOUT_FILES   1000
#define LAYOUT_SIZE    (1L << 30)

#endif
