/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOAT_BASELINE_H
#define IOAT_BASELINE_H

int ioat_baseline_run(const char *blocks);

#endif
