/* SPDX-License-Identifier: GPL-2.0 */
/*
 * linux 7.2's stable updates brought callers of calloc_assert() into the VFIO
 * selftests, but not the function.  build.sh includes this file ahead of each
 * source, on the command line, as long as the sources lack a definition.
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
