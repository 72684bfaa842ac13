// SPDX-License-Identifier: GPL-2.0
/*
 * Copies with vuser-ioat, and checks every byte, while the server is killed and started
 * again.
 *
 * The program behaves as a driver: it writes each register once, and waits.  As soon as a
 * copy is complete, it uses the memory of the copy for something else.  So a lost register
 * write is a copy that never completes, and a copy that is made twice is a wrong byte.
 *
 * SIGTERM ends the program after the current round.  Its last line is
 * "N copies, N bytes, longest wait N ms".
 *
 * usage: copy_load UUID
 */
#include <linux/pci_regs.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../lib/clock.h"
#include "../../lib/dice.h"
#include "../../lib/mem.h"
#include "../../lib/vfio.h"

#define RING 64
/* Bytes of the memory of one copy: its source, its destination, and their ends. */
#define SLOT 16384
#define MAX  (SLOT / 2)

#define CHANCTRL       0x80
#define CHANCTRL_REARM 0x01
#define CHANCMD	       0x84
#define CHANCMD_RESET  0x20
#define DMACOUNT       0x86
#define CHANSTS	       0x88
#define CHAINADDR      0x90
#define CHANCMP	       0x98
#define CHANERR	       0xa8
#define CHANSTS_STATE  0x7
#define STATE_HALTED   0x3

#define CTL_INTERRUPT  0x1
#define CTL_COMPLETION 0x8

/* The limit for one copy, in ms: a restart with an emulated processor included. */
#define PATIENCE 100000

struct descriptor {
	uint32_t size;
	uint32_t control;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
	uint64_t unused[4];
};

/**
 * struct memory - the memory of the device; its IOVA is the offset in it
 * @ring: descriptors
 * @completion: address of the last completed descriptor
 * @slot: memory of each copy
 */
struct memory {
	struct descriptor ring[RING];
	volatile uint64_t completion;
	uint8_t unused[4096 - sizeof(uint64_t)];
	uint8_t slot[RING][SLOT];
};

static struct memory *m;
static uint8_t want[RING][SLOT];
static volatile uint8_t *bar;
static struct dice dice;
static int irq = -1;
static uint16_t count;
static unsigned long copies;
static unsigned long long bytes;
static long long longest;
static volatile sig_atomic_t ending;

static void on_term(int sig)
{
	(void)sig;
	ending = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void fail(const char *what)
{
	fprintf(stderr,
		"copy_load: %s: copy %lu, count %u; CHANSTS %#llx, DMACOUNT %u, CHANERR %#x, completion %#llx\n",
		what, copies, count,
		(unsigned long long)*(volatile uint64_t *)(bar + CHANSTS),
		*(volatile uint16_t *)(bar + DMACOUNT),
		*(volatile uint32_t *)(bar + CHANERR),
		(unsigned long long)m->completion);
	exit(1);
}

static uint64_t iova(const volatile void *p)
{
	return (const volatile uint8_t *)p - (const uint8_t *)m;
}

/* New bytes in a slot, and a copy inside of it, sometimes onto itself. */
static void make_copy(unsigned int i, bool last)
{
	uint32_t size = 1 + pick(&dice, MAX), src, dst, k;
	uint64_t *word = (uint64_t *)m->slot[i];

	for (k = 0; k < SLOT / sizeof(*word); k++)
		word[k] = roll(&dice);
	src = pick(&dice, SLOT - size + 1);
	dst = pick(&dice, SLOT - size + 1);
	memcpy(want[i], m->slot[i], SLOT);
	memmove(want[i] + dst, want[i] + src, size);
	m->ring[i].size = size;
	m->ring[i].src = iova(m->slot[i] + src);
	m->ring[i].dst = iova(m->slot[i] + dst);
	m->ring[i].control = CTL_COMPLETION | (last ? CTL_INTERRUPT : 0);
	bytes += size;
}

static void ring_doorbell(unsigned int nr)
{
	count += nr;
	*(volatile uint16_t *)(bar + DMACOUNT) = count;
}

/* The number of copies of this round that are complete. */
static unsigned int completed(void)
{
	uint64_t value = m->completion;

	if (!value)
		return 0;
	if ((value & CHANSTS_STATE) == STATE_HALTED)
		fail("the channel halted");
	return ((value & ~CHANSTS_STATE) - iova(m->ring)) /
		       sizeof(struct descriptor) +
	       1;
}

/* The copy is right; from now on its memory has other contents. */
static void take_result(unsigned int i)
{
	if (memcmp(m->slot[i], want[i], SLOT))
		fail("a copy is wrong");
	memset(m->slot[i], i, SLOT);
	memset(want[i], i, SLOT);
	copies++;
}

/* Wait until @nr copies of this round are complete; @done were so before. */
static void wait_for(unsigned int done, unsigned int nr)
{
	long long begin = clock_ms(), wait;

	while (done < nr) {
		wait = clock_ms() - begin;
		if (wait > longest)
			longest = wait;
		if (completed() <= done) {
			if (wait > PATIENCE)
				fail("a copy does not complete");
			usleep(20);
			continue;
		}
		take_result(done++);
		begin = clock_ms();
	}
}

static void wait_for_interrupt(void)
{
	long long begin = clock_ms(), wait;

	if (eventfd_wait(irq, PATIENCE) < 1)
		fail("the interrupt is missing");
	wait = clock_ms() - begin;
	if (wait > longest)
		longest = wait;
}

/* One turn of the ring, with some doorbells. */
static void one_round(void)
{
	bool interrupt = once_in(&dice, 2);
	unsigned int i, part, done = 0, given = 0;

	m->completion = 0;
	for (i = 0; i < RING; i++)
		make_copy(i, interrupt && i == RING - 1);
	if (interrupt) {
		/* The interrupts of restarts have no reason. */
		eventfd_wait(irq, 0);
		*(volatile uint16_t *)(bar + CHANCTRL) = CHANCTRL_REARM;
	}
	while (given < RING) {
		part = 1 + pick(&dice, RING - given);
		ring_doorbell(part);
		given += part;
		if (given < RING && once_in(&dice, 2)) {
			wait_for(done, given);
			done = given;
		}
	}
	if (interrupt)
		wait_for_interrupt();
	wait_for(done, RING);
}

static void open_device(struct vfio_dev *dev, const char *uuid)
{
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	unsigned int i;

	if (vfio_dev_open(dev, uuid, VFIO_TYPE1v2_IOMMU))
		die("open the device");
	bar = region_mmap(dev->device, VFIO_PCI_BAR0_REGION_INDEX, 0, 0x1000,
			  PROT_READ | PROT_WRITE);
	m = mem_shared(sizeof(*m));
	irq = eventfd(0, EFD_CLOEXEC);
	if (bar == MAP_FAILED || !m || irq < 0)
		die("memory");
	if (region_put(dev->device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND,
		       &command, sizeof(command)))
		die("bus master");
	if (dma_map(dev->container, m, 0, sizeof(*m), DMA_RW))
		die("MAP_DMA");
	if (irq_set_eventfds(dev->device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &irq))
		die("SET_IRQS");
	for (i = 0; i < RING; i++)
		m->ring[i].next = iova(&m->ring[(i + 1) % RING]);
	*(volatile uint64_t *)(bar + CHANCMP) = iova(&m->completion);
	*(volatile uint64_t *)(bar + CHAINADDR) = iova(m->ring);
}

int main(int argc, char **argv)
{
	struct vfio_dev dev = VFIO_DEV_INIT;

	if (argc != 2) {
		fprintf(stderr, "usage: copy_load UUID\n");
		return 2;
	}
	signal(SIGTERM, on_term);
	setlinebuf(stdout);
	dice_seed(&dice, setting("VUSER_SEED", 1), 0);
	open_device(&dev, argv[1]);
	puts("ready");
	while (!ending)
		one_round();
	printf("%lu copies, %llu bytes, longest wait %lld ms\n", copies, bytes,
	       longest);
	vfio_dev_close(&dev);
	return 0;
}
