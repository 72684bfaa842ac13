// SPDX-License-Identifier: GPL-2.0
/*
 * A vfio-user server from another project, used through /dev/vfio: the gpio
 * example of the Rust crate vfio_user, of any version from 0.1.3.  Its device has
 * configuration space, BAR 2 (an I/O BAR of 256 bytes) and INTx.
 *
 * The server counts the reads of byte 0 of BAR 2.  Each third read returns 1,
 * and raises INTx if an eventfd is set; the other reads return 0.  One server
 * runs for all tests, so each test first finds the state of the counter.
 *
 * usage: VUSER_UUID=UUID gpio_test
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../../lib/vfio.h"

#define GPIO_VENDOR 0x494f
#define GPIO_DEVICE 0x0dc8
#define BAR2_SIZE   0x100
#define PERIOD	    3
/* So long that an access is split into parts of each size, at any offset. */
#define MAX_ACCESS 20

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX
#define BAR2   VFIO_PCI_BAR2_REGION_INDEX
#define INTX   VFIO_PCI_INTX_IRQ_INDEX

/*
 * The time limit for an interrupt, and the time after which the test concludes
 * that no interrupt was raised, in ms.
 */
#define SOON_MS	 20000
#define QUIET_MS 100

FIXTURE(gpio)
{
	struct vfio_dev dev;
};

FIXTURE_SETUP(gpio)
{
	const char *uuid = getenv("VUSER_UUID");

	ASSERT_NE(NULL, uuid);
	ASSERT_EQ(0, vfio_dev_open(&self->dev, uuid, VFIO_TYPE1v2_IOMMU));
}

FIXTURE_TEARDOWN(gpio)
{
	vfio_dev_close(&self->dev);
}

/* The value of the pin, or -errno. */
static int pin_read(int device)
{
	uint8_t value;
	int ret = region_get(device, BAR2, 0, &value, 1);

	return ret ? ret : value;
}

/* Reads up to the read that returns 1; the next two return 0. */
static int pin_align(int device)
{
	int i, value;

	for (i = 0; i < PERIOD; i++) {
		value = pin_read(device);
		if (value)
			return value == 1 ? 0 : value;
	}
	return -ERANGE;
}

TEST_F(gpio, device_info_describes_a_pci_device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_TRUE(info.flags & VFIO_DEVICE_FLAGS_PCI);
	EXPECT_EQ(VFIO_PCI_NUM_REGIONS, info.num_regions);
	EXPECT_EQ(VFIO_PCI_NUM_IRQS, info.num_irqs);
}

TEST_F(gpio, config_has_the_ids_of_gpio)
{
	uint16_t id[2];
	uint8_t class, pin;

	ASSERT_EQ(0,
		  region_get(self->dev.device, CONFIG, PCI_VENDOR_ID, id, 4));
	EXPECT_EQ(GPIO_VENDOR, id[0]);
	EXPECT_EQ(GPIO_DEVICE, id[1]);
	ASSERT_EQ(0, region_get(self->dev.device, CONFIG, PCI_CLASS_DEVICE + 1,
				&class, 1));
	EXPECT_EQ(0xff, class);
	ASSERT_EQ(0, region_get(self->dev.device, CONFIG, PCI_INTERRUPT_PIN,
				&pin, 1));
	EXPECT_EQ(1, pin);
}

/* The server panics on an access that is not naturally aligned. */
TEST_F(gpio, config_is_readable_at_any_size_and_offset)
{
	uint8_t whole[64], part[64];
	size_t off, len;

	ASSERT_EQ(0, region_get(self->dev.device, CONFIG, 0, whole,
				sizeof(whole)));
	for (off = 0; off < 8; off++) {
		for (len = 1; len <= MAX_ACCESS; len++) {
			ASSERT_EQ(0, region_get(self->dev.device, CONFIG, off,
						part, len));
			ASSERT_EQ(0, memcmp(whole + off, part, len));
		}
	}
}

TEST_F(gpio, config_command_keeps_its_value)
{
	uint16_t was, now, want;

	ASSERT_EQ(0,
		  region_get(self->dev.device, CONFIG, PCI_COMMAND, &was, 2));
	want = was ^ PCI_COMMAND_IO;
	ASSERT_EQ(0,
		  region_put(self->dev.device, CONFIG, PCI_COMMAND, &want, 2));
	ASSERT_EQ(0,
		  region_get(self->dev.device, CONFIG, PCI_COMMAND, &now, 2));
	EXPECT_EQ(want, now);
	ASSERT_EQ(0,
		  region_put(self->dev.device, CONFIG, PCI_COMMAND, &was, 2));
}

TEST_F(gpio, config_bar_reports_its_size)
{
	uint32_t was, mask, ones = ~0U;

	ASSERT_EQ(0, region_get(self->dev.device, CONFIG, PCI_BASE_ADDRESS_2,
				&was, 4));
	ASSERT_EQ(0, region_put(self->dev.device, CONFIG, PCI_BASE_ADDRESS_2,
				&ones, 4));
	ASSERT_EQ(0, region_get(self->dev.device, CONFIG, PCI_BASE_ADDRESS_2,
				&mask, 4));
	EXPECT_EQ(~(BAR2_SIZE - 1U) | PCI_BASE_ADDRESS_SPACE_IO, mask);
	ASSERT_EQ(0, region_put(self->dev.device, CONFIG, PCI_BASE_ADDRESS_2,
				&was, 4));
}

TEST_F(gpio, config_and_bar_2_are_the_only_regions)
{
	struct vfio_region_info info;
	uint32_t i;

	/* As with vfio-pci, the last region, VGA, does not exist. */
	EXPECT_EQ(-EINVAL, region_info(self->dev.device,
				       VFIO_PCI_VGA_REGION_INDEX, &info));
	for (i = 0; i < VFIO_PCI_VGA_REGION_INDEX; i++) {
		ASSERT_EQ(0, region_info(self->dev.device, i, &info));
		if (i == CONFIG || i == BAR2) {
			EXPECT_LE(BAR2_SIZE, info.size);
		} else {
			EXPECT_EQ(0, info.size);
		}
	}
	ASSERT_EQ(0, region_info(self->dev.device, BAR2, &info));
	EXPECT_EQ(BAR2_SIZE, info.size);
	EXPECT_TRUE(info.flags & VFIO_REGION_INFO_FLAG_READ);
	EXPECT_TRUE(info.flags & VFIO_REGION_INFO_FLAG_WRITE);
}

TEST_F(gpio, each_third_read_of_the_bar_returns_1)
{
	int i;

	ASSERT_EQ(0, pin_align(self->dev.device));
	for (i = 1; i <= 10 * PERIOD; i++)
		ASSERT_EQ(i % PERIOD == 0, pin_read(self->dev.device));
}

TEST_F(gpio, read_past_the_bar_fails)
{
	uint8_t byte;

	EXPECT_EQ(0,
		  region_get(self->dev.device, BAR2, BAR2_SIZE - 1, &byte, 1));
	EXPECT_NE(0, region_get(self->dev.device, BAR2, BAR2_SIZE, &byte, 1));
}

TEST_F(gpio, write_to_the_bar_succeeds)
{
	uint8_t byte = 0x5a;

	EXPECT_EQ(0, region_put(self->dev.device, BAR2, 0, &byte, 1));
	/* A later read shows that the server still replies. */
	EXPECT_LE(0, pin_read(self->dev.device));
}

TEST_F(gpio, each_third_read_raises_intx)
{
	uint32_t unmask = VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_DATA_NONE;
	struct vfio_irq_info info;
	int fd, i;

	ASSERT_EQ(0, irq_info(self->dev.device, INTX, &info));
	ASSERT_EQ(1, info.count);
	/* The server has no masks; the kernel adds them. */
	EXPECT_EQ(VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
			  VFIO_IRQ_INFO_AUTOMASKED,
		  info.flags);

	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pin_align(self->dev.device));
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, INTX, 0, 1, &fd));

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, pin_read(self->dev.device));
		ASSERT_EQ(0, pin_read(self->dev.device));
		ASSERT_EQ(0, eventfd_wait(fd, QUIET_MS));
		ASSERT_EQ(1, pin_read(self->dev.device));
		ASSERT_EQ(1, eventfd_wait(fd, SOON_MS));
		/* The next interrupt waits for the unmask. */
		ASSERT_EQ(0, pin_align(self->dev.device));
		ASSERT_EQ(0, eventfd_wait(fd, QUIET_MS));
		ASSERT_EQ(0, irq_set(self->dev.device, unmask, INTX, 0, 1, NULL,
				     0));
		ASSERT_EQ(1, eventfd_wait(fd, SOON_MS));
		ASSERT_EQ(0, irq_set(self->dev.device, unmask, INTX, 0, 1, NULL,
				     0));
	}

	ASSERT_EQ(0, irq_disable(self->dev.device, INTX));
	ASSERT_EQ(0, pin_align(self->dev.device));
	EXPECT_EQ(0, eventfd_wait(fd, QUIET_MS));
	close(fd);
}

TEST_F(gpio, trigger_by_the_consumer_signals_the_eventfd)
{
	uint32_t trigger = VFIO_IRQ_SET_ACTION_TRIGGER;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, INTX, 0, 1, &fd));
	ASSERT_EQ(0, irq_set(self->dev.device, trigger | VFIO_IRQ_SET_DATA_NONE,
			     INTX, 0, 1, NULL, 0));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	ASSERT_EQ(0, irq_disable(self->dev.device, INTX));
	close(fd);
}

/* The server accepts a dma region and its unmap. */
TEST_F(gpio, memory_can_be_mapped_and_unmapped)
{
	size_t size = 4 * sysconf(_SC_PAGESIZE);
	uint64_t unmapped = 0;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0x100000, size, DMA_RW));
	ASSERT_EQ(0,
		  dma_unmap(self->dev.container, 0x100000, size, 0, &unmapped));
	EXPECT_EQ(size, unmapped);
	munmap(mem, size);
}

TEST_F(gpio, reset_succeeds_if_supported)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_GET_INFO, &info));
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		SKIP(return, "this server does not support reset");
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_LE(0, pin_read(self->dev.device));
}

TEST_HARNESS_MAIN
