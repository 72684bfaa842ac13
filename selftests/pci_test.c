// SPDX-License-Identifier: GPL-2.0
/*
 * vuser as firmware and PCI core: BARs, decoding and the rest of configuration space.
 * pci_irq_test.c has the interrupts, pci_reset_test.c has the resets.
 */
#include <kselftest_harness.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/helper.h"
#include "lib/model.h"

#define ROM VFIO_PCI_ROM_REGION_INDEX

static const uint64_t bar_sizes[] = {
	TESTDEV_BAR0_SIZE, TESTDEV_BAR1_SIZE, TESTDEV_BAR2_SIZE,
	TESTDEV_BAR3_SIZE, TESTDEV_BAR4_SIZE,
};

/* A model without a consumer ------------------------------------------------ */

FIXTURE(model)
{
	struct testdev td;
	struct vfio_dev dev;
};

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

TEST_F(model, writes_that_the_server_refuses_do_not_fail_the_open)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail write %d 1000", EPERM));
	ASSERT_EQ(0, model_open(&self->td, &self->dev));
	EXPECT_EQ(TESTDEV_VENDOR_ID, config_get(self->dev.device, 0, 2));
	ASSERT_EQ(0, testdev_cmd(&self->td, "restore"));
	vfio_dev_close(&self->dev);
}

/* An open model ------------------------------------------------------------- */

OPEN_MODEL_FIXTURE

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
