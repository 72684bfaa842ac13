// SPDX-License-Identifier: GPL-2.0
/*
 * The processes of the random tester, and the devices that they share.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "random.h"

/* A limit for any call after all peers have ended, in ms. */
#define END_MS 60000

struct world *world;

void world_start(void)
{
	struct fuse fuse = { .readahead = true };
	unsigned int i;

	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < NR_DEVICES; i++) {
		uuid_new(world->uuid[i]);
		snprintf(world->socket[i], sizeof(world->socket[i]),
			 "/run/vuser-random-%d-%u", getpid(), i);
		if (device_create(i))
			printf("# device %u could not be created\n", i);
	}
	/* Not in shared memory: the server that is forked changes its copy. */
	if (fuse_start(&fuse))
		printf("# FUSE is not available\n");
	world->fuse = fuse;
}

pid_t crew_start(void (*run)(struct dice *dice, unsigned int device),
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

/* Whether a process ended normally; consumers kill their own children. */
static bool ended_well(pid_t pid, int status)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	printf("# process %d ended with status 0x%x\n", pid, status);
	return false;
}

bool crew_end(pid_t *pids, unsigned int nr)
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

bool world_remove(void)
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

/*
 * On a slow machine, disturbances must be rarer, too; otherwise the consumers
 * get nothing done.
 */
void doze(struct dice *dice, unsigned int ms)
{
	const unsigned int some = pick(dice, ms * SLOWNESS);
	const struct timespec ts = {
		.tv_sec = some / 1000,
		.tv_nsec = some % 1000 * 1000000L,
	};

	nanosleep(&ts, NULL);
}
