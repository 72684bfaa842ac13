// SPDX-License-Identifier: GPL-2.0
/*
 * vuser as firmware and PCI core: the device is a model that honors its configuration
 * space (testdev/model.h), and only the kernel sets it up.
 */
#include <linux/pci_regs.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/task.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX
#define ROM    VFIO_PCI_ROM_REGION_INDEX
#define INTX   VFIO_PCI_INTX_IRQ_INDEX
#define MSI    VFIO_PCI_MSI_IRQ_INDEX
#define MSIX   VFIO_PCI_MSIX_IRQ_INDEX

#define BAR_POS(n) (PCI_BASE_ADDRESS_0 + 4 * (n))

static const uint64_t bar_sizes[] = {
	TESTDEV_BAR0_SIZE, TESTDEV_BAR1_SIZE, TESTDEV_BAR2_SIZE,
	TESTDEV_BAR3_SIZE, TESTDEV_BAR4_SIZE,
};

/* Configuration space as the consumer sees it; all ones if it cannot be read. */
static uint32_t config_get(int device, uint32_t pos, uint32_t size)
{
	uint32_t val = 0;

	if (region_get(device, CONFIG, pos, &val, size))
		return UINT32_MAX;
	return val;
}

static int config_put(int device, uint32_t pos, uint32_t val, uint32_t size)
{
	return region_put(device, CONFIG, pos, &val, size);
}

/* A register of configuration space in the device. */
static uint32_t in_device(struct testdev *td, uint32_t pos, uint32_t size)
{
	if (testdev_cmd(td, "peek %u %u %u", CONFIG, pos, size))
		return UINT32_MAX;
	return strtoull(testdev_reply(), NULL, 0);
}

/* The offset of a capability; 0 if there is none. */
static uint32_t find_cap(int device, uint8_t id)
{
	uint32_t pos = config_get(device, PCI_CAPABILITY_LIST, 1), n = 48;

	while (pos && n-- && config_get(device, pos, 1) != id)
		pos = config_get(device, pos + PCI_CAP_LIST_NEXT, 1);
	return n ? pos : 0;
}

/* The register at the start of BAR 0; all ones if the device does not answer. */
static uint32_t read_id(int device)
{
	uint32_t id = 0;

	return region_get(device, BAR(0), TESTDEV_REG_ID, &id, 4) ? 0 : id;
}

/* Requests the interrupt of the device; the kind that it sends. */
static const char *fire(struct testdev *td, uint32_t vector)
{
	return testdev_cmd(td, "raise %u", vector) ? "error" : testdev_reply();
}

static void new_eventfds(int *fds, unsigned int nr)
{
	while (nr--)
		fds[nr] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

/* A model without a consumer ------------------------------------------------ */

FIXTURE(model)
{
	struct testdev td;
	struct vfio_dev dev;
};

static int model_start(struct testdev *td, const char *option)
{
	const char *const args[] = { "--model", option, NULL };

	return testdev_start(td, args);
}

static int model_open(struct testdev *td, struct vfio_dev *dev)
{
	return vfio_dev_open(dev, td->uuid, VFIO_TYPE1v2_IOMMU);
}

FIXTURE_SETUP(model)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, model_start(&self->td, NULL));
}

FIXTURE_TEARDOWN(model)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

TEST_F(model, device_that_is_not_set_up_answers_nothing)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "pci_setup", "never"));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	EXPECT_EQ(UINT32_MAX, read_id(self->dev.device));
	EXPECT_EQ(0, in_device(&self->td, BAR_POS(0), 4));
	EXPECT_EQ(0, in_device(&self->td, PCI_COMMAND, 2));
}

/* With pci_setup=never, the consumer places the BARs of the device itself. */
TEST_F(model, device_that_is_not_set_up_can_be_set_up_by_the_consumer)
{
	int device;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "pci_setup", "never"));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	device = self->dev.device;
	ASSERT_EQ(0, config_put(device, BAR_POS(0), 0xfebc0000, 4));
	ASSERT_EQ(0, config_put(device, PCI_COMMAND, PCI_COMMAND_MEMORY, 2));
	EXPECT_EQ(0xfebc0000, in_device(&self->td, BAR_POS(0), 4));
	EXPECT_EQ(TESTDEV_ID, read_id(device));
	ASSERT_EQ(0, ioctl(device, VFIO_DEVICE_RESET));
	EXPECT_EQ(0xfebc0000, in_device(&self->td, BAR_POS(0), 4));
	EXPECT_EQ(TESTDEV_ID, read_id(device));
}

TEST_F(model, change_of_pci_setup_takes_effect_at_the_next_open)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "pci_setup", "never"));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "pci_setup", "auto"));
	EXPECT_EQ(UINT32_MAX, read_id(self->dev.device));
	vfio_dev_close(&self->dev);
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	EXPECT_EQ(TESTDEV_ID, read_id(self->dev.device));
}

/* The number of messages of configuration space in the log. */
static unsigned int config_accesses(struct testdev *td, char dir)
{
	unsigned int nr = 0, i, count = testdev_log_count(td);
	struct testdev_access acc;

	for (i = 0; i < count; i++)
		if (!testdev_log_get(td, i, &acc) && acc.region == CONFIG &&
		    acc.dir == dir)
			nr++;
	return nr;
}

/*
 * The first open after attach sizes five BARs (one with 64 bits) and the ROM.  Each
 * open reads the power state and writes addresses and the command register.
 */
TEST_F(model, bars_are_sized_once_for_each_attach)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "restore"));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	EXPECT_EQ(1 + 7, config_accesses(&self->td, 'r'));
	EXPECT_EQ(1 + 7 + 7 + 1, config_accesses(&self->td, 'w'));
	vfio_dev_close(&self->dev);
	ASSERT_EQ(0, testdev_log_clear(&self->td));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	EXPECT_EQ(1, config_accesses(&self->td, 'r'));
	EXPECT_EQ(7 + 1, config_accesses(&self->td, 'w'));
}

/* Without a reset, a device keeps its addresses, but close turned it off. */
TEST(device_without_reset_is_set_up_at_each_open)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;
	uint32_t pm;
	int i;

	ASSERT_EQ(0, model_start(&td, "--no-reset"));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, model_open(&td, &dev));
		EXPECT_EQ(TESTDEV_ID, read_id(dev.device));
		EXPECT_EQ(PCI_COMMAND_IO | PCI_COMMAND_MEMORY,
			  config_get(dev.device, PCI_COMMAND, 2));
		ASSERT_EQ(0, config_put(dev.device, PCI_COMMAND,
					PCI_COMMAND_MASTER, 2));
		pm = find_cap(dev.device, PCI_CAP_ID_PM);
		/* Leave it in D3. */
		ASSERT_EQ(0, config_put(dev.device, pm + PCI_PM_CTRL, 3, 2));
		EXPECT_EQ(3, in_device(&td, pm + PCI_PM_CTRL, 2) & 3);
		vfio_dev_close(&dev);
		EXPECT_EQ(0, in_device(&td, PCI_COMMAND, 2));
	}
	testdev_stop(&td);
}

/* A device without reset that lost its addresses while it was closed. */
TEST(addresses_are_written_at_each_open)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;

	ASSERT_EQ(0, model_start(&td, "--no-reset"));
	ASSERT_EQ(0, model_open(&td, &dev));
	vfio_dev_close(&dev);
	ASSERT_EQ(0, testdev_cmd(&td, "poke %u %u 4 0", CONFIG, BAR_POS(0)));
	ASSERT_EQ(0, model_open(&td, &dev));
	EXPECT_EQ(TESTDEV_ID, read_id(dev.device));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

TEST(bars_that_answer_with_their_size_only_to_all_ones_get_addresses)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;
	unsigned int i;

	ASSERT_EQ(0, model_start(&td, "--literal"));
	ASSERT_EQ(0, model_open(&td, &dev));
	for (i = 0; i < 4; i++) {
		EXPECT_NE(0, in_device(&td, BAR_POS(i), 4) & ~0xfU);
		EXPECT_EQ(config_get(dev.device, BAR_POS(i), 4),
			  in_device(&td, BAR_POS(i), 4));
	}
	EXPECT_EQ(TESTDEV_ID, read_id(dev.device));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

TEST(open_changes_only_the_power_state_in_its_register)
{
	const uint16_t other = PCI_PM_CTRL_NO_SOFT_RESET |
			       PCI_PM_CTRL_PME_ENABLE;
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;
	uint32_t pos;

	ASSERT_EQ(0, model_start(&td, "--literal"));
	ASSERT_EQ(0, mdev_set(td.uuid, "reset", "never"));
	ASSERT_EQ(0, model_open(&td, &dev));
	pos = find_cap(dev.device, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	EXPECT_EQ(PCI_PM_CTRL_NO_SOFT_RESET, in_device(&td, pos, 2));
	ASSERT_EQ(0, config_put(dev.device, pos, other | 3, 2));
	vfio_dev_close(&dev);
	EXPECT_EQ(other | 3, in_device(&td, pos, 2));
	ASSERT_EQ(0, model_open(&td, &dev));
	EXPECT_EQ(other, in_device(&td, pos, 2));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* The first read is that of the power state. */
TEST_F(model,
       power_state_that_the_server_refuses_to_read_does_not_fail_the_open)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail read %d 1", EPERM));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	EXPECT_EQ(TESTDEV_ID, read_id(self->dev.device));
}

/* The consumer must not take it for a device that cannot be reset: EINVAL. */
TEST_F(model, write_that_the_server_refuses_after_a_reset_gives_eio)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "pci_setup", "never"));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail write %d 1", EINVAL));
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(EIO, errno);
}

TEST(return_from_d3_restores_a_device_that_loses_its_registers)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;
	uint32_t pos;
	int fd;

	ASSERT_EQ(0, model_start(&td, "--pm-reset"));
	ASSERT_EQ(0, model_open(&td, &dev));
	pos = find_cap(dev.device, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	new_eventfds(&fd, 1);
	ASSERT_EQ(0, irq_set_eventfds(dev.device, MSIX, 0, 1, &fd));
	ASSERT_EQ(0, config_put(dev.device, pos, 3, 2));
	EXPECT_EQ(UINT32_MAX, read_id(dev.device));
	ASSERT_EQ(0, config_put(dev.device, pos, 0, 2));
	EXPECT_EQ(TESTDEV_ID, read_id(dev.device));
	EXPECT_STREQ("msix", fire(&td, 0));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

TEST_F(model, writes_that_the_server_refuses_do_not_fail_the_open)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail write %d 1000", EPERM));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	EXPECT_EQ(TESTDEV_VENDOR_ID, config_get(self->dev.device, 0, 2));
	ASSERT_EQ(0, testdev_cmd(&self->td, "restore"));
	vfio_dev_close(&self->dev);
}

/* An open model ------------------------------------------------------------- */

FIXTURE(open)
{
	struct testdev td;
	struct vfio_dev dev;
	int device;
};

FIXTURE_SETUP(open)
{
	ASSERT_EQ(0, model_start(&self->td, NULL));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	self->device = self->dev.device;
}

FIXTURE_TEARDOWN(open)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

TEST_F(open, registers_answer)
{
	volatile uint32_t *map;
	uint16_t rom = 0;
	uint32_t val;

	EXPECT_EQ(TESTDEV_ID, read_id(self->device));
	map = region_mmap(self->device, BAR(0), 0, 0x1000, PROT_READ);
	ASSERT_NE(MAP_FAILED, (void *)map);
	EXPECT_EQ(TESTDEV_ID, map[TESTDEV_REG_ID / 4]);
	munmap((void *)map, 0x1000);
	/* I/O ports, 64 bits, and the ROM. */
	val = 0x12345678;
	ASSERT_EQ(0,
		  region_put(self->device, BAR(3), TESTDEV_DB_MEMORY, &val, 4));
	val = 0;
	ASSERT_EQ(0,
		  region_get(self->device, BAR(3), TESTDEV_DB_MEMORY, &val, 4));
	EXPECT_EQ(0x12345678, val);
	ASSERT_EQ(0, region_get(self->device, BAR(4), 0, &val, 4));
	EXPECT_EQ(0, val);
	ASSERT_EQ(0, region_get(self->device, ROM, 0, &rom, 2));
	EXPECT_EQ(0xaa55, rom);
}

static uint64_t device_address(struct testdev *td, uint32_t bar)
{
	uint64_t address = in_device(td, BAR_POS(bar), 4) & ~0xfU;

	if (bar == TESTDEV_MODEL_WIDE_BAR)
		address |= (uint64_t)in_device(td, BAR_POS(bar) + 4, 4) << 32;
	return address;
}

TEST_F(open, bars_are_aligned_and_apart)
{
	uint64_t a, b;
	unsigned int i, k;

	for (i = 0; i < 5; i++) {
		a = device_address(&self->td, i);
		EXPECT_NE(0, a);
		EXPECT_EQ(0, a % bar_sizes[i]);
		EXPECT_GE(i == TESTDEV_MODEL_IO_BAR   ? 0x10000 :
			  i == TESTDEV_MODEL_WIDE_BAR ? UINT64_MAX :
							1ULL << 32,
			  a + bar_sizes[i]);
		for (k = 0; k < i; k++) {
			b = device_address(&self->td, k);
			EXPECT_TRUE(k == TESTDEV_MODEL_IO_BAR ||
				    a >= b + bar_sizes[k] ||
				    b >= a + bar_sizes[i]);
		}
	}
	EXPECT_LT(1ULL << 32,
		  device_address(&self->td, TESTDEV_MODEL_WIDE_BAR));
	EXPECT_EQ(PCI_ROM_ADDRESS_ENABLE,
		  in_device(&self->td, PCI_ROM_ADDRESS, 4) &
			  PCI_ROM_ADDRESS_ENABLE);
}

TEST_F(open, decoding_is_on_and_bus_mastering_off)
{
	EXPECT_EQ(PCI_COMMAND_IO | PCI_COMMAND_MEMORY,
		  config_get(self->device, PCI_COMMAND, 2));
	EXPECT_EQ(PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			  PCI_COMMAND_INTX_DISABLE,
		  in_device(&self->td, PCI_COMMAND, 2));
}

TEST_F(open, bars_show_the_addresses_of_the_device)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		EXPECT_EQ(in_device(&self->td, BAR_POS(i), 4),
			  config_get(self->device, BAR_POS(i), 4));
	/* The consumer has not enabled the ROM. */
	EXPECT_EQ(in_device(&self->td, PCI_ROM_ADDRESS, 4) &
			  PCI_ROM_ADDRESS_MASK,
		  config_get(self->device, PCI_ROM_ADDRESS, 4));
}

TEST_F(open, bars_have_the_size_and_kind_of_their_regions)
{
	static const uint32_t flags[] = {
		[TESTDEV_MODEL_IO_BAR] = PCI_BASE_ADDRESS_SPACE_IO,
		[TESTDEV_MODEL_WIDE_BAR] = PCI_BASE_ADDRESS_MEM_TYPE_64 |
					   PCI_BASE_ADDRESS_MEM_PREFETCH,
	};
	unsigned int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0,
			  config_put(self->device, BAR_POS(i), UINT32_MAX, 4));
		EXPECT_EQ((uint32_t)-bar_sizes[i] | flags[i],
			  config_get(self->device, BAR_POS(i), 4));
	}
	ASSERT_EQ(0, config_put(self->device, BAR_POS(5), UINT32_MAX, 4));
	EXPECT_EQ(UINT32_MAX, config_get(self->device, BAR_POS(5), 4));
	ASSERT_EQ(0, config_put(self->device, PCI_ROM_ADDRESS, UINT32_MAX, 4));
	EXPECT_EQ((uint32_t)-TESTDEV_ROM_SIZE | PCI_ROM_ADDRESS_ENABLE,
		  config_get(self->device, PCI_ROM_ADDRESS, 4));
	EXPECT_EQ(TESTDEV_ID, read_id(self->device));
}

TEST_F(open, addresses_that_the_consumer_writes_do_not_reach_the_device)
{
	uint32_t before = in_device(&self->td, BAR_POS(0), 4);

	ASSERT_EQ(0, config_put(self->device, BAR_POS(0), 0xd0000000, 4));
	EXPECT_EQ(0xd0000000, config_get(self->device, BAR_POS(0), 4));
	/* A part of the register. */
	ASSERT_EQ(0, config_put(self->device, BAR_POS(0) + 2, 0xe123, 2));
	EXPECT_EQ(0xe1230000, config_get(self->device, BAR_POS(0), 4));
	EXPECT_EQ(0x23, config_get(self->device, BAR_POS(0) + 2, 1));
	EXPECT_EQ(before, in_device(&self->td, BAR_POS(0), 4));
	EXPECT_EQ(TESTDEV_ID, read_id(self->device));
	ASSERT_EQ(0, ioctl(self->device, VFIO_DEVICE_RESET));
	EXPECT_EQ(0xe1230000, config_get(self->device, BAR_POS(0), 4));
	EXPECT_EQ(before, in_device(&self->td, BAR_POS(0), 4));
	EXPECT_EQ(TESTDEV_ID, read_id(self->device));
}

TEST_F(open, decoding_that_the_consumer_turns_off_is_off)
{
	ASSERT_EQ(0, config_put(self->device, PCI_COMMAND, 0, 2));
	EXPECT_EQ(0, config_get(self->device, PCI_COMMAND, 2));
	EXPECT_EQ(UINT32_MAX, read_id(self->device));
	/* By one byte. */
	ASSERT_EQ(0, config_put(self->device, PCI_COMMAND,
				PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 1));
	EXPECT_EQ(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
		  config_get(self->device, PCI_COMMAND, 2));
	EXPECT_EQ(TESTDEV_ID, read_id(self->device));
}

TEST_F(open, interrupt_line_is_what_the_consumer_wrote)
{
	ASSERT_EQ(0, config_put(self->device, PCI_INTERRUPT_LINE, 11, 1));
	ASSERT_EQ(0, ioctl(self->device, VFIO_DEVICE_RESET));
	EXPECT_EQ(11, config_get(self->device, PCI_INTERRUPT_LINE, 1));
	EXPECT_EQ(1, config_get(self->device, PCI_INTERRUPT_PIN, 1));
}

/* Interrupts ---------------------------------------------------------------- */

TEST_F(open, msix_is_enabled_in_the_device_by_set_irqs)
{
	uint32_t pos = find_cap(self->device, PCI_CAP_ID_MSIX);
	int fds[4];

	new_eventfds(fds, 4);
	EXPECT_STREQ("none", fire(&self->td, 1));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 2, fds));
	EXPECT_STREQ("msix", fire(&self->td, 1));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
	EXPECT_EQ(0, eventfd_wait(fds[0], 0));
	EXPECT_EQ(PCI_MSIX_FLAGS_ENABLE | (TESTDEV_NR_MSIX - 1),
		  config_get(self->device, pos + PCI_MSIX_FLAGS, 2));
	/* Vectors that the consumer does not use stay masked. */
	EXPECT_STREQ("none", fire(&self->td, 2));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 2, 2, fds + 2));
	EXPECT_STREQ("msix", fire(&self->td, 3));
	EXPECT_EQ(1, eventfd_wait(fds[3], SOON_MS));

	ASSERT_EQ(0, irq_disable(self->device, MSIX));
	EXPECT_STREQ("none", fire(&self->td, 1));
	EXPECT_EQ(TESTDEV_NR_MSIX - 1,
		  config_get(self->device, pos + PCI_MSIX_FLAGS, 2));
	/* Enabled again, with other vectors. */
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, fds));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_EQ(1, eventfd_wait(fds[0], SOON_MS));
}

TEST_F(open, msix_entries_have_an_address_and_a_vector_of_their_own)
{
	volatile uint32_t *entry;
	int fds[2];

	new_eventfds(fds, 2);
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 2, fds));
	entry = region_mmap(self->device, BAR(1), TESTDEV_MSIX_TABLE, 0x1000,
			    PROT_READ);
	ASSERT_NE(MAP_FAILED, (void *)entry);
	EXPECT_NE(0, entry[0]);
	EXPECT_EQ(0, entry[1]);
	EXPECT_NE(entry[2], entry[4 + 2]);
	EXPECT_EQ(0, entry[3]);
	EXPECT_EQ(0, entry[4 + 3]);
	munmap((void *)entry, 0x1000);
}

/* As in vfio-pci: the kernel owns the table. */
TEST_F(open, pread_and_pwrite_do_not_reach_the_msix_table)
{
	const uint64_t end = TESTDEV_MSIX_TABLE + 16 * TESTDEV_NR_MSIX;
	uint32_t value[4] = {};
	int fd;

	new_eventfds(&fd, 1);
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, &fd));
	ASSERT_EQ(0, region_put(self->device, BAR(1), TESTDEV_MSIX_TABLE, value,
				sizeof(value)));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	ASSERT_EQ(0, region_get(self->device, BAR(1), end - 8, value,
				sizeof(value)));
	EXPECT_EQ(~0U, value[0]);
	EXPECT_EQ(~0U, value[1]);
	/* What follows the table is read. */
	EXPECT_NE(~0U, value[2]);
}

/* As in vfio-pci: only SET_IRQS enables MSI-X. */
TEST_F(open, writes_of_the_msix_capability_are_dropped)
{
	uint32_t pos = find_cap(self->device, PCI_CAP_ID_MSIX);
	int fd;

	new_eventfds(&fd, 1);
	ASSERT_EQ(0, config_put(self->device, pos + PCI_MSIX_FLAGS,
				PCI_MSIX_FLAGS_ENABLE, 2));
	EXPECT_EQ(TESTDEV_NR_MSIX - 1,
		  in_device(&self->td, pos + PCI_MSIX_FLAGS, 2));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, &fd));
	ASSERT_EQ(0, config_put(self->device, pos, 0, 4));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
}

TEST_F(open, msix_table_is_written_while_the_consumer_has_decoding_off)
{
	int fd;

	new_eventfds(&fd, 1);
	ASSERT_EQ(0, config_put(self->device, PCI_COMMAND, 0, 2));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, &fd));
	EXPECT_EQ(PCI_COMMAND_INTX_DISABLE,
		  in_device(&self->td, PCI_COMMAND, 2));
	EXPECT_STREQ("msix", fire(&self->td, 0));
}

/* The device keeps the interrupt of such a vector until it has an eventfd. */
TEST_F(open, msix_vector_without_eventfd_is_masked)
{
	int fds[2], none[2] = { -1, -1 };

	new_eventfds(fds, 2);
	/* QEMU enables MSI-X like this. */
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, none));
	EXPECT_EQ(PCI_MSIX_FLAGS_ENABLE,
		  in_device(&self->td,
			    find_cap(self->device, PCI_CAP_ID_MSIX) +
				    PCI_MSIX_FLAGS,
			    2) &
			  PCI_MSIX_FLAGS_ENABLE);
	EXPECT_STREQ("none", fire(&self->td, 0));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 2, fds));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_EQ(1, eventfd_wait(fds[0], SOON_MS));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, none));
	EXPECT_STREQ("none", fire(&self->td, 0));
	EXPECT_STREQ("msix", fire(&self->td, 1));
	/* A vector that was in use before MSI-X was disabled. */
	ASSERT_EQ(0, irq_disable(self->device, MSIX));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, fds));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_STREQ("none", fire(&self->td, 1));
}

TEST_F(open, msi_is_enabled_in_the_device_by_set_irqs)
{
	uint32_t pos = find_cap(self->device, PCI_CAP_ID_MSI);
	int fds[8];

	new_eventfds(fds, 8);
	EXPECT_STREQ("none", fire(&self->td, 0));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSI, 0, 3, fds));
	EXPECT_STREQ("msi", fire(&self->td, 2));
	EXPECT_EQ(1, eventfd_wait(fds[2], SOON_MS));
	/* Four vectors are enabled: enough for three. */
	EXPECT_EQ(2 << 4, in_device(&self->td, pos + PCI_MSI_FLAGS, 2) &
				  PCI_MSI_FLAGS_QSIZE);
	EXPECT_STREQ("msi", fire(&self->td, 5));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSI, 3, 5, fds + 3));
	EXPECT_STREQ("msi", fire(&self->td, 5));
	EXPECT_EQ(1, eventfd_wait(fds[5], SOON_MS));
	ASSERT_EQ(0, irq_disable(self->device, MSI));
	EXPECT_STREQ("none", fire(&self->td, 0));
	EXPECT_EQ(0, in_device(&self->td, pos + PCI_MSI_FLAGS, 2) &
			     (PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE));
}

/* The consumer reads what it wrote, and enables no more than SET_IRQS enabled. */
TEST_F(open, msi_registers_are_virtual)
{
	uint32_t pos = find_cap(self->device, PCI_CAP_ID_MSI);
	uint32_t plain = config_get(self->device, pos + PCI_MSI_FLAGS, 2);
	const uint32_t all = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE;
	int fds[2];

	new_eventfds(fds, 2);
	ASSERT_EQ(0, config_put(self->device, pos + PCI_MSI_FLAGS, all, 2));
	EXPECT_EQ(plain, config_get(self->device, pos + PCI_MSI_FLAGS, 2));
	EXPECT_STREQ("none", fire(&self->td, 0));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSI, 0, 2, fds));
	ASSERT_EQ(0, config_put(self->device, pos + PCI_MSI_FLAGS, all, 2));
	EXPECT_EQ(plain | PCI_MSI_FLAGS_ENABLE | 1 << 4,
		  config_get(self->device, pos + PCI_MSI_FLAGS, 2));
	ASSERT_EQ(0, config_put(self->device, pos + PCI_MSI_ADDRESS_LO,
				0xabcd0000, 4));
	ASSERT_EQ(0,
		  config_put(self->device, pos + PCI_MSI_DATA_64, 0x4321, 2));
	EXPECT_EQ(0xabcd0000,
		  config_get(self->device, pos + PCI_MSI_ADDRESS_LO, 4));
	EXPECT_EQ(0x4321, config_get(self->device, pos + PCI_MSI_DATA_64, 2));
	EXPECT_NE(0xabcd0000,
		  in_device(&self->td, pos + PCI_MSI_ADDRESS_LO, 4));
	EXPECT_STREQ("msi", fire(&self->td, 1));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
	/* The mask bits are the device's. */
	ASSERT_EQ(0, config_put(self->device, pos + PCI_MSI_MASK_64, 2, 4));
	EXPECT_STREQ("none", fire(&self->td, 1));
}

TEST_F(open, id_link_and_reserved_bytes_of_msi_are_read_only)
{
	uint32_t pos = find_cap(self->device, PCI_CAP_ID_MSI);
	uint32_t before = config_get(self->device, pos, 4);

	ASSERT_EQ(0, config_put(self->device, pos, 0x0000ffff, 4));
	EXPECT_EQ(before, config_get(self->device, pos, 4));
	ASSERT_EQ(0, config_put(self->device, pos, 0, 1));
	EXPECT_EQ(before, config_get(self->device, pos, 4));
	ASSERT_EQ(0, config_put(self->device, pos + PCI_MSI_DATA_64, UINT32_MAX,
				4));
	EXPECT_EQ(0xffff, config_get(self->device, pos + PCI_MSI_DATA_64, 4));
}

/* As with vfio-pci, after SET_IRQS. */
TEST_F(open, consumer_turns_enabled_msi_off_and_on)
{
	uint32_t pos = find_cap(self->device, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;
	int fds[2];

	new_eventfds(fds, 2);
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSI, 0, 2, fds));
	ASSERT_EQ(0, config_put(self->device, pos, 1 << 4, 2));
	EXPECT_STREQ("none", fire(&self->td, 0));
	ASSERT_EQ(0, config_put(self->device, pos,
				PCI_MSI_FLAGS_ENABLE | 1 << 4, 2));
	EXPECT_STREQ("msi", fire(&self->td, 1));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
}

TEST_F(open, intx_is_enabled_in_the_device_by_set_irqs)
{
	int fd;

	new_eventfds(&fd, 1);
	EXPECT_STREQ("none", fire(&self->td, 0));
	ASSERT_EQ(0, irq_set_eventfds(self->device, INTX, 0, 1, &fd));
	EXPECT_STREQ("intx", fire(&self->td, 0));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	/* The consumer's own bit. */
	ASSERT_EQ(0,
		  config_put(self->device, PCI_COMMAND,
			     PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE, 2));
	EXPECT_STREQ("none", fire(&self->td, 0));
	EXPECT_EQ(PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE,
		  config_get(self->device, PCI_COMMAND, 2));
	ASSERT_EQ(0,
		  config_put(self->device, PCI_COMMAND, PCI_COMMAND_MEMORY, 2));
	EXPECT_STREQ("intx", fire(&self->td, 0));
	ASSERT_EQ(0, irq_disable(self->device, INTX));
	EXPECT_STREQ("none", fire(&self->td, 0));
	EXPECT_EQ(PCI_COMMAND_MEMORY, config_get(self->device, PCI_COMMAND, 2));
}

TEST_F(open, close_disables_interrupts_in_a_device_without_reset)
{
	uint32_t pos = find_cap(self->device, PCI_CAP_ID_MSIX);
	int fd;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "reset", "never"));
	new_eventfds(&fd, 1);
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, &fd));
	vfio_dev_close(&self->dev);
	EXPECT_EQ(TESTDEV_NR_MSIX - 1,
		  in_device(&self->td, pos + PCI_MSIX_FLAGS, 2));
}

/* Reset --------------------------------------------------------------------- */

/* After a reset the device has what it had before, as with vfio-pci. */
static void check_reset(struct __test_metadata *_metadata, int device,
			struct testdev *td, int (*reset)(int device))
{
	const uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	uint32_t bar[6], msi = find_cap(device, PCI_CAP_ID_MSI);
	int i, fds[3];

	for (i = 0; i < 6; i++)
		bar[i] = in_device(td, BAR_POS(i), 4);
	new_eventfds(fds, 3);
	ASSERT_EQ(0, config_put(device, PCI_COMMAND, command, 2));
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 3, fds));
	ASSERT_EQ(0, reset(device));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(bar[i], in_device(td, BAR_POS(i), 4));
	EXPECT_EQ(command, config_get(device, PCI_COMMAND, 2));
	EXPECT_EQ(TESTDEV_ID, read_id(device));
	EXPECT_STREQ("msix", fire(td, 2));
	EXPECT_EQ(1, eventfd_wait(fds[2], SOON_MS));
	EXPECT_STREQ("none", fire(td, 3));
	ASSERT_EQ(0, irq_disable(device, MSIX));

	ASSERT_EQ(0, irq_set_eventfds(device, MSI, 0, 2, fds));
	ASSERT_EQ(0, reset(device));
	EXPECT_STREQ("msi", fire(td, 1));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
	EXPECT_EQ(1 << 4,
		  in_device(td, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QSIZE);
	ASSERT_EQ(0, irq_disable(device, MSI));

	ASSERT_EQ(0, irq_set_eventfds(device, INTX, 0, 1, fds));
	ASSERT_EQ(0, reset(device));
	EXPECT_STREQ("intx", fire(td, 0));
	EXPECT_EQ(1, eventfd_wait(fds[0], SOON_MS));
}

static int reset_by_ioctl(int device)
{
	return ioctl(device, VFIO_DEVICE_RESET);
}

static int reset_by_flr(int device)
{
	uint32_t pos = find_cap(device, PCI_CAP_ID_EXP);

	return config_put(device, pos + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR,
			  2);
}

TEST_F(open, reset_restores_the_device)
{
	long long before = testdev_num(&self->td, "count reset");

	check_reset(_metadata, self->device, &self->td, reset_by_ioctl);
	EXPECT_EQ(before + 3, testdev_num(&self->td, "count reset"));
}

TEST_F(open, function_level_reset_restores_the_device)
{
	check_reset(_metadata, self->device, &self->td, reset_by_flr);
	EXPECT_EQ(0, config_get(self->device,
				find_cap(self->device, PCI_CAP_ID_EXP) +
					PCI_EXP_DEVCTL,
				2) &
			     PCI_EXP_DEVCTL_BCR_FLR);
}

static void check_saved(struct __test_metadata *_metadata, int device,
			struct testdev *td, int (*reset)(int device))
{
	uint32_t exp = find_cap(device, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	uint32_t msi = find_cap(device, PCI_CAP_ID_MSI) + PCI_MSI_MASK_64;
	int fds[2];

	new_eventfds(fds, 2);
	ASSERT_EQ(0, irq_set_eventfds(device, MSI, 0, 2, fds));
	ASSERT_EQ(0, config_put(device, msi, 1, 4));
	ASSERT_EQ(0, config_put(device, exp, 0x281f, 2));
	ASSERT_EQ(0, config_put(device, PCI_CACHE_LINE_SIZE, 0x10, 1));
	ASSERT_EQ(0, reset(device));
	EXPECT_EQ(0x281f, in_device(td, exp, 2));
	EXPECT_EQ(0x10, in_device(td, PCI_CACHE_LINE_SIZE, 1));
	EXPECT_STREQ("none", fire(td, 0));
	EXPECT_STREQ("msi", fire(td, 1));
}

TEST_F(open, reset_restores_what_only_the_consumer_sets)
{
	check_saved(_metadata, self->device, &self->td, reset_by_ioctl);
}

TEST_F(open, function_level_reset_restores_what_only_the_consumer_sets)
{
	check_saved(_metadata, self->device, &self->td, reset_by_flr);
}

/* Threads that are killed --------------------------------------------------- */

/*
 * Kills a process that shares the open device while it waits for the reply to the
 * first @command of @call.
 */
static int kill_in(struct testdev *td, int device, const char *command,
		   int (*call)(int device))
{
	pid_t pid;
	int ret;

	if (testdev_cmd(td, "hold %s", command))
		return -1;
	pid = fork();
	if (!pid) {
		call(device);
		_exit(0);
	}
	ret = testdev_cmd(td, "held 1");
	kill(pid, SIGKILL);
	if (task_wait_end(pid, SOON_MS) != SIGKILL)
		ret = -1;
	return testdev_cmd(td, "restore") ? -1 : ret;
}

static int enable_msix(int device)
{
	int fds[2];

	new_eventfds(fds, 2);
	return irq_set_eventfds(device, MSIX, 0, 2, fds);
}

static int enable_msi(int device)
{
	int fd;

	new_eventfds(&fd, 1);
	return irq_set_eventfds(device, MSI, 0, 1, &fd);
}

static int enable_intx(int device)
{
	int fd;

	new_eventfds(&fd, 1);
	return irq_set_eventfds(device, INTX, 0, 1, &fd);
}

static int disable_msix(int device)
{
	return irq_disable(device, MSIX);
}

TEST_F(open, interrupts_work_after_a_killed_set_irqs)
{
	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", enable_msix));
	ASSERT_EQ(0, enable_msix(self->device));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_STREQ("msix", fire(&self->td, 1));
	ASSERT_EQ(0, disable_msix(self->device));

	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", enable_msi));
	ASSERT_EQ(0, enable_msi(self->device));
	EXPECT_STREQ("msi", fire(&self->td, 0));
	ASSERT_EQ(0, irq_disable(self->device, MSI));

	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", enable_intx));
	ASSERT_EQ(0, enable_intx(self->device));
	EXPECT_STREQ("intx", fire(&self->td, 0));
}

TEST_F(open, other_kind_of_interrupt_works_after_a_killed_set_irqs)
{
	ASSERT_EQ(0, enable_msix(self->device));
	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", disable_msix));
	/* The server may have it disabled already. */
	irq_disable(self->device, MSIX);
	ASSERT_EQ(0, enable_msi(self->device));
	EXPECT_STREQ("msi", fire(&self->td, 0));
}

static int add_vectors(int device)
{
	int fds[2];

	new_eventfds(fds, 2);
	return irq_set_eventfds(device, MSIX, 2, 2, fds);
}

TEST_F(open, vector_works_after_it_was_added_by_a_killed_thread)
{
	ASSERT_EQ(0, enable_msix(self->device));
	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", add_vectors));
	ASSERT_EQ(0, add_vectors(self->device));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_STREQ("msix", fire(&self->td, 2));
	EXPECT_STREQ("msix", fire(&self->td, 3));
}

static void check_killed_reset(struct __test_metadata *_metadata, int device,
			       struct testdev *td, const char *command,
			       int (*reset)(int device))
{
	uint32_t exp = find_cap(device, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	ASSERT_EQ(0, enable_msix(device));
	ASSERT_EQ(0, config_put(device, exp, 0x281f, 2));
	ASSERT_EQ(0, kill_in(td, device, command, reset));
	EXPECT_EQ(UINT32_MAX, read_id(device));
	ASSERT_EQ(0, config_put(device, PCI_COMMAND,
				PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2));
	EXPECT_EQ(TESTDEV_ID, read_id(device));
	EXPECT_STREQ("msix", fire(td, 1));
	EXPECT_EQ(0x281f, in_device(td, exp, 2));
}

TEST_F(open, next_access_restores_the_device_after_a_killed_reset)
{
	check_killed_reset(_metadata, self->device, &self->td, "reset",
			   reset_by_ioctl);
}

TEST_F(open, next_access_restores_the_device_after_a_killed_flr)
{
	check_killed_reset(_metadata, self->device, &self->td, "write",
			   reset_by_flr);
}

/* Configuration spaces that are wrong --------------------------------------- */

FIXTURE(broken)
{
	struct testdev td;
	struct vfio_dev dev;
};

FIXTURE_VARIANT(broken)
{
	const char *option;
	bool id; /* BAR 0 answers */
	bool msix; /* the device sends MSI-X */
};

FIXTURE_VARIANT_ADD(broken, bar_smaller_than_its_region) {
	.option = "--broken=bar-small",
	.msix = true,
};

FIXTURE_VARIANT_ADD(broken, bar_larger_than_its_region) {
	.option = "--broken=bar-large",
	.msix = true,
};

FIXTURE_VARIANT_ADD(broken, list_of_capabilities_without_end) {
	.option = "--broken=cap-loop",
	.id = true,
	.msix = true,
};

FIXTURE_VARIANT_ADD(broken, capability_beyond_the_end) {
	.option = "--broken=cap-end",
	.id = true,
};

FIXTURE_VARIANT_ADD(broken, short_capability_at_the_end) {
	.option = "--broken=cap-short",
	.id = true,
	.msix = true,
};

FIXTURE_VARIANT_ADD(broken, msix_table_outside_of_its_bar) {
	.option = "--broken=msix-outside",
	.id = true,
};

FIXTURE_VARIANT_ADD(broken, msix_table_in_no_bar) {
	.option = "--broken=msix-no-bar",
	.id = true,
};

FIXTURE_VARIANT_ADD(broken, header_of_a_bridge) {
	.option = "--broken=bridge",
};

FIXTURE_SETUP(broken)
{
	ASSERT_EQ(0, model_start(&self->td, variant->option));
}

FIXTURE_TEARDOWN(broken)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

/* The device can be used, except for what is wrong. */
TEST_F(broken, device_can_be_used)
{
	int fds[TESTDEV_NR_MSIX];

	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	EXPECT_EQ(variant->id ? TESTDEV_ID : UINT32_MAX,
		  read_id(self->dev.device));
	if (!variant->id)
		EXPECT_EQ(0, in_device(&self->td, BAR_POS(0), 4));
	new_eventfds(fds, TESTDEV_NR_MSIX);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, MSIX, 0,
				      TESTDEV_NR_MSIX, fds));
	EXPECT_STREQ(variant->msix ? "msix" : "none", fire(&self->td, 31));
	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_STREQ(variant->msix ? "msix" : "none", fire(&self->td, 31));
	ASSERT_EQ(0, config_put(self->dev.device, BAR_POS(0), UINT32_MAX, 4));
	if (variant->id || variant->msix)
		EXPECT_EQ((uint32_t)-TESTDEV_BAR0_SIZE,
			  config_get(self->dev.device, BAR_POS(0), 4));
	EXPECT_EQ(0, irq_disable(self->dev.device, MSIX));
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "attached", SOON_MS));
}

HELPER_MAIN
