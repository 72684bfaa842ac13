// SPDX-License-Identifier: GPL-2.0
/*
 * Compares a trapped load of a register of vuser-vhost with one of vuser-ioat.
 * The path is the same, so the difference is the work of the servers.  The two
 * are sampled in turn.
 *
 * usage: vhost_bench VHOST-UUID IOAT-UUID
 */
#include <stdio.h>
#include <sys/mman.h>

#include "lib/vfio.h"
#include "row.h"

#define SAMPLES 12000
#define WARM_UP 500

/*
 * A 4-byte register in BAR 0 of both devices whose reads have no effect:
 * virtio's device_feature and ioat's ATTNSTATUS.
 */
#define REG_READ 0x04

static volatile uint32_t *map_bar(struct vfio_dev *dev, const char *uuid)
{
	void *bar;

	if (vfio_dev_open(dev, uuid, VFIO_TYPE1v2_IOMMU))
		die("open the device");
	bar = region_mmap(dev->device, VFIO_PCI_BAR0_REGION_INDEX, 0, 0x1000,
			  PROT_READ | PROT_WRITE);
	if (bar == MAP_FAILED)
		die("mmap");
	return bar;
}

static void sample(struct samples *s, volatile uint32_t *bar)
{
	uint64_t start = now_ns();

	(void)bar[REG_READ / 4];
	samples_add(s, now_ns() - start);
}

int main(int argc, char **argv)
{
	struct vfio_dev dev[2] = { VFIO_DEV_INIT, VFIO_DEV_INIT };
	volatile uint32_t *vhost, *ioat;
	struct samples a, b;
	unsigned int i;

	if (argc != 3) {
		fprintf(stderr, "usage: vhost_bench VHOST-UUID IOAT-UUID\n");
		return 2;
	}
	vhost = map_bar(&dev[0], argv[1]);
	ioat = map_bar(&dev[1], argv[2]);
	samples_init(&a, SAMPLES);
	samples_init(&b, SAMPLES);
	for (i = 0; i < WARM_UP + SAMPLES; i++) {
		if (i == WARM_UP)
			a.nr = b.nr = 0;
		sample(&a, vhost);
		sample(&b, ioat);
	}
	row_print("vuser-vhost, trapped load : vuser-ioat, trapped load",
		  samples_median(&a), "ns", samples_median(&b), 1.1);
	vfio_dev_close(&dev[0]);
	vfio_dev_close(&dev[1]);
	return 0;
}
