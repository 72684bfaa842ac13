// SPDX-License-Identifier: GPL-2.0
/*
 * 64 servers send DMA commands without end on both of their sockets.  Another device
 * works meanwhile, and no thread of the kernel hangs.  bench/11-flood.sh measures it.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <kselftest_harness.h>

#include "lib/clock.h"
#include "lib/flooder.h"
#include "lib/res.h"
#include "lib/task.h"
#include "lib/vfio.h"

#define NR_FLOODERS 64
/* How long the other device is used at least, in ms. */
#define USE_MS 3000
/* No access may take longer, in ms. */
#ifdef TEST_SLOWNESS
#define STALL_MS (1000 * TEST_SLOWNESS)
#else
#define STALL_MS 1000
#endif

/* The period of the check for threads that hang, in seconds. */
#define HUNG_TASK "/proc/sys/kernel/hung_task_timeout_secs"

FIXTURE(many)
{
	struct flooder floods[NR_FLOODERS];
	struct control c;
	pid_t responder;
	char period[32];
	int klog;
};

FIXTURE_SETUP(many)
{
	int i;

	ASSERT_EQ(0, file_read(HUNG_TASK, self->period, sizeof(self->period)));
	ASSERT_EQ(0, file_write(HUNG_TASK, "5"));
	self->klog = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->klog);
	ASSERT_LE(0, lseek(self->klog, 0, SEEK_END));
	ASSERT_EQ(0, control_start(&self->c));
	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	/* No process answers the reset of the close. */
	ASSERT_EQ(0, mdev_set(self->c.uuid, "close_timeout_ms", "100"));
	ASSERT_EQ(0, control_attach(&self->c.nl, self->c.id, self->c.token,
				    self->c.sock[0]));
	for (i = 0; i < NR_FLOODERS; i++)
		ASSERT_EQ(0, flooder_attach(&self->floods[i]));
	self->responder = responder_start(self->c.sock[1]);
	ASSERT_LE(0, self->responder);
}

FIXTURE_TEARDOWN(many)
{
	int i;

	for (i = 0; i < NR_FLOODERS; i++)
		EXPECT_EQ(0, flooder_stop(&self->floods[i]));
	kill(self->responder, SIGKILL);
	waitpid(self->responder, NULL, 0);
	EXPECT_EQ(0, control_stop(&self->c));
	EXPECT_EQ(0, file_write(HUNG_TASK, self->period));
	close(self->klog);
}

/* Reads a register until USE_MS have passed; the longest read, in ms, or -1. */
static long long use(int device)
{
	long long start = clock_ms(), now = start, before, longest = 0;
	uint64_t got;

	while (now - start < USE_MS) {
		before = now;
		got = 1;
		if (region_get(device, BAR(0), 8, &got, 8) || got)
			return -1;
		now = clock_ms();
		if (now - before > longest)
			longest = now - before;
	}
	return longest;
}

TEST_F_TIMEOUT(many, floods_of_64_servers_do_not_stop_another_device, 120)
{
	/* One turn for two processors. */
	int most = (sysconf(_SC_NPROCESSORS_ONLN) + 1) / 2 * 100;
	struct vfio_dev dev;
	long long longest;
	int i, running;

	ASSERT_EQ(0, vfio_dev_open(&dev, self->c.uuid, VFIO_TYPE1v2_IOMMU));
	for (i = 0; i < NR_FLOODERS; i++)
		ASSERT_EQ(0, flooder_start(&self->floods[i]));
	longest = use(dev.device);
	running = task_workers_running();
	TH_LOG("longest read: %lld ms; work items that run at a time: %d%%",
	       longest, running);
	EXPECT_LE(0, longest);
	EXPECT_GT(STALL_MS, longest);
	/*
	 * The servers pay: the kernel reads with half of the processors.  Servers may use
	 * a little before they take turns, and one turn may be ending.
	 */
	EXPECT_GE(most + 100, running);
	for (i = 0; i < NR_FLOODERS; i++)
		EXPECT_EQ(0, mdev_wait(self->floods[i].c.uuid, "state",
				       "attached", SOON_MS));
	EXPECT_FALSE(klog_has(self->klog, "blocked for more than"));
	vfio_dev_close(&dev);
}

TEST_HARNESS_MAIN
