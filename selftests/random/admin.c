// SPDX-License-Identifier: GPL-2.0
/*
 * The administrator: creates and removes devices, changes settings, and
 * disturbs the helper.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/helper.h"
#include "random.h"

int device_create(unsigned int device)
{
	const char *uuid = world->uuid[device];
	int ret = mdev_create(uuid);
	char ms[16];

	/* Short timeouts, for servers that hold replies back. */
	snprintf(ms, sizeof(ms), "%u", 1000 * SLOWNESS);
	if (!ret)
		ret = mdev_set(uuid, "request_timeout_ms", ms);
	if (!ret)
		ret = mdev_set(uuid, "close_timeout_ms", ms);
	if (!ret)
		ret = mdev_set(uuid, "endpoint", world->socket[device]);
	return ret;
}

/*
 * Removes a device and creates it again.  The removal waits until the consumer
 * closes the device, so it runs in its own process and the administrator does
 * not wait.  Only one process at a time recreates a device: if a removal is
 * requested while the device is being created, the mdev core deletes the
 * attribute `remove` of the device and then refuses the removal.
 */
static void recreate(unsigned int device)
{
	if (atomic_exchange(&world->recreated[device], true))
		return;
	if (!fork()) {
		mdev_remove(world->uuid[device]);
		did(DID_REMOVE);
		device_create(device);
		atomic_store(&world->recreated[device], false);
		_exit(0);
	}
}

static void set_something(struct dice *dice, unsigned int device)
{
	static const char *const settings[][2] = {
		{ "mmap", "trap" },	     { "mmap", "sparse" },
		{ "mmap", "auto" },	     { "mmap", "" },
		{ "max_dma_maps", "1" },     { "max_dma_maps", "8" },
		{ "max_dma_maps", "0" },     { "max_dma_maps", "-1" },
		{ "dma_backing", "memory" }, { "dma_backing", "auto" },
		{ "dma_backing", "file" },   { "dma_holes", "nonsense" },
		{ "dma_holes", "fault" },    { "dma_holes", "scratch" },
		{ "on_loss", "wait" },	     { "on_loss", "ones" },
		{ "on_loss", "fail" },	     { "reconnect_timeout_ms", "200" },
		{ "state_kept", "yes" },     { "state_kept", "no" },
		{ "reset", "never" },	     { "reset", "auto" },
		{ "pci_setup", "never" },    { "pci_setup", "auto" },
		{ "reset", "nonsense" },     { "endpoint", "/nowhere" },
		{ "server_user", "0" },	     { "server_user", "any" },
	};
	static const char *const shown[] = { "state", "endpoint", "mmap",
					     "error" };
	const char *const *s =
		settings[pick(dice, sizeof(settings) / sizeof(settings[0]))];
	const char *uuid = world->uuid[device];
	char buf[4096];

	mdev_set(uuid, s[0], s[1]);
	mdev_get(uuid, shown[pick(dice, 4)], buf, sizeof(buf));
	if (s[0][0] == 'e')
		mdev_set(uuid, "endpoint", world->socket[device]);
	did(DID_SETTING);
}

static void disturb_helper(struct dice *dice, pid_t *helper)
{
	if (*helper <= 0)
		return;
	did(DID_HELPER);
	if (pick(dice, 2)) {
		kill(*helper, SIGSTOP);
		doze(dice, 200);
		kill(*helper, SIGCONT);
		return;
	}
	helper_kill(*helper);
	doze(dice, 50);
	*helper = helper_start();
}

/* Delays the next page that is requested. */
static void disturb_fuse(struct dice *dice)
{
	fuse_hold(&world->fuse);
	doze(dice, 200);
	world->fuse.shared->hold = false;
	fuse_release(&world->fuse);
}

void admin_run(struct dice *dice, unsigned int device)
{
	pid_t helper = helper_start();

	/* Wait until everything works once. */
	for (device = 0; device < NR_DEVICES; device++)
		mdev_wait(world->uuid[device], "state", "open", SOON_MS / 4);
	while (!world->stop) {
		device = pick(dice, NR_DEVICES);
		switch (pick(dice, 16)) {
		case 0:
			recreate(device);
			break;
		case 1:
			disturb_helper(dice, &helper);
			break;
		case 2:
			disturb_fuse(dice);
			break;
		default:
			set_something(dice, device);
		}
		doze(dice, 100);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (helper <= 0 || kill(helper, 0))
			helper = helper_start();
	}
	/* The helper must serve until all removals in progress are done. */
	if (helper > 0)
		helper_stop(helper);
	while (wait(NULL) > 0)
		;
}
