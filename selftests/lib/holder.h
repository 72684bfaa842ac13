/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Servers that are hostile to the processes with which vuserd connects.  A third of them
 * sends files that may not close, a third says nothing, a third hangs up.
 */
#ifndef SELFTESTS_HOLDER_H
#define SELFTESTS_HOLDER_H

#include <stdatomic.h>

#define HOLDER_MAX 100

/*
 * Serves at @nr paths, at most HOLDER_MAX, until the process is killed.  Adds 1 to
 * @handled when all listen, and for each connection.
 */
void holder_serve(const char (*paths)[64], unsigned int nr, int file,
		  atomic_uint *handled) __attribute__((noreturn));

#endif /* SELFTESTS_HOLDER_H */
