/* SPDX-License-Identifier: GPL-2.0 */
/*
 * On an emulated processor, and on a kernel that checks itself, everything takes
 * longer: the harness's limits, times TEST_SLOWNESS.  The compiler includes this
 * before a test's first line.
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
