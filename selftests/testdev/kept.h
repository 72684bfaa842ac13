/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors of a DMA_MAP and of a SET_IRQS that a hostile server keeps, and the
 * accesses that such a server may try.  All functions return 0 or -errno.
 */
#ifndef TESTDEV_KEPT_H
#define TESTDEV_KEPT_H

#include <stddef.h>
#include <stdint.h>

/* Keep a duplicate of @fd and close the one kept before. */
void kept_set(int fd, uint64_t offset, uint64_t size);
/* Map the descriptor; @prot as for mmap(). */
int kept_map(int prot);
/* Read or write 8 bytes of the mapping; -EFAULT on a fault. */
int kept_peek(uint64_t off, uint64_t *value);
int kept_poke(uint64_t off, uint64_t value);
/* Read or write 8 bytes of the file. */
int kept_pread(uint64_t off, uint64_t *value);
int kept_pwrite(uint64_t off, uint64_t value);
/* Open the file again for writing through /proc, and map it. */
int kept_reopen(void);
/* Print "offset size st_size st_blksize st_ino" as numbers. */
int kept_stat(char *text, size_t size);

/* Keep a duplicate of @fd, which signals an interrupt. */
void kept_set_irq(int fd);
/* Signal the interrupt. */
int kept_irq(void);

#endif /* TESTDEV_KEPT_H */
