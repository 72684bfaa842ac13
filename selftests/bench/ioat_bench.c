// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of 64 KiB by vuser-ioat, driven through its registers and descriptors
 * in mapped memory. Prints the median of nanoseconds per block.
 *
 * usage: ioat_bench UUID
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/mem.h"
#include "lib/vfio.h"
#include "row.h"

#define BLOCK (64 * 1024)
/* Descriptors between two doorbells, and the blocks that they share. */
#define RING   1024
#define BLOCKS 64
#define ROUNDS 20
#define AREA   ((size_t)BLOCKS * BLOCK)

#define CHANCMD	      0x84
#define CHANCMD_RESET 0x20
#define DMACOUNT      0x86
#define CHAINADDR     0x90
#define CHANCMP	      0x98
#define CHANSTS_STATE 0x7
#define STATE_HALTED  0x3

#define CTL_COMPLETION 0x8

/* Nanoseconds for one turn of the ring. */
#define PATIENCE 60000000000ull

struct descriptor {
	uint32_t size;
	uint32_t control;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
	uint64_t unused[4];
};

/* All that the device touches, IOVA = offset; a huge page's worth each. */
struct memory {
	struct descriptor ring[RING];
	volatile uint64_t completion;
};

static uint8_t *mem;
static volatile uint8_t *bar;

static struct memory *setup(int container)
{
	struct memory *m;
	size_t size = 2 * AREA + (2 << 20);
	unsigned int i;

	mem = mem_hugetlb(size, NULL);
	if (!mem)
		die("huge pages");
	if (dma_map(container, mem, 0, size, DMA_RW))
		die("MAP_DMA");
	memset(mem, 0x5a, AREA);
	m = (struct memory *)(mem + 2 * AREA);
	for (i = 0; i < RING; i++) {
		m->ring[i] = (struct descriptor) {
			.size = BLOCK,
			.control = i == RING - 1 ? CTL_COMPLETION : 0,
			.src = (uint64_t)(i % BLOCKS) * BLOCK,
			.dst = AREA + (uint64_t)(i % BLOCKS) * BLOCK,
			.next = 2 * AREA +
				(i + 1) % RING * sizeof(struct descriptor),
		};
	}
	return m;
}

static void start(void)
{
	*(volatile uint8_t *)(bar + CHANCMD) = CHANCMD_RESET;
	while (*(volatile uint8_t *)(bar + CHANCMD) & CHANCMD_RESET)
		;
	*(volatile uint64_t *)(bar + CHANCMP) =
		2 * AREA + offsetof(struct memory, completion);
	*(volatile uint64_t *)(bar + CHAINADDR) = 2 * AREA;
}

/* One turn of the ring, from the doorbell to the completion in memory. */
static double turn(struct memory *m, uint16_t count)
{
	uint64_t begin = now_ns(), done;

	m->completion = 0;
	*(volatile uint16_t *)(bar + DMACOUNT) = count;
	do {
		done = m->completion;
		if (!done && now_ns() - begin > PATIENCE)
			die("the device does not complete the chain");
	} while (!done);
	if ((done & CHANSTS_STATE) == STATE_HALTED)
		die("the channel halted");
	return (double)(now_ns() - begin) / RING;
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
	start();
	samples_init(&s, ROUNDS);
	for (i = 1; i <= ROUNDS; i++)
		samples_add(&s, turn(m, i * RING));
	if (memcmp(mem, mem + AREA, AREA)) {
		fprintf(stderr, "ioat_bench: the copy differs\n");
		return 1;
	}
	printf("%.1f\n", samples_median(&s));
	vfio_dev_close(&dev);
	return 0;
}
