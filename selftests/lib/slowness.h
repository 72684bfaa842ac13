/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Multiplies the harness's time limits by TEST_SLOWNESS, for emulated
 * processors and debugging kernels.  The compiler includes this file before the
 * first line of each test.
 */
#ifndef SLOWNESS_H
#define SLOWNESS_H

#include "kselftest_harness.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT (30 * TEST_SLOWNESS)

#undef TEST_F_TIMEOUT
#define TEST_F_TIMEOUT(fixture, test, seconds) \
	__TEST_F_IMPL(fixture, test, -1, (seconds) * TEST_SLOWNESS)

#endif /* SLOWNESS_H */
