/* SPDX-License-Identifier: GPL-2.0 */
/* The kinds of memory that consumers map for DMA.  NULL if allocation fails. */
#ifndef SELFTESTS_MEM_H
#define SELFTESTS_MEM_H

#include <stddef.h>
#include <stdint.h>

/* Anonymous private memory. */
void *mem_anon(size_t size);
/* Anonymous shared memory. */
void *mem_shared(size_t size);
/* A memfd that allows seals, mapped shared; @fd may be NULL. */
void *mem_memfd(size_t size, int *fd);
/* A memfd, mapped shared, then sealed against further writable mappings. */
void *mem_sealed(size_t size);
/* A memfd of 2 MiB huge pages, mapped shared. */
void *mem_hugetlb(size_t size, int *fd);
/* A file of the root file system, mapped private. */
void *mem_private_file(size_t size);

/* Fills memory with bytes that differ from page to page. */
void mem_fill(void *mem, size_t size, unsigned int seed);
/* The sum that the server's "dma-sum" returns for this memory. */
uint64_t mem_sum(const void *mem, size_t size);

#endif /* SELFTESTS_MEM_H */
