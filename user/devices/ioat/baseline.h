/* SPDX-License-Identifier: GPL-2.0 */
/* The time of a copy without a device. */
#ifndef IOAT_BASELINE_H
#define IOAT_BASELINE_H

int ioat_baseline_run(const char *blocks);

#endif
