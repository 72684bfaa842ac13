// SPDX-License-Identifier: GPL-2.0
/* Configuration space. */
#include <string.h>
#include <time.h>

#include "../../devices/ioat/config.h"
#include "../../devices/ioat/regs.h"
#include "fake-memory.h"
#include "expect.h"

static struct fake_memory mem;
static struct ioat_channel *channel;
static struct vuser_pci pci;

static void no_irq(void *ctx)
{
	(void)ctx;
}

static uint32_t rd(uint32_t offset, uint32_t size)
{
	uint32_t value = 0;

	if (ioat_config_read(&pci, channel, offset, &value, size))
		return ~0u;
	return value;
}

static int wr(uint32_t offset, uint32_t size, uint32_t value)
{
	return ioat_config_write(&pci, channel, offset, &value, size);
}

static void setup(void)
{
	fake_memory_init(&mem);
	if (ioat_config_init(&pci) ||
	    ioat_channel_new(&channel, fake_memory_dma(&mem),
			     (struct ioat_irq) { no_irq, NULL }))
		bail("cannot create the device");
}

static void teardown(void)
{
	ioat_channel_free(channel);
	fake_memory_fini(&mem);
}

TEST(header_has_the_ids_of_the_engine)
{
	setup();
	expect(rd(PCI_VENDOR_ID, 4) == 0x20218086, "8086:2021");
	expect(rd(PCI_CLASS_REVISION, 4) >> 8 == 0x088000, "class");
	expect((rd(PCI_HEADER_TYPE, 1) & 0x7f) == 0, "the header type is 0");
	expect(rd(PCI_INTERRUPT_PIN, 1) == 0, "there is no INTx");
	expect(rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, "capabilities");
	expect(rd(PCI_COMMAND, 2) == 0 && !vuser_pci_bus_master(&pci),
	       "the command register is 0 after a reset");
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	expect(rd(PCI_COMMAND, 2) ==
			       (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER) &&
		       vuser_pci_bus_master(&pci),
	       "the command register is writable");
	teardown();
}

TEST(bar_0_is_the_only_bar)
{
	unsigned int i;
	bool none = true;

	setup();
	wr(PCI_BASE_ADDRESS_0, 4, ~0u);
	wr(PCI_BASE_ADDRESS_1, 4, ~0u);
	expect(rd(PCI_BASE_ADDRESS_0, 4) == 0xffff0004 &&
		       rd(PCI_BASE_ADDRESS_1, 4) == ~0u,
	       "BAR 0 is 64 KiB of 64-bit memory");
	for (i = PCI_BASE_ADDRESS_2; i <= PCI_BASE_ADDRESS_5; i += 4) {
		wr(i, 4, ~0u);
		none = none && rd(i, 4) == 0;
	}
	expect(none, "there is no other BAR");
	teardown();
}

TEST(msix_capability_has_one_vector_in_bar_0)
{
	uint32_t cap;

	setup();
	cap = vuser_pci_find_cap(&pci, PCI_CAP_ID_MSIX);
	expect(cap && (rd(cap + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) == 0,
	       "MSI-X has one vector");
	expect(rd(cap + PCI_MSIX_TABLE, 4) == IOAT_MSIX_TABLE &&
		       rd(cap + PCI_MSIX_PBA, 4) == IOAT_MSIX_PBA,
	       "the table and the pending bits are in BAR 0");
	expect(IOAT_MSIX_TABLE % 4096 == 0 && IOAT_MSIX_PBA % 4096 == 0 &&
		       IOAT_MSIX_TABLE != IOAT_MSIX_PBA,
	       "each of the two has its own page");
	expect(vuser_pci_find_cap(&pci, PCI_CAP_ID_PM) != 0,
	       "there is a power management capability");
	teardown();
}

TEST(pcie_capability_supports_function_level_reset)
{
	uint32_t cap;

	setup();
	cap = vuser_pci_find_cap(&pci, PCI_CAP_ID_EXP);
	expect(cap && (rd(cap + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4 ==
			       PCI_EXP_TYPE_RC_END,
	       "the device is a PCI Express integrated endpoint");
	expect(rd(cap + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR,
	       "function level reset is supported");
	expect(wr(cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR) == 1,
	       "writing the bit requests a reset");
	expect(wr(cap + PCI_EXP_DEVCTL, 2, 0) == 0, "writing 0 requests none");
	expect(rd(0x100, 4) == 0, "there are no extended capabilities");
	teardown();
}

/* Start a descriptor that is not mapped, to cause an error. */
static void make_error(void)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	struct ioat_channel_regs regs;
	int i;

	ioat_channel_set_chain(channel, 0x1000);
	ioat_channel_set_count(channel, 1);
	for (i = 0; i < 100000; i++) {
		ioat_channel_read(channel, &regs);
		if ((regs.chansts & IOAT_CHANSTS_STATE) == IOAT_HALTED)
			return;
		nanosleep(&pause, NULL);
	}
	bail("the channel did not halt");
}

TEST(error_registers_are_masked_and_cleared_by_writing_1)
{
	setup();
	expect(rd(IOAT_PCI_DMAUNCERRSTS, 4) == 0, "DMAUNCERRSTS is 0");
	wr(IOAT_PCI_DMAUNCERRSTS, 4, ~0u);
	expect(rd(IOAT_PCI_DMAUNCERRSTS, 4) == 0, "writing ones sets no bit");
	expect(rd(IOAT_PCI_CHANERR_INT, 4) == 0, "CHANERR_INT is 0");
	make_error();
	expect(rd(IOAT_PCI_CHANERR_INT, 4) == IOAT_ERR_CHAIN,
	       "CHANERR_INT shows the error");
	wr(IOAT_PCI_CHANERR_INT, 4, ~IOAT_ERR_CHAIN);
	expect(rd(IOAT_PCI_CHANERR_INT, 4) == IOAT_ERR_CHAIN,
	       "writing other bits does not clear it");
	wr(IOAT_PCI_CHANERR_INT, 1, IOAT_ERR_CHAIN);
	expect(rd(IOAT_PCI_CHANERR_INT, 4) == 0, "writing its bit clears it");
	wr(IOAT_PCI_CHANERRMASK_INT, 4, IOAT_ERR_CHAIN);
	expect(rd(IOAT_PCI_CHANERRMASK_INT, 4) == IOAT_ERR_CHAIN,
	       "CHANERRMASK_INT");
	make_error();
	expect(rd(IOAT_PCI_CHANERR_INT, 4) == 0, "masks");
	teardown();
}

TEST(reset_restores_configuration_space)
{
	setup();
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(PCI_BASE_ADDRESS_0, 4, ~0u);
	wr(IOAT_PCI_CHANERRMASK_INT, 4, ~0u);
	vuser_pci_reset(&pci);
	expect(rd(PCI_COMMAND, 2) == 0 && rd(PCI_BASE_ADDRESS_0, 4) == 4 &&
		       rd(IOAT_PCI_CHANERRMASK_INT, 4) == 0,
	       "a reset restores the initial values");
	teardown();
}
