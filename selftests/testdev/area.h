/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of BARs, and the files through which a client maps it. */
#ifndef TESTDEV_AREA_H
#define TESTDEV_AREA_H

#include <stddef.h>
#include <stdint.h>

/* The file that the client gets for a shared BAR. */
enum area_kind {
	AREA_MEMFD,
	AREA_HUGETLB, /* huge pages, not yet allocated */
	AREA_READ_ONLY, /* a descriptor opened for reading only */
	AREA_SEALED, /* a file that others cannot map for writing */
	AREA_FILE, /* a file on a file system, not in memory */
};

/* Return the kind with this name, or -1. */
int area_kind(const char *name);

/*
 * Create memory of @size bytes at *@map.  Return the descriptor of the file
 * that shares the memory, which the caller closes, or -errno.
 */
int area_create(enum area_kind kind, size_t size, uint8_t **map);

#endif /* TESTDEV_AREA_H */
