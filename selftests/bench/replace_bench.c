// SPDX-License-Identifier: GPL-2.0
/*
 * How long a consumer waits while its server is replaced.  The consumer reads a register all
 * the time; the longest read during each `vuserctl replace` counts.  The baseline is the same
 * read while nothing is replaced.
 *
 * usage: replace_bench UUID SOCKET OTHER-SOCKET
 * The device is attached to SOCKET.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/vfio.h"
#include "row.h"

#define READS	     1000
#define REPLACEMENTS 21
#define SIZE	     ((size_t)64 << 20)
#define CHANSTS	     0x88
/* The largest permitted number of reads that fit into the longest one. */
#define LIMIT 100

extern char **environ;

static struct vfio_dev dev = VFIO_DEV_INIT;

static uint64_t read_once(void)
{
	uint64_t begin = now_ns();
	uint32_t value;

	if (region_get(dev.device, VFIO_PCI_BAR0_REGION_INDEX, CHANSTS, &value,
		       sizeof(value)))
		die("read");
	return now_ns() - begin;
}

/* A consumer with memory and an interrupt, which the next server gets. */
static void setup(const char *uuid)
{
	int irq = eventfd(0, EFD_CLOEXEC);
	void *mem = mem_hugetlb(SIZE, NULL);

	if (vfio_dev_open(&dev, uuid, VFIO_TYPE1v2_IOMMU))
		die("open the device");
	if (!mem || dma_map(dev.container, mem, 0, SIZE, DMA_RW))
		die("MAP_DMA");
	if (irq_set_eventfds(dev.device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &irq))
		die("SET_IRQS");
}

/* Replaces the server; returns the time of the longest read meanwhile. */
static uint64_t replace(char *uuid, char *to)
{
	char *argv[] = { "vuserctl", "replace", uuid, to, NULL };
	posix_spawn_file_actions_t actions;
	uint64_t longest = 0, time;
	int status;
	pid_t pid;

	/* Standard output has the row. */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
					 STDOUT_FILENO);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ))
		die(argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	do {
		time = read_once();
		longest = time > longest ? time : longest;
	} while (!waitpid(pid, &status, WNOHANG));
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "replace_bench: the server is not replaced\n");
		exit(1);
	}
	return longest;
}

int main(int argc, char **argv)
{
	struct samples reads, pauses;
	unsigned int i;

	if (argc != 4) {
		fprintf(stderr,
			"usage: replace_bench UUID SOCKET OTHER-SOCKET\n");
		return 2;
	}
	setup(argv[1]);
	samples_init(&reads, READS);
	for (i = 0; i < READS; i++)
		samples_add(&reads, read_once());
	samples_init(&pauses, REPLACEMENTS);
	for (i = 0; i < REPLACEMENTS; i++)
		samples_add(&pauses, replace(argv[1], argv[i % 2 ? 2 : 3]));
	row_print("longest read while the server is replaced : a read",
		  samples_median(&pauses), "ns", samples_median(&reads), LIMIT);
	vfio_dev_close(&dev);
	return 0;
}
