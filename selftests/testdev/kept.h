/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A descriptor of a DMA_MAP that a hostile server keeps for itself, and all it
 * may try with it.  Functions return 0 or -errno.
 */
#ifndef TESTDEV_KEPT_H
#define TESTDEV_KEPT_H

#include <stddef.h>
#include <stdint.h>

/* Keeps a duplicate of @fd in place of what was kept before. */
void kept_set(int fd, uint64_t offset, uint64_t size);
/* Maps it; @prot as for mmap. */
int kept_map(int prot);
/* Reads or writes 8 bytes through that mapping; -EFAULT where it faults. */
int kept_peek(uint64_t off, uint64_t *value);
int kept_poke(uint64_t off, uint64_t value);
/* The same through the descriptor. */
int kept_pread(uint64_t off, uint64_t *value);
int kept_pwrite(uint64_t off, uint64_t value);
/* Opens it again for writing, by way of /proc, and maps that. */
int kept_reopen(void);
/* "offset size st_size st_blksize st_ino", as numbers. */
int kept_stat(char *text, size_t size);

#endif /* TESTDEV_KEPT_H */
