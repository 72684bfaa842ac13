/* SPDX-License-Identifier: GPL-2.0 */
/*
 * READ_ONCE() and WRITE_ONCE() for files of the module in user space.  Each access
 * is reported to the test.
 */
#ifndef TESTS_LINUX_COMPILER_H
#define TESTS_LINUX_COMPILER_H

#include <stddef.h>

/* Defined by the test: called before each access. */
void test_access(const volatile void *mem, size_t size, int store);

#define READ_ONCE(x) \
	(test_access(&(x), sizeof(x), 0), *(const volatile __typeof__(x) *)&(x))

#define WRITE_ONCE(x, val)                \
	(test_access(&(x), sizeof(x), 1), \
	 (void)(*(volatile __typeof__(x) *)&(x) = (val)))

#endif /* TESTS_LINUX_COMPILER_H */
