/* SPDX-License-Identifier: GPL-2.0 */
/* Memory of the kinds that consumers map for DMA.  NULL when there is none. */
#ifndef SELFTESTS_MEM_H
#define SELFTESTS_MEM_H

#include <stddef.h>
#include <stdint.h>

/* Anonymous and private. */
void *mem_anon(size_t size);
/* Anonymous and shared. */
void *mem_shared(size_t size);
/* A memfd that can be sealed, mapped shared; @fd may be NULL. */
void *mem_memfd(size_t size, int *fd);
/* A memfd, mapped shared, then sealed against any other such mapping. */
void *mem_sealed(size_t size);
/* Huge pages of 2 MiB, a memfd mapped shared. */
void *mem_hugetlb(size_t size, int *fd);
/* A file of the root's, mapped private. */
void *mem_private_file(size_t size);

/* Fills memory with bytes that differ from page to page. */
void mem_fill(void *mem, size_t size, unsigned int seed);
/* The sum that the server's "dma-sum" gives for it. */
uint64_t mem_sum(const void *mem, size_t size);

#endif /* SELFTESTS_MEM_H */
