// SPDX-License-Identifier: GPL-2.0
/*
 * vuser as PCI core: SET_IRQS enables MSI-X, MSI and INTx in the device, and the
 * consumer sees what vfio-pci would show.
 */
#include <kselftest_harness.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/helper.h"
#include "lib/model.h"

OPEN_MODEL_FIXTURE

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

/*
 * Servers such as usbvfiod expect that their client emulates the MSI-X table: reads
 * return ones, and a write may be the end of the server.
 */
TEST(msix_table_that_reads_as_ones_is_not_written)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev_access acc;
	unsigned int i, written = 0;
	struct testdev td;
	int fds[2];

	new_eventfds(fds, 2);
	ASSERT_EQ(0, model_start(&td, "--no-table"));
	ASSERT_EQ(0, model_open(&td, &dev));
	ASSERT_EQ(0, testdev_log_clear(&td));
	ASSERT_EQ(0, irq_set_eventfds(dev.device, MSIX, 0, 2, fds));
	EXPECT_STREQ("msix", fire(&td, 1));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
	ASSERT_EQ(0, irq_disable(dev.device, MSIX));
	EXPECT_STREQ("none", fire(&td, 1));
	ASSERT_EQ(0, irq_set_eventfds(dev.device, MSIX, 1, 1, fds));
	ASSERT_EQ(0, ioctl(dev.device, VFIO_DEVICE_RESET));
	EXPECT_STREQ("msix", fire(&td, 1));
	EXPECT_EQ(1, eventfd_wait(fds[0], SOON_MS));
	for (i = 0; i < testdev_log_count(&td); i++) {
		ASSERT_EQ(0, testdev_log_get(&td, i, &acc));
		written += acc.region == BAR(1) && acc.dir != 'r';
	}
	EXPECT_EQ(0, written);
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* In D3, the table reads as ones, and writes are lost. */
TEST_F(open, msix_vectors_set_in_d3_work_in_d0)
{
	uint32_t pm = find_cap(self->device, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	int fds[2], none = -1;

	new_eventfds(fds, 2);
	ASSERT_EQ(0, config_put(self->device, pm, 3, 2));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, fds));
	EXPECT_STREQ("none", fire(&self->td, 0));
	ASSERT_EQ(0, config_put(self->device, pm, 0, 2));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_EQ(1, eventfd_wait(fds[0], SOON_MS));
	/* Now the kernel knows that there is a table. */
	ASSERT_EQ(0, config_put(self->device, pm, 3, 2));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 1, 1, fds + 1));
	ASSERT_EQ(0, irq_set_eventfds(self->device, MSIX, 0, 1, &none));
	ASSERT_EQ(0, config_put(self->device, pm, 0, 2));
	EXPECT_STREQ("none", fire(&self->td, 0));
	EXPECT_STREQ("msix", fire(&self->td, 1));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
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

HELPER_MAIN
