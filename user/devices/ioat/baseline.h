/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOAT_BASELINE_H
#define IOAT_BASELINE_H

int ioat_copy_baseline(const char *blocks);

#endif
