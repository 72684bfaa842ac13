// SPDX-License-Identifier: GPL-2.0
/*
 * A hundred devices whose servers are hostile to vuserd: they send files that do not
 * close, say nothing, or hang up. They cost another device nothing: its messages with
 * file descriptors (DMA_MAP, SET_IRQS) are sent as fast as before, and vuserd holds few
 * files.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <kselftest_harness.h>

#include "lib/fuse.h"
#include "lib/helper.h"
#include "lib/holder.h"
#include "lib/mem.h"
#include "lib/res.h"
#include "lib/testdev.h"
#include "lib/vfio.h"

#define NR_HOSTILE HOLDER_MAX
#define SAMPLES	   101
#define PAGE	   0x1000UL
/* Files of vuserd for an attempt, and all that it has besides. */
#define FDS_OF_ONE 2
#define FDS_OF_ALL 40

static char paths[NR_HOSTILE][64];
static char uuids[NR_HOSTILE][UUID_LEN + 1];

/* Connections that the hostile servers have handled. */
static atomic_uint *handled;

/* Waits until the servers have handled @nr connections since @from. */
static bool wait_handled(unsigned int from, unsigned int nr)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < 3 * SOON_MS; i++) {
		if (atomic_load(handled) - from >= nr)
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The median time of a map and an interrupt setup, in us; -1 after an error. */
static long long measure(struct vfio_dev *dev, void *mem, int event)
{
	static long long times[SAMPLES];
	int i, ret;

	for (i = 0; i < SAMPLES; i++) {
		times[i] = now_us();
		ret = dma_map(dev->container, mem, 0, PAGE, DMA_RW) ?:
			      irq_set_eventfds(dev->device,
					       VFIO_PCI_MSIX_IRQ_INDEX, 0, 1,
					       &event);
		times[i] = now_us() - times[i];
		ret = ret						  ?:
			      dma_unmap(dev->container, 0, PAGE, 0, NULL) ?:
			      irq_disable(dev->device, VFIO_PCI_MSIX_IRQ_INDEX);
		if (ret)
			return -1;
	}
	qsort(times, SAMPLES, sizeof(times[0]), compare);
	return times[SAMPLES / 2];
}

FIXTURE(many)
{
	struct fuse fuse;
	struct testdev td;
	struct vfio_dev dev;
	pid_t helper;
	pid_t server;
	int file;
};

FIXTURE_SETUP(many)
{
	unsigned int i;

	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	handled = mmap(NULL, sizeof(*handled), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, handled);
	ASSERT_EQ(0, fuse_start(&self->fuse));
	self->file = fuse_open(&self->fuse);
	ASSERT_LE(0, self->file);
	self->helper = helper_start();
	ASSERT_LT(0, self->helper);
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	for (i = 0; i < NR_HOSTILE; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/run/many-%u.sock", i);
		uuid_new(uuids[i]);
		ASSERT_EQ(0, mdev_create(uuids[i]));
	}
	self->server = fork();
	ASSERT_LE(0, self->server);
	if (!self->server)
		holder_serve(paths, NR_HOSTILE, self->file, handled);
	ASSERT_TRUE(wait_handled(0, 1));
}

FIXTURE_TEARDOWN(many)
{
	unsigned int i;

	vfio_dev_close(&self->dev);
	/* All files close now. */
	fuse_stop(&self->fuse);
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	close(self->file);
	for (i = 0; i < NR_HOSTILE; i++) {
		EXPECT_EQ(0, mdev_remove(uuids[i]));
		unlink(paths[i]);
	}
	testdev_stop(&self->td);
	helper_stop(self->helper);
}

TEST_F_TIMEOUT(many, hundred_hostile_servers_cost_another_device_nothing, 240)
{
	int event = eventfd(0, EFD_CLOEXEC), fds;
	unsigned int i, from = atomic_load(handled);
	void *mem = mem_anon(PAGE);
	long long before, after;

	ASSERT_NE(NULL, mem);
	before = measure(&self->dev, mem, event);
	ASSERT_LT(0, before);
	self->fuse.shared->silent = true;
	for (i = 0; i < NR_HOSTILE; i++)
		ASSERT_EQ(0, mdev_set(uuids[i], "endpoint", paths[i]));
	ASSERT_TRUE(wait_handled(from, NR_HOSTILE));
	after = measure(&self->dev, mem, event);
	fds = res_fds(self->helper);
	printf("# DMA_MAP and SET_IRQS: %lld us alone, %lld us beside %d hostile devices: ratio %.2f; vuserd has %d files\n",
	       before, after, NR_HOSTILE, (double)after / before, fds);
	fflush(stdout);
	EXPECT_LT(0, after);
	EXPECT_LE(fds, FDS_OF_ONE * NR_HOSTILE + FDS_OF_ALL);
	close(event);
}

TEST_HARNESS_MAIN
