// SPDX-License-Identifier: GPL-2.0
/*
 * The samples of libvfio-user, used through /dev/vfio.  There is a fixture for
 * each sample; "-f FIXTURE" chooses the one whose server runs.
 *
 * usage: VUSER_UUID=UUID sample_test -f FIXTURE
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../../lib/mem.h"
#include "../../lib/vfio.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX
#define BAR0   VFIO_PCI_BAR0_REGION_INDEX
#define BAR1   VFIO_PCI_BAR1_REGION_INDEX
#define BAR2   VFIO_PCI_BAR2_REGION_INDEX
#define INTX   VFIO_PCI_INTX_IRQ_INDEX

/* The time limit for an interrupt, in ms. */
#define SOON_MS 20000

static int open_device(struct vfio_dev *dev)
{
	const char *uuid = getenv("VUSER_UUID");

	return uuid ? vfio_dev_open(dev, uuid, VFIO_TYPE1v2_IOMMU) : -EINVAL;
}

static uint32_t config_id(int device)
{
	uint32_t id = 0;

	return region_get(device, CONFIG, PCI_VENDOR_ID, &id, 4) ? 0 : id;
}

/*
 * null: a device with configuration space and nothing else.
 */
FIXTURE(null)
{
	struct vfio_dev dev;
};

FIXTURE_SETUP(null)
{
	ASSERT_EQ(0, open_device(&self->dev));
}

FIXTURE_TEARDOWN(null)
{
	vfio_dev_close(&self->dev);
}

TEST_F(null, configuration_space_is_the_only_region)
{
	struct vfio_region_info info;
	uint32_t i;

	/* As with vfio-pci, the last region, VGA, does not exist. */
	EXPECT_EQ(-EINVAL, region_info(self->dev.device,
				       VFIO_PCI_VGA_REGION_INDEX, &info));
	for (i = 0; i < VFIO_PCI_VGA_REGION_INDEX; i++) {
		ASSERT_EQ(0, region_info(self->dev.device, i, &info));
		if (i == CONFIG) {
			EXPECT_EQ(PCI_CFG_SPACE_SIZE, info.size);
		} else {
			EXPECT_EQ(0, info.size);
		}
	}
}

TEST_F(null, configuration_space_can_be_read)
{
	uint8_t config[PCI_CFG_SPACE_SIZE];

	EXPECT_EQ(0, region_get(self->dev.device, CONFIG, 0, config,
				sizeof(config)));
}

/*
 * gpio: BAR 2 whose first byte counts its reads, divided by three.
 */
FIXTURE(gpio)
{
	struct vfio_dev dev;
};

FIXTURE_SETUP(gpio)
{
	ASSERT_EQ(0, open_device(&self->dev));
}

FIXTURE_TEARDOWN(gpio)
{
	vfio_dev_close(&self->dev);
}

TEST_F(gpio, config_has_the_ids_of_gpio)
{
	EXPECT_EQ(0x0dc8494f, config_id(self->dev.device));
}

TEST_F(gpio, bar_2_counts_reads)
{
	uint8_t value, first;
	int i;

	ASSERT_EQ(0, region_get(self->dev.device, BAR2, 0, &first, 1));
	for (i = 0; i < 9; i++)
		ASSERT_EQ(0, region_get(self->dev.device, BAR2, 0, &value, 1));
	EXPECT_EQ(first + 3, value);
}

TEST_F(gpio, write_to_bar_2_succeeds)
{
	uint8_t value = 0x5a;

	EXPECT_EQ(0, region_put(self->dev.device, BAR2, 0, &value, 1));
}

/*
 * server: BAR 0 is a timer.  BAR 1 has 12 KiB; its first and its last page are
 * shared memory.  When the timer expires, the server raises INTx and writes the
 * letter A to the first 4096 bytes of the first dma region, by message.
 */
#define TIMER_DMA  4096
#define TIMER_IOVA 0x100000

FIXTURE(server)
{
	struct vfio_dev dev;
};

FIXTURE_SETUP(server)
{
	ASSERT_EQ(0, open_device(&self->dev));
}

FIXTURE_TEARDOWN(server)
{
	vfio_dev_close(&self->dev);
}

TEST_F(server, config_has_the_ids_of_server)
{
	uint32_t subsystem;

	EXPECT_EQ(0xbeefdead, config_id(self->dev.device));
	ASSERT_EQ(0, region_get(self->dev.device, CONFIG,
				PCI_SUBSYSTEM_VENDOR_ID, &subsystem, 4));
	EXPECT_EQ(0xbabecafe, subsystem);
}

TEST_F(server, store_to_a_shared_page_is_seen_by_the_server)
{
	uint64_t value = 0;
	volatile uint64_t *page;

	page = region_mmap(self->dev.device, BAR1, 0, 0x1000,
			   PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	*page = 0x1122334455667788;
	/* A message: the server reads its own mapping. */
	ASSERT_EQ(0, region_get(self->dev.device, BAR1, 0, &value, 8));
	EXPECT_EQ(0x1122334455667788, value);
	munmap((void *)page, 0x1000);
}

TEST_F(server, write_by_message_is_seen_in_a_shared_page)
{
	uint64_t value = 0x8877665544332211;
	volatile uint64_t *page;

	page = region_mmap(self->dev.device, BAR1, 0x2000, 0x1000,
			   PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, region_put(self->dev.device, BAR1, 0x2008, &value, 8));
	EXPECT_EQ(value, page[1]);
	munmap((void *)page, 0x1000);
}

/* How many DMA_READ messages of the server were served, or -1. */
static long dma_reads(void)
{
	char command[128];
	long count = -1;
	FILE *file;

	snprintf(command, sizeof(command),
		 "vuserctl -j show %s | jq '.counters[\"dma-read\"]'",
		 getenv("VUSER_UUID"));
	file = popen(command, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%ld", &count) != 1)
		count = -1;
	pclose(file);
	return count;
}

/*
 * The server has one socket, and cannot tell a command from the reply that it
 * waits for.  So the test sends nothing until the server has read the memory
 * back.
 */
TEST_F(server, timer_raises_intx_and_writes_memory)
{
	time_t limit = time(NULL) + SOON_MS / 1000;
	uint8_t *mem = mem_anon(TIMER_DMA);
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	/* Two seconds: one could be over before the server sets its timer. */
	uint64_t when = time(NULL) + 2;
	long reads = dma_reads();
	size_t i;

	ASSERT_NE(NULL, mem);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, dma_map(self->dev.container, mem, TIMER_IOVA, TIMER_DMA,
			     DMA_RW));
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, INTX, 0, 1, &fd));
	ASSERT_EQ(0, region_put(self->dev.device, BAR0, 0, &when, 8));
	ASSERT_EQ(1, eventfd_wait(fd, SOON_MS));
	while (dma_reads() == reads)
		ASSERT_GT(limit, time(NULL));
	for (i = 0; i < TIMER_DMA; i++)
		ASSERT_EQ('A', mem[i]);
	close(fd);
	munmap(mem, TIMER_DMA);
}

TEST_HARNESS_MAIN
