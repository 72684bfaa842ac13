// SPDX-License-Identifier: GPL-2.0
/*
 * Measures how long a register access takes, and compares it with a baseline.
 * The server is vuser-ioat: one instance serves vuser, another serves
 * libvuser's client.  The two are sampled in turn, so that both see the same
 * state of the machine.
 *
 * usage: access_bench UUID SOCKET
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vuser/client.h>

#include "lib/vfio.h"
#include "row.h"

#define SAMPLES 12000
#define WARM_UP 500

/* A register whose reads have no effect, and one whose stores do no harm. */
#define REG_READ  0x04
#define REG_WRITE 0x98

static struct vuser_client *client;
static volatile uint32_t *bar;
static struct samples direct, pread4, load, store;
static uint64_t offset;
static int device;

static void sample_direct(void)
{
	uint64_t start = now_ns();
	uint32_t val;

	if (vuser_client_read(client, VFIO_PCI_BAR0_REGION_INDEX, REG_READ,
			      &val, sizeof(val)))
		die("REGION_READ");
	samples_add(&direct, now_ns() - start);
}

static void sample_pread(void)
{
	uint64_t start = now_ns();
	uint32_t val;

	if (pread(device, &val, sizeof(val), offset + REG_READ) != sizeof(val))
		die("pread");
	samples_add(&pread4, now_ns() - start);
}

static void sample_load(void)
{
	uint64_t start = now_ns();

	(void)bar[REG_READ / 4];
	samples_add(&load, now_ns() - start);
}

/* The load after the store keeps the server's queue short; it is not timed. */
static void sample_store(void)
{
	uint64_t start = now_ns();

	bar[REG_WRITE / 4] = 0;
	samples_add(&store, now_ns() - start);
	(void)bar[REG_READ / 4];
}

static void sample_all(unsigned int times)
{
	while (times--) {
		sample_direct();
		sample_pread();
		sample_load();
		sample_store();
	}
}

int main(int argc, char **argv)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	double median;

	if (argc != 3) {
		fprintf(stderr, "usage: access_bench UUID SOCKET\n");
		return 2;
	}
	if (vfio_dev_open(&dev, argv[1], VFIO_TYPE1v2_IOMMU))
		die("open the device");
	if (vuser_client_new(argv[2], NULL, 10000, NULL, NULL, &client))
		die("connect to the other server");
	device = dev.device;
	offset = region_offset(device, VFIO_PCI_BAR0_REGION_INDEX);
	bar = region_mmap(device, VFIO_PCI_BAR0_REGION_INDEX, 0, 0x1000,
			  PROT_READ | PROT_WRITE);
	if (bar == MAP_FAILED)
		die("mmap");

	samples_init(&direct, SAMPLES);
	samples_init(&pread4, SAMPLES);
	samples_init(&load, SAMPLES);
	samples_init(&store, SAMPLES);
	sample_all(WARM_UP);
	direct.nr = pread4.nr = load.nr = store.nr = 0;
	sample_all(SAMPLES);

	median = samples_median(&pread4);
	row_print("pread of 4 bytes : client's REGION_READ", median, "ns",
		  samples_median(&direct), 1.15);
	row_print("trapped load : pread", samples_median(&load), "ns", median,
		  1.25);
	row_print("trapped posted store : trapped load", samples_median(&store),
		  "ns", samples_median(&load), 0.5);
	vuser_client_free(client);
	vfio_dev_close(&dev);
	return 0;
}
