// SPDX-License-Identifier: GPL-2.0
/*
 * Consumers, servers, a helper and an administrator that use several devices at
 * random, correctly or not, for VUSER_SECONDS.  At the end, all devices are
 * removed, and a new device must work.
 *
 * The test prints its seed; set VUSER_SEED to repeat the choices, but not the
 * races.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/helper.h"
#include "lib/vfio.h"
#include "random/random.h"

#define SECONDS 15

/*
 * A slow machine may need longer to do each kind of action: the test repeats
 * VUSER_SECONDS up to this many times.
 */
#define PATIENCE 6

static unsigned int nr_tests;

static void ok(bool good, const char *what)
{
	printf("%s %u - random: %s\n", good ? "ok" : "not ok", ++nr_tests,
	       what);
	fflush(stdout);
}

/* Whether a new device with a new helper works. */
static bool works(void)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	pid_t helper = helper_start();
	struct testdev td;
	uint32_t id = 0;
	int ret;

	ret = testdev_start(&td, NULL);
	if (!ret)
		ret = vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU);
	if (!ret)
		ret = region_get(dev.device, VFIO_PCI_BAR0_REGION_INDEX,
				 TESTDEV_REG_ID, &id, 4);
	if (ret)
		printf("# cannot use a new device: %s\n", strerror(-ret));
	vfio_dev_close(&dev);
	testdev_stop(&td);
	if (helper > 0)
		helper_stop(helper);
	return !ret && id == TESTDEV_ID;
}

static bool all_done(void)
{
	unsigned int i;

	for (i = 0; i < NR_DID; i++)
		if (!world->did[i] && (i != DID_IOMMUFD || iommufd_exists()))
			return false;
	return true;
}

static void report(void)
{
	unsigned int i;

	for (i = 0; i < NR_DID; i++)
		printf("# %8lu %s\n", world->did[i], did_names[i]);
}

static void wait_long_enough(unsigned long seconds)
{
	unsigned long i;

	for (i = 0; i < PATIENCE && (!i || !all_done()); i++)
		poll(NULL, 0, seconds * 1000);
}

int main(void)
{
	unsigned long seed = setting("VUSER_SEED", time(NULL));
	unsigned long seconds = setting("VUSER_SECONDS", SECONDS);
	pid_t pids[2 * NR_DEVICES + 2];
	unsigned int i, nr = 0;

	printf("# VUSER_SEED=%lu VUSER_SECONDS=%lu\n1..5\n", seed, seconds);
	fflush(stdout);
	world_start();
	pids[nr++] = crew_start(admin_run, seed, 1, 0);
	pids[nr++] = crew_start(netlink_run, seed, 2, 0);
	for (i = 0; i < NR_DEVICES; i++) {
		pids[nr++] = crew_start(server_run, seed, 10 + i, i);
		pids[nr++] = crew_start(consumer_run, seed, 20 + i, i);
	}
	wait_long_enough(seconds);
	world->stop = true;

	/*
	 * The FUSE server must run until the administrator has released its
	 * pages.
	 */
	ok(crew_end(pids, nr), "all processes end in time");
	fuse_stop(&world->fuse);
	if (world->bad_end)
		printf("# a consumer ended with wait status 0x%x\n",
		       world->bad_end);
	ok(!world->bad_end, "consumers end normally or by SIGKILL");
	ok(world_remove(), "all devices can be removed");
	ok(works(), "a new device works");
	report();
	ok(all_done(), "each kind of action was done");
	return 0;
}
