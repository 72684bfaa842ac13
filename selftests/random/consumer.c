// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer: opens the device, sometimes with the next device in the same
 * container, and uses both from several threads.  It ends by itself, by a kill,
 * or when the test stops.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/vfio.h"
#include "random.h"

#define NR_THREADS 3
#define NR_STEPS   200

struct thread {
	pthread_t thread;
	struct dice dice;
	const struct vfio_dev *dev;
	uint32_t ioas; /* 0: uses a container */
	struct views views;
};

/* Forks a child that uses the mappings and the files until it exits. */
static void fork_once(struct thread *t)
{
	pid_t pid = fork();
	int i;

	if (!pid) {
		alarm(5);
		roll(&t->dice);
		for (i = 0; i < 10; i++) {
			views_step(&t->dice, &t->views, t->dev->device);
			device_step(&t->dice, t->dev->device);
		}
		_exit(0);
	}
	did(DID_FORK);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

/* Uses the device file through another descriptor. */
static void reopen(struct thread *t)
{
	int fd = dup(t->dev->device);

	if (fd >= 0) {
		device_step(&t->dice, fd);
		close(fd);
	}
	ioctl(t->dev->group, VFIO_GROUP_UNSET_CONTAINER);
}

static void *run(void *arg)
{
	struct thread *t = arg;
	int i;

	for (i = 0; i < NR_STEPS && !world->stop; i++) {
		switch (pick(&t->dice, 64)) {
		case 0:
			reopen(t);
			break;
		case 1:
			fork_once(t);
			break;
		case 2 ... 20:
			device_step(&t->dice, t->dev->device);
			break;
		case 21 ... 34:
			if (t->ioas)
				ioas_step(&t->dice, t->dev, t->ioas);
			else
				dma_step(&t->dice, t->dev->container,
					 &t->views);
			break;
		case 35 ... 36:
			container_step(&t->dice, t->dev);
			break;
		default:
			views_step(&t->dice, &t->views, t->dev->device);
		}
	}
	views_clear(&t->views);
	return NULL;
}

static void use(struct dice *dice, const struct vfio_dev *dev, uint32_t ioas)
{
	struct thread threads[NR_THREADS] = {};
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		threads[i].dev = dev;
		threads[i].ioas = ioas;
		dice_seed(&threads[i].dice, roll(dice), i);
		if (pthread_create(&threads[i].thread, NULL, run, &threads[i]))
			break;
	}
	/* Some consumers are killed while they work. */
	if (once_in(dice, 3)) {
		doze(dice, 300);
		did(DID_KILL);
		kill(getpid(), SIGKILL);
	}
	while (i-- > 0)
		pthread_join(threads[i].thread, NULL);
}

/*
 * Makes the helper connect at once: it waits longer before each new attempt to
 * connect, but not after a change of the endpoint.
 */
static void retry_server(unsigned int device)
{
	mdev_set(world->uuid[device], "endpoint", "/run/nobody");
	mdev_set(world->uuid[device], "endpoint", world->socket[device]);
}

static bool run_with_iommufd(struct dice *dice, unsigned int device)
{
	struct vfio_dev dev;
	uint32_t ioas;

	if (iommufd_open(world->uuid[device], &dev, &ioas))
		return false;
	did(DID_OPEN);
	use(dice, &dev, ioas);
	vfio_dev_close(&dev);
	return true;
}

static void run_once(struct dice *dice, unsigned int device)
{
	struct vfio_dev dev, other;
	bool joined;

	if (iommufd_exists() && once_in(dice, 3) &&
	    run_with_iommufd(dice, device))
		return;

	if (vfio_dev_open(&dev, world->uuid[device],
			  pick(dice, 2) ? VFIO_TYPE1v2_IOMMU :
					  VFIO_TYPE1_IOMMU)) {
		if (once_in(dice, 10))
			retry_server(device);
		doze(dice, 200);
		return;
	}
	did(DID_OPEN);
	joined = once_in(dice, 3) &&
		 !vfio_dev_join(&other, world->uuid[(device + 1) % NR_DEVICES],
				dev.container);
	use(dice, &dev, 0);
	if (joined)
		vfio_dev_close(&other);
	vfio_dev_close(&dev);
}

/*
 * A consumer may end normally, or by SIGKILL, which it sends to itself, or by
 * its alarm.  Another signal, such as SIGPIPE, is an error.
 */
static bool good_end(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ||
		       WTERMSIG(status) == SIGALRM;
	return !WEXITSTATUS(status);
}

void consumer_run(struct dice *dice, unsigned int device)
{
	int status;
	pid_t pid;

	while (!world->stop) {
		struct dice child = { .state = roll(dice) | 1 };

		pid = fork();
		if (!pid) {
			views_init();
			memory_init(&child);
			/* Limit any wait. */
			alarm(20);
			run_once(&child, device);
			_exit(0);
		}
		if (pid > 0 && waitpid(pid, &status, 0) == pid &&
		    !good_end(status))
			atomic_store(&world->bad_end, status);
	}
}
