// SPDX-License-Identifier: GPL-2.0
/*
 * Well-behaved devices under verified load beside everything that is hostile, for
 * VUSER_SECONDS.  No operation of a well-behaved device may fail or stall, and nothing may
 * be left at the end.  Prints a report.
 *
 * The test prints its seed; set VUSER_SEED to repeat the choices, but not the races.
 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/holder.h"
#include "lib/res.h"
#include "soak/soak.h"

#define SECONDS 30

#define NR_LOADS   2
#define NR_LIARS   2
#define NR_HOLDERS 6

/*
 * The holders' file system answers vuserd after this time, in seconds.  A process that
 * waits longer than 30 seconds would be reported by the kernel as hung.
 */
#define HELD 15

/* No operation may take longer, in ms. */
#define STALL_MS (5000 * SLOWNESS)

/* The bits of /proc/sys/kernel/tainted: bad page, oops, warning, lockup. */
#define TAINTED (1 << 5 | 1 << 7 | 1 << 9 | 1 << 14)

struct soak *soak;

static char holder_paths[NR_HOLDERS][64];
static struct fuse holder_fuse;
static unsigned int nr_tests;

static void ok(bool good, const char *what)
{
	printf("%s %u - soak: %s\n", good ? "ok" : "not ok", ++nr_tests, what);
	fflush(stdout);
}

/* Servers that hold the processes with which vuserd connects to them. */
static void holder_run(struct dice *dice, unsigned int number)
{
	int file = fuse_open(&holder_fuse);

	(void)dice;
	(void)number;
	holder_fuse.shared->silent = true;
	if (file >= 0)
		holder_serve(holder_paths, NR_HOLDERS, file, &soak->held);
}

static void create_held_devices(void)
{
	char uuid[UUID_LEN + 1];
	unsigned int i;

	holder_fuse.late = HELD;
	if (fuse_start(&holder_fuse))
		printf("# FUSE is not available\n");
	for (i = 0; i < NR_HOLDERS; i++) {
		snprintf(holder_paths[i], sizeof(holder_paths[i]),
			 "/run/vuser-soak-%u", i);
		uuid_new(uuid);
		if (mdev_create(uuid) ||
		    mdev_set(uuid, "endpoint", holder_paths[i]))
			printf("# device %u could not be created\n", i);
	}
}

static void kill_all(pid_t *pids, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

/* Removes all devices of the machine; the number of those that remain. */
static unsigned int remove_all(void)
{
	unsigned int left = 0;
	struct dirent *ent;
	DIR *dir = opendir(MDEV_DEVICES);

	while (dir && (ent = readdir(dir))) {
		if (ent->d_name[0] == '.')
			continue;
		mdev_remove(ent->d_name);
		left += mdev_exists(ent->d_name);
	}
	if (dir)
		closedir(dir);
	return left;
}

static long tainted(void)
{
	char text[32] = "0";

	file_read("/proc/sys/kernel/tainted", text, sizeof(text));
	return strtol(text, NULL, 10) & TAINTED;
}

static void report(unsigned long seconds, long pinned, unsigned int left)
{
	unsigned long ms[SOAK_NR_KINDS];
	unsigned int i;

	for (i = 0; i < SOAK_NR_KINDS; i++)
		ms[i] = soak->longest_us[i] / 1000;
	printf("# in %lu s, hostile:\n", seconds);
	for (i = 0; i < NR_DID; i++)
		printf("# %8lu %s\n", world->did[i], did_names[i]);
	printf("# %8lu tricks played by servers\n# %8lu floods on both sockets\n",
	       soak->lies, soak->floods);
	printf("# %8u connections to servers that hold vuserd's processes\n",
	       soak->held);
	printf("# the %d well-behaved devices:\n", NR_LOADS);
	printf("# %8lu operations\n# %8lu bytes compared\n", soak->ops,
	       soak->bytes);
	printf("# %8lu ms: the longest access\n", ms[SOAK_ACCESS]);
	printf("# %8lu ms: the longest MAP_DMA and UNMAP_DMA, with vuserd killed and stopped\n",
	       ms[SOAK_MAP]);
	printf("# left: %u devices, %ld pinned pages, reports of the kernel: 0x%lx\n",
	       left, pinned, tainted());
	fflush(stdout);
}

int main(void)
{
	unsigned long seed = setting("VUSER_SEED", time(NULL));
	unsigned long seconds = setting("VUSER_SECONDS", SECONDS);
	pid_t pids[2 * NR_DEVICES + 2], loads[NR_LOADS], hostile[NR_LIARS + 1];
	unsigned int i, nr = 0, left;
	long pinned = res_pinned(), taint = tainted();

	printf("# VUSER_SEED=%lu VUSER_SECONDS=%lu\n1..7\n", seed, seconds);
	fflush(stdout);
	soak = mmap(NULL, sizeof(*soak), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	world_start();
	pids[nr++] = crew_start(admin_run, seed, 1, 0);
	for (i = 0; i < NR_LOADS; i++)
		loads[i] = crew_start(load_run, seed, 30 + i, i);
	/* On a slow machine, starting takes long even without disturbance. */
	while (soak->started < NR_LOADS && !soak->failed)
		poll(NULL, 0, 10);
	create_held_devices();
	pids[nr++] = crew_start(netlink_run, seed, 2, 0);
	for (i = 0; i < NR_DEVICES; i++) {
		pids[nr++] = crew_start(server_run, seed, 10 + i, i);
		pids[nr++] = crew_start(consumer_run, seed, 20 + i, i);
	}
	for (i = 0; i < NR_LIARS; i++)
		hostile[i] = crew_start(liar_run, seed, 40 + i, i);
	hostile[NR_LIARS] = crew_start(holder_run, seed, 50, 0);

	for (i = 0; i < seconds && !soak->failed; i++)
		poll(NULL, 0, 1000);
	/* The well-behaved devices need vuserd to the end. */
	soak->stop = true;
	ok(crew_end(loads, NR_LOADS), "well-behaved consumers end in time");
	world->stop = true;
	/* The FUSE file systems must run until no process waits for them. */
	kill_all(hostile, NR_LIARS + 1);
	fuse_stop(&holder_fuse);
	ok(crew_end(pids, nr), "all other processes end in time");
	fuse_stop(&world->fuse);
	left = remove_all();
	pinned = res_pinned() - pinned;
	report(i, pinned, left);
	if (soak->failed)
		printf("# %s\n", soak->why);
	ok(!soak->failed, "no operation of a well-behaved device fails");
	ok(soak->ops && soak->longest_us[SOAK_ACCESS] < STALL_MS * 1000UL,
	   "no access of a well-behaved device stalls");
	ok(soak->lies && soak->floods && soak->held && world->did[DID_OPEN] &&
		   world->did[DID_COMMAND],
	   "servers lie, flood and hold meanwhile");
	ok(!left && !pinned, "no device and no pinned page is left");
	ok(tainted() == taint, "the kernel reports nothing");
	return 0;
}
