// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer that goes on after the server of its device was started again, for servers
 * of other projects.
 *
 * The program opens the device, reads a register, creates the file VUSER_READY, and waits
 * for ERR.  The suite starts the server again meanwhile.
 *
 * usage: VUSER_UUID=UUID VUSER_READY=FILE VUSER_REGISTER="REGION OFFSET SIZE" outlive_test
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../../lib/vfio.h"

/* The time limit for the restart, in ms. */
#define SOON_MS 20000

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

struct reg {
	unsigned int region, offset, size;
};

static int reg_of(struct reg *reg)
{
	const char *text = getenv("VUSER_REGISTER");

	return text &&
			       sscanf(text, "%u %u %u", &reg->region,
				      &reg->offset, &reg->size) == 3 &&
			       reg->size <= sizeof(uint64_t) ?
		       0 :
		       -1;
}

TEST(consumer_goes_on_after_the_server_was_started_again)
{
	const char *uuid = getenv("VUSER_UUID");
	const char *ready = getenv("VUSER_READY");
	uint64_t before = 0, after = 0;
	uint32_t id = 0, same = 0;
	struct vfio_dev dev;
	struct reg reg;
	int fd, err;

	ASSERT_TRUE(uuid && ready);
	ASSERT_EQ(0, reg_of(&reg));
	ASSERT_EQ(0, vfio_dev_open(&dev, uuid, VFIO_TYPE1v2_IOMMU));
	new_eventfds(&err, 1);
	ASSERT_EQ(0, irq_set_eventfds(dev.device, VFIO_PCI_ERR_IRQ_INDEX, 0, 1,
				      &err));
	EXPECT_EQ(0, region_get(dev.device, CONFIG, 0, &id, 4));
	EXPECT_EQ(0, region_get(dev.device, reg.region, reg.offset, &before,
				reg.size));

	fd = open(ready, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(1, eventfd_wait(err, SOON_MS));
	EXPECT_EQ(0, region_get(dev.device, CONFIG, 0, &same, 4));
	EXPECT_EQ(id, same);
	EXPECT_EQ(0, region_get(dev.device, reg.region, reg.offset, &after,
				reg.size));
	EXPECT_EQ(before, after);
	vfio_dev_close(&dev);
}

TEST_HARNESS_MAIN
