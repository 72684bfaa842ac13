/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stable updates of Linux 7.2 added callers of calloc_assert() to the VFIO
 * selftests, but not the function.  If the sources lack a definition, build.sh
 * includes this file before each source, on the command line.
 */
#ifndef CALLOC_ASSERT_H
#define CALLOC_ASSERT_H

#include <stdlib.h>

static inline void *calloc_assert(size_t nmemb, size_t size)
{
	void *p = calloc(nmemb, size);

	if (!p)
		abort();
	return p;
}

#endif /* CALLOC_ASSERT_H */
