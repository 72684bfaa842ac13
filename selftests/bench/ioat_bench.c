// SPDX-License-Identifier: GPL-2.0
/*
 * Copies blocks of 64 KiB with vuser-ioat, through its registers and
 * descriptors in mapped memory.  Prints the median time per block in
 * nanoseconds.  The program sleeps until the device's interrupt, so that the
 * copies have the machine to themselves, as in the baseline (vuser-ioat
 * --copy-baseline).
 *
 * usage: ioat_bench UUID
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/vfio.h"
#include "row.h"

#define BLOCK (64 * 1024)
/*
 * Descriptors between two doorbells, and the number of blocks that they share.
 * The ring is so long that the time of a doorbell and its interrupt does not
 * matter.
 */
#define RING   4096
#define BLOCKS 512
#define ROUNDS 6
#define AREA   ((size_t)BLOCKS * BLOCK)
/*
 * The place of each part in memory; the blocks are placed as in
 * --copy-baseline.
 */
#define SHIFT (9 * 4096)
#define DST   (AREA + SHIFT)
#define REST  (2 * AREA + ((size_t)2 << 20))
#define SIZE  (REST + ((size_t)2 << 20))

#define INTRCTRL       0x03
#define INTRCTRL_ON    0x09
#define CHANCTRL       0x80
#define CHANCTRL_REARM 0x01
#define CHANCMD	       0x84
#define CHANCMD_RESET  0x20
#define DMACOUNT       0x86
#define CHAINADDR      0x90
#define CHANCMP	       0x98
#define CHANSTS_STATE  0x7
#define STATE_HALTED   0x3

#define CTL_INTERRUPT  0x1
#define CTL_COMPLETION 0x8

/* The limit for one turn of the ring, in ms. */
#define PATIENCE 60000

struct descriptor {
	uint32_t size;
	uint32_t control;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
	uint64_t unused[4];
};

/*
 * The memory that the device uses besides the blocks; its IOVA is the offset in
 * @mem.
 */
struct memory {
	struct descriptor ring[RING];
	volatile uint64_t completion;
};

static uint8_t *mem;
static volatile uint8_t *bar;
static int irq = -1;

static struct memory *setup(int container)
{
	struct memory *m;
	unsigned int i;

	mem = mem_hugetlb(SIZE, NULL);
	if (!mem)
		die("huge pages");
	if (dma_map(container, mem, 0, SIZE, DMA_RW))
		die("MAP_DMA");
	memset(mem, 0x5a, AREA);
	m = (struct memory *)(mem + REST);
	for (i = 0; i < RING; i++) {
		m->ring[i] = (struct descriptor) {
			.size = BLOCK,
			.src = (uint64_t)(i % BLOCKS) * BLOCK,
			.dst = DST + (uint64_t)(i % BLOCKS) * BLOCK,
			.next = REST +
				(i + 1) % RING * sizeof(struct descriptor),
		};
	}
	m->ring[RING - 1].control = CTL_INTERRUPT | CTL_COMPLETION;
	return m;
}

static void start(int device)
{
	irq = eventfd(0, EFD_CLOEXEC);
	if (irq_set_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &irq))
		die("SET_IRQS");
	*(volatile uint8_t *)(bar + CHANCMD) = CHANCMD_RESET;
	while (*(volatile uint8_t *)(bar + CHANCMD) & CHANCMD_RESET)
		;
	*(volatile uint8_t *)(bar + INTRCTRL) = INTRCTRL_ON;
	*(volatile uint64_t *)(bar + CHANCMP) =
		REST + offsetof(struct memory, completion);
	*(volatile uint64_t *)(bar + CHAINADDR) = REST;
}

/* Measures one turn of the ring, from the doorbell to the interrupt. */
static double turn(struct memory *m, uint16_t count)
{
	uint64_t begin = now_ns(), end;

	m->completion = 0;
	*(volatile uint16_t *)(bar + CHANCTRL) = CHANCTRL_REARM;
	*(volatile uint16_t *)(bar + DMACOUNT) = count;
	if (eventfd_wait(irq, PATIENCE) != 1)
		die("the device does not complete the chain");
	end = now_ns();
	if (!m->completion || (m->completion & CHANSTS_STATE) == STATE_HALTED)
		die("the channel halted");
	return (double)(end - begin) / RING;
}

int main(int argc, char **argv)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	struct samples s;
	struct memory *m;
	unsigned int i;

	if (argc != 2) {
		fprintf(stderr, "usage: ioat_bench UUID\n");
		return 2;
	}
	if (vfio_dev_open(&dev, argv[1], VFIO_TYPE1v2_IOMMU))
		die("open the device");
	bar = region_mmap(dev.device, VFIO_PCI_BAR0_REGION_INDEX, 0, 0x1000,
			  PROT_READ | PROT_WRITE);
	if (bar == MAP_FAILED)
		die("mmap");
	if (region_put(dev.device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND,
		       &command, sizeof(command)))
		die("bus master");
	m = setup(dev.container);
	start(dev.device);
	samples_init(&s, ROUNDS);
	for (i = 1; i <= ROUNDS; i++)
		samples_add(&s, turn(m, i * RING));
	if (memcmp(mem, mem + DST, AREA)) {
		fprintf(stderr, "ioat_bench: the copy differs\n");
		return 1;
	}
	printf("%.1f\n", samples_median(&s));
	vfio_dev_close(&dev);
	close(irq);
	return 0;
}
