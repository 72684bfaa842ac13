// SPDX-License-Identifier: GPL-2.0
/* Configuration space. */
#include <string.h>
#include <time.h>

#include "../config.h"
#include "../regs.h"
#include "fake-memory.h"
#include "tap.h"

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

static void test_header(void)
{
	tap_ok(rd(PCI_VENDOR_ID, 4) == 0x20218086, "8086:2021");
	tap_ok(rd(PCI_CLASS_REVISION, 4) >> 8 == 0x088000, "class");
	tap_ok((rd(PCI_HEADER_TYPE, 1) & 0x7f) == 0, "header type 0");
	tap_ok(rd(PCI_INTERRUPT_PIN, 1) == 0, "no INTx");
	tap_ok(rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, "capabilities");
	tap_ok(rd(PCI_COMMAND, 2) == 0 && !vuser_pci_bus_master(&pci),
	       "command register is 0, no bus master");
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	tap_ok(rd(PCI_COMMAND, 2) ==
			       (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER) &&
		       vuser_pci_bus_master(&pci),
	       "and can be written");
}

static void test_bars(void)
{
	unsigned int i;
	bool none = true;

	wr(PCI_BASE_ADDRESS_0, 4, ~0u);
	wr(PCI_BASE_ADDRESS_1, 4, ~0u);
	tap_ok(rd(PCI_BASE_ADDRESS_0, 4) == 0xffff0004 &&
		       rd(PCI_BASE_ADDRESS_1, 4) == ~0u,
	       "BAR 0: 64 KiB of 64-bit memory");
	for (i = PCI_BASE_ADDRESS_2; i <= PCI_BASE_ADDRESS_5; i += 4) {
		wr(i, 4, ~0u);
		none = none && rd(i, 4) == 0;
	}
	tap_ok(none, "no other BAR");
}

static void test_msix(void)
{
	uint32_t cap = vuser_pci_find_cap(&pci, PCI_CAP_ID_MSIX);

	tap_ok(cap && (rd(cap + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) == 0,
	       "MSI-X with one vector");
	tap_ok(rd(cap + PCI_MSIX_TABLE, 4) == IOAT_MSIX_TABLE &&
		       rd(cap + PCI_MSIX_PBA, 4) == IOAT_MSIX_PBA,
	       "table and pending bits in BAR 0");
	tap_ok(IOAT_MSIX_TABLE % 4096 == 0 && IOAT_MSIX_PBA % 4096 == 0 &&
		       IOAT_MSIX_TABLE != IOAT_MSIX_PBA,
	       "on pages of their own");
	tap_ok(vuser_pci_find_cap(&pci, PCI_CAP_ID_PM) != 0,
	       "power management");
}

static void test_pcie(void)
{
	uint32_t cap = vuser_pci_find_cap(&pci, PCI_CAP_ID_EXP);

	tap_ok(cap && (rd(cap + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4 ==
			      PCI_EXP_TYPE_RC_END,
	       "PCI Express, integrated endpoint");
	tap_ok(rd(cap + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR,
	       "can do a function level reset");
	tap_ok(wr(cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR) == 1,
	       "which a write asks for");
	tap_ok(wr(cap + PCI_EXP_DEVCTL, 2, 0) == 0, "and another does not");
	tap_ok(rd(0x100, 4) == 0, "no extended capabilities");
}

/* A descriptor nobody mapped, to make an error. */
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
	tap_bail("the channel did not halt");
}

static void test_errors(void)
{
	tap_ok(rd(IOAT_PCI_DMAUNCERRSTS, 4) == 0, "DMAUNCERRSTS is 0");
	wr(IOAT_PCI_DMAUNCERRSTS, 4, ~0u);
	tap_ok(rd(IOAT_PCI_DMAUNCERRSTS, 4) == 0, "writing ones sets nothing");
	tap_ok(rd(IOAT_PCI_CHANERR_INT, 4) == 0, "CHANERR_INT is 0");
	make_error();
	tap_ok(rd(IOAT_PCI_CHANERR_INT, 4) == IOAT_ERR_CHAIN,
	       "CHANERR_INT shows the error");
	wr(IOAT_PCI_CHANERR_INT, 4, ~IOAT_ERR_CHAIN);
	tap_ok(rd(IOAT_PCI_CHANERR_INT, 4) == IOAT_ERR_CHAIN,
	       "other bits do not clear it");
	wr(IOAT_PCI_CHANERR_INT, 1, IOAT_ERR_CHAIN);
	tap_ok(rd(IOAT_PCI_CHANERR_INT, 4) == 0, "its own does");
	wr(IOAT_PCI_CHANERRMASK_INT, 4, IOAT_ERR_CHAIN);
	tap_ok(rd(IOAT_PCI_CHANERRMASK_INT, 4) == IOAT_ERR_CHAIN,
	       "CHANERRMASK_INT");
	make_error();
	tap_ok(rd(IOAT_PCI_CHANERR_INT, 4) == 0, "masks");
}

static void test_reset(void)
{
	vuser_pci_reset(&pci);
	tap_ok(rd(PCI_COMMAND, 2) == 0 && rd(PCI_BASE_ADDRESS_0, 4) == 4 &&
		       rd(IOAT_PCI_CHANERRMASK_INT, 4) == 0,
	       "a reset brings all back");
}

int main(void)
{
	fake_memory_init(&mem);
	if (ioat_config_init(&pci) ||
	    ioat_channel_new(&channel, fake_memory_dma(&mem),
			     (struct ioat_irq) { no_irq, NULL }))
		tap_bail("cannot make the device");
	test_header();
	test_bars();
	test_msix();
	test_pcie();
	test_errors();
	test_reset();
	ioat_channel_free(channel);
	fake_memory_fini(&mem);
	return tap_done();
}
