/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The helper: which devices there are, and what the kernel asks of it.
 *
 * All that is kept here can be had from the kernel again at any time; a
 * notification only says that it is time to ask.
 */
#ifndef VUSERD_HELPER_H
#define VUSERD_HELPER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "../netlink/dev.h"

struct device;
struct family;

struct request {
	uint32_t dev;
	uint64_t id;
};

/**
 * struct helper - the one of this process
 * @event: its loop
 * @family: sees the module come and go
 * @ready: the module is there; the two sockets are open
 * @owner: the socket that owns devices: requests of ours, doorbells
 * @owner_io: its input
 * @changes: the socket that hears of changes
 * @changes_io: its input
 * @again: something was missed: ask the kernel for everything
 * @later: tries again after that, or reaching the kernel, failed
 * @deferred: does what cannot be done from inside of a request
 * @null_fd: an eventfd that nobody listens to
 * @devices: all that the kernel has, in a list
 * @requests: rung for and not yet seen to
 * @nr_requests: entries of @requests
 * @max_requests: entries that @requests has room for
 */
struct helper {
	sd_event *event;
	struct family *family;
	bool ready;
	struct vnl_sock owner;
	sd_event_source *owner_io;
	struct vnl_sock changes;
	sd_event_source *changes_io;
	bool again;
	sd_event_source *later;
	sd_event_source *deferred;
	int null_fd;
	struct device *devices;
	struct request *requests;
	size_t nr_requests;
	size_t max_requests;
};

int helper_start(struct helper *helper, sd_event *event);
void helper_stop(struct helper *helper);

/* Try every device again at once. */
void helper_retry(struct helper *helper);

/* Ask the kernel for everything, soon. */
void helper_resync(struct helper *helper);

/* The same in a while: the kernel, or we, could not. */
void helper_resync_later(struct helper *helper);

/* Do what is deferred, soon. */
void helper_defer(struct helper *helper);

#endif /* VUSERD_HELPER_H */
