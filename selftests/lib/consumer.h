/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture that most tests use: the shared device, opened with a v2
 * container.
 */
#ifndef SELFTESTS_CONSUMER_H
#define SELFTESTS_CONSUMER_H

#include <kselftest_harness.h>

#include "res.h"
#include "shared.h"
#include "vfio.h"

#define CONSUMER_FIXTURE                                            \
	FIXTURE(consumer)                                           \
	{                                                           \
		struct vfio_dev dev;                                \
		long locked;                                        \
	};                                                          \
                                                                    \
	FIXTURE_SETUP(consumer)                                     \
	{                                                           \
		self->locked = res_locked();                        \
		ASSERT_EQ(0, vfio_dev_open(&self->dev, shared.uuid, \
					   VFIO_TYPE1v2_IOMMU));    \
		ASSERT_EQ(0, testdev_cmd(&shared, "restore"));      \
	}                                                           \
                                                                    \
	FIXTURE_TEARDOWN(consumer)                                  \
	{                                                           \
		vfio_dev_close(&self->dev);                         \
		EXPECT_EQ(self->locked, res_locked());              \
	}

/* Maps all of BAR 0 of the test device for loads and stores. */
static inline void *map_bar0(int device)
{
	return region_mmap(device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			   PROT_READ | PROT_WRITE);
}

#endif /* SELFTESTS_CONSUMER_H */
