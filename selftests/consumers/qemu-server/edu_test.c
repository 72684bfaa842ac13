// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's edu, served by QEMU's vfio-user server: a device with registers in BAR
 * 0, one MSI vector, INTx and DMA (docs/specs/edu.rst of QEMU).  It computes
 * factorials.
 *
 * edu answers only if memory decoding is on and BAR 0 has an address, does DMA
 * only if bus mastering is on, and sends MSI only if MSI is enabled in its
 * configuration space.
 *
 * usage: VUSER_UUID=UUID edu_test
 */
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../../lib/mem.h"
#include "../../lib/vfio.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8
#define EDU_ID	   0x010000ed
#define BAR0_SIZE  0x100000

#define REG_ID		0x00
#define REG_INVERT	0x04
#define REG_FACTORIAL	0x08
#define REG_STATUS	0x20
#define STATUS_IRQ	0x80
#define REG_IRQ		0x24
#define IRQ_FACTORIAL	0x001
#define IRQ_DMA		0x100
#define REG_RAISE	0x60
#define REG_ACKNOWLEDGE 0x64
#define REG_DMA_SRC	0x80
#define REG_DMA_DST	0x88
#define REG_DMA_COUNT	0x90
#define REG_DMA_CMD	0x98
#define DMA_RUN		0x1
#define DMA_TO_MEMORY	0x2
#define DMA_IRQ		0x4

/* The device's buffer in its own address space. */
#define BUFFER	    0x40000
#define BUFFER_SIZE 4096
/* edu has 28 bits of address. */
#define IOVA 0x100000

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX
#define BAR0   VFIO_PCI_BAR0_REGION_INDEX
#define INTX   VFIO_PCI_INTX_IRQ_INDEX
#define MSI    VFIO_PCI_MSI_IRQ_INDEX

/* The time limit for an interrupt, in ms. */
#define SOON_MS 20000

FIXTURE(edu)
{
	struct vfio_dev dev;
	volatile uint8_t *bar;
	int event;
};

FIXTURE_SETUP(edu)
{
	const char *uuid = getenv("VUSER_UUID");

	ASSERT_NE(NULL, uuid);
	ASSERT_EQ(0, vfio_dev_open(&self->dev, uuid, VFIO_TYPE1v2_IOMMU));
	self->bar = region_mmap(self->dev.device, BAR0, 0, BAR0_SIZE,
				PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->bar);
	self->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->event);
}

FIXTURE_TEARDOWN(edu)
{
	close(self->event);
	munmap((void *)self->bar, BAR0_SIZE);
	vfio_dev_close(&self->dev);
}

/* edu ignores accesses of other sizes to the registers below 0x80. */
static uint32_t reg_read(volatile uint8_t *bar, uint32_t reg)
{
	return *(volatile uint32_t *)(bar + reg);
}

static void reg_write(volatile uint8_t *bar, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(bar + reg) = value;
}

static void reg_write64(volatile uint8_t *bar, uint32_t reg, uint64_t value)
{
	*(volatile uint64_t *)(bar + reg) = value;
}

static int set_bus_master(int device)
{
	uint16_t command;
	int ret = region_get(device, CONFIG, PCI_COMMAND, &command, 2);

	if (ret)
		return ret;
	command |= PCI_COMMAND_MASTER;
	return region_put(device, CONFIG, PCI_COMMAND, &command, 2);
}

/* Copies the device's buffer to or from IOVA; an interrupt reports the end. */
static void start_dma(volatile uint8_t *bar, bool to_memory)
{
	reg_write64(bar, REG_DMA_SRC, to_memory ? BUFFER : IOVA);
	reg_write64(bar, REG_DMA_DST, to_memory ? IOVA : BUFFER);
	reg_write64(bar, REG_DMA_COUNT, BUFFER_SIZE);
	reg_write64(bar, REG_DMA_CMD,
		    DMA_RUN | DMA_IRQ | (to_memory ? DMA_TO_MEMORY : 0));
}

TEST_F(edu, config_has_the_ids_of_edu)
{
	uint16_t id[2];

	ASSERT_EQ(0,
		  region_get(self->dev.device, CONFIG, PCI_VENDOR_ID, id, 4));
	EXPECT_EQ(EDU_VENDOR, id[0]);
	EXPECT_EQ(EDU_DEVICE, id[1]);
}

TEST_F(edu, mapped_registers_answer_after_open)
{
	EXPECT_EQ(EDU_ID, reg_read(self->bar, REG_ID));
	reg_write(self->bar, REG_INVERT, 0x12345678);
	EXPECT_EQ(~0x12345678U, reg_read(self->bar, REG_INVERT));
}

TEST_F(edu, pread_and_pwrite_reach_the_registers)
{
	uint32_t value = 0xcafe0000;

	ASSERT_EQ(0, region_put(self->dev.device, BAR0, REG_INVERT, &value, 4));
	ASSERT_EQ(0, region_get(self->dev.device, BAR0, REG_INVERT, &value, 4));
	EXPECT_EQ(~0xcafe0000U, value);
}

TEST_F(edu, registers_answer_after_reset)
{
	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(EDU_ID, reg_read(self->bar, REG_ID));
}

TEST_F(edu, factorial_is_announced_by_msi)
{
	ASSERT_EQ(0,
		  irq_set_eventfds(self->dev.device, MSI, 0, 1, &self->event));
	reg_write(self->bar, REG_STATUS, STATUS_IRQ);
	reg_write(self->bar, REG_FACTORIAL, 10);
	ASSERT_EQ(1, eventfd_wait(self->event, SOON_MS));
	EXPECT_EQ(3628800, reg_read(self->bar, REG_FACTORIAL));
	EXPECT_EQ(IRQ_FACTORIAL, reg_read(self->bar, REG_IRQ));
	reg_write(self->bar, REG_ACKNOWLEDGE, IRQ_FACTORIAL);
	EXPECT_EQ(0, reg_read(self->bar, REG_IRQ));
}

TEST_F(edu, factorial_is_announced_by_intx)
{
	uint32_t unmask = VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_DATA_NONE;
	int i;

	ASSERT_EQ(0,
		  irq_set_eventfds(self->dev.device, INTX, 0, 1, &self->event));
	for (i = 0; i < 3; i++) {
		reg_write(self->bar, REG_STATUS, STATUS_IRQ);
		reg_write(self->bar, REG_FACTORIAL, 5 + i);
		ASSERT_EQ(1, eventfd_wait(self->event, SOON_MS));
		EXPECT_EQ(i == 0 ? 120 :
			  i == 1 ? 720 :
				   5040,
			  reg_read(self->bar, REG_FACTORIAL));
		reg_write(self->bar, REG_ACKNOWLEDGE, IRQ_FACTORIAL);
		ASSERT_EQ(0, irq_set(self->dev.device, unmask, INTX, 0, 1, NULL,
				     0));
	}
}

TEST_F(edu, msi_works_again_after_it_was_disabled)
{
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, irq_set_eventfds(self->dev.device, MSI, 0, 1,
					      &self->event));
		reg_write(self->bar, REG_RAISE, 2);
		EXPECT_EQ(1, eventfd_wait(self->event, SOON_MS));
		reg_write(self->bar, REG_ACKNOWLEDGE, 2);
		ASSERT_EQ(0, irq_disable(self->dev.device, MSI));
	}
}

TEST_F(edu, dma_copies_memory_and_announces_its_end_by_msi)
{
	uint8_t *mem = mem_anon(2 * BUFFER_SIZE);
	uint8_t *copy = mem + BUFFER_SIZE;

	ASSERT_NE(NULL, mem);
	mem_fill(mem, BUFFER_SIZE, 7);
	memcpy(copy, mem, BUFFER_SIZE);
	ASSERT_EQ(0,
		  dma_map(self->dev.container, mem, IOVA, BUFFER_SIZE, DMA_RW));
	ASSERT_EQ(0, set_bus_master(self->dev.device));
	ASSERT_EQ(0,
		  irq_set_eventfds(self->dev.device, MSI, 0, 1, &self->event));

	start_dma(self->bar, false);
	ASSERT_EQ(1, eventfd_wait(self->event, SOON_MS));
	memset(mem, 0, BUFFER_SIZE);
	reg_write(self->bar, REG_ACKNOWLEDGE, IRQ_DMA);
	start_dma(self->bar, true);
	ASSERT_EQ(1, eventfd_wait(self->event, SOON_MS));
	EXPECT_EQ(0, memcmp(mem, copy, BUFFER_SIZE));

	ASSERT_EQ(0,
		  dma_unmap(self->dev.container, IOVA, BUFFER_SIZE, 0, NULL));
	munmap(mem, 2 * BUFFER_SIZE);
}

TEST_F(edu, dma_without_bus_mastering_changes_no_memory)
{
	uint8_t *mem = mem_anon(BUFFER_SIZE);
	size_t i;

	ASSERT_NE(NULL, mem);
	memset(mem, 0x5a, BUFFER_SIZE);
	ASSERT_EQ(0,
		  dma_map(self->dev.container, mem, IOVA, BUFFER_SIZE, DMA_RW));
	ASSERT_EQ(0,
		  irq_set_eventfds(self->dev.device, MSI, 0, 1, &self->event));
	start_dma(self->bar, true);
	ASSERT_EQ(1, eventfd_wait(self->event, SOON_MS));
	for (i = 0; i < BUFFER_SIZE; i++)
		ASSERT_EQ(0x5a, mem[i]);
	munmap(mem, BUFFER_SIZE);
}

TEST_HARNESS_MAIN
