/* SPDX-License-Identifier: GPL-2.0 */
/* The memory behind BARs, and the files that it is shared by. */
#ifndef TESTDEV_AREA_H
#define TESTDEV_AREA_H

#include <stddef.h>
#include <stdint.h>

/* What the client gets for a shared BAR. */
enum area_kind {
	AREA_MEMFD,
	AREA_HUGETLB, /* huge pages, of which none is there yet */
	AREA_READ_ONLY, /* a descriptor that is open for reading only */
	AREA_SEALED, /* a file that nobody else may map for writing */
	AREA_FILE, /* one of a file system, not of memory */
};

/* By its name; -1 for one that is not known. */
int area_kind(const char *name);

/*
 * Memory of @size bytes at *@map, and the file to share it by; or -errno.  The
 * file is the caller's to close.
 */
int area_create(enum area_kind kind, size_t size, uint8_t **map);

#endif /* TESTDEV_AREA_H */
