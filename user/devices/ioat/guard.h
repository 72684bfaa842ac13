/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Touching memory that a consumer gave: it can cut its file short at any time,
 * and a mapped page that lost its file raises SIGBUS.
 */
#ifndef IOAT_GUARD_H
#define IOAT_GUARD_H

#include <stddef.h>
#include <stdint.h>

int ioat_guard_init(void);
const void *ioat_guard_copy(void *dst, const void *src, size_t len);
const void *ioat_guard_store64(uint64_t *dst, uint64_t value);

#endif
