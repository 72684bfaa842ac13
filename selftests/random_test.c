// SPDX-License-Identifier: GPL-2.0
/*
 * Consumers, servers, a helper and an administrator that use several devices at
 * random, correctly or not, for VUSER_SECONDS.  At the end, all devices are
 * removed, and a new device must work.
 *
 * The test prints its seed; set VUSER_SEED to repeat the choices, but not the
 * races.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/helper.h"
#include "lib/vfio.h"
#include "random/random.h"

#define SECONDS 15

/*
 * A slow machine may need longer to do each kind of action: the test repeats
 * VUSER_SECONDS up to this many times.
 */
#define PATIENCE 6

/* A limit for any call after all peers have ended, in ms. */
#define END_MS 60000

struct world *world;

static unsigned int nr_tests;

static void ok(bool good, const char *what)
{
	printf("%s %u - random: %s\n", good ? "ok" : "not ok", ++nr_tests,
	       what);
	fflush(stdout);
}

static unsigned long setting(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : fallback;
}

/* Starts a process, which dies together with the test. */
static pid_t spawn(void (*run)(struct dice *dice, unsigned int device),
		   unsigned long seed, unsigned int stream, unsigned int device)
{
	struct dice dice;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dice_seed(&dice, seed, stream);
	run(&dice, device);
	_exit(0);
}

static void run_admin(struct dice *dice, unsigned int device)
{
	(void)device;
	admin_run(dice);
}

/* Whether a process ended normally; consumers kill their own children. */
static bool ended_well(pid_t pid, int status)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	printf("# process %d ended with status 0x%x\n", pid, status);
	return false;
}

static bool all_end(pid_t *pids, unsigned int nr)
{
	long long deadline = clock_ms() + END_MS;
	unsigned int left = nr, i;
	bool good = true;
	int status;

	while (left && clock_ms() < deadline) {
		left = 0;
		for (i = 0; i < nr; i++) {
			if (pids[i] > 0 && waitpid(pids[i], &status, WNOHANG)) {
				good = ended_well(pids[i], status) && good;
				pids[i] = 0;
			}
			left += pids[i] > 0;
		}
		if (left)
			poll(NULL, 0, 50);
	}
	for (i = 0; i < nr; i++)
		if (pids[i] > 0)
			printf("# process %d still exists\n", pids[i]);
	return good && !left;
}

static bool remove_all(void)
{
	unsigned int i;
	bool gone = true;

	for (i = 0; i < NR_DEVICES; i++) {
		if (mdev_exists(world->uuid[i]))
			mdev_remove(world->uuid[i]);
		gone = gone && !mdev_exists(world->uuid[i]);
		unlink(world->socket[i]);
	}
	return gone;
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
	struct fuse fuse = { .readahead = true };
	pid_t pids[2 * NR_DEVICES + 2];
	unsigned int i, nr = 0;

	printf("# VUSER_SEED=%lu VUSER_SECONDS=%lu\n1..5\n", seed, seconds);
	fflush(stdout);
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < NR_DEVICES; i++) {
		uuid_new(world->uuid[i]);
		snprintf(world->socket[i], sizeof(world->socket[i]),
			 "/run/vuser-random-%d-%u", getpid(), i);
		if (device_create(i))
			printf("# device %u could not be created\n", i);
	}
	if (fuse_start(&fuse))
		printf("# FUSE is not available\n");
	world->fuse = fuse;
	pids[nr++] = spawn(run_admin, seed, 1, 0);
	pids[nr++] = spawn(netlink_run, seed, 2, 0);
	for (i = 0; i < NR_DEVICES; i++) {
		pids[nr++] = spawn(server_run, seed, 10 + i, i);
		pids[nr++] = spawn(consumer_run, seed, 20 + i, i);
	}
	wait_long_enough(seconds);
	world->stop = true;

	/*
	 * The FUSE server must run until the administrator has released its
	 * pages.
	 */
	ok(all_end(pids, nr), "all processes end in time");
	fuse_stop(&fuse);
	if (world->bad_end)
		printf("# a consumer ended with wait status 0x%x\n",
		       world->bad_end);
	ok(!world->bad_end, "consumers end normally or by SIGKILL");
	ok(remove_all(), "all devices can be removed");
	ok(works(), "a new device works");
	report();
	ok(all_done(), "each kind of action was done");
	return 0;
}
