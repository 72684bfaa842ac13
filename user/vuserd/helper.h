/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The helper: it follows the devices of the kernel and the messages that the
 * kernel has for it.
 *
 * The helper keeps nothing that it cannot get from the kernel again. A
 * notification only makes the helper ask the kernel.
 */
#ifndef VUSERD_HELPER_H
#define VUSERD_HELPER_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "device.h"
#include "fdmsg.h"

struct family;

/**
 * struct helper - the helper of this process
 * @event: event loop
 * @family: watches whether the kernel module is loaded
 * @ready: the kernel module is loaded and both sockets are open
 * @owner: socket that owns devices: for requests, and for notifications of
 *         messages to send
 * @owner_io: input of @owner
 * @changes: socket that receives notifications of changed devices
 * @changes_io: input of @changes
 * @again: a notification was lost: list everything again
 * @later: tries again after listing everything, or connecting, has failed
 * @deferred: does the work that cannot be done during a request
 * @devices: all devices
 * @fdmsgs: messages to send
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
	struct device_table devices;
	struct fdmsg_queue fdmsgs;
};

/**
 * helper_start - start to serve devices
 * @helper: filled in; to be stopped also after an error
 * @event: event loop
 *
 * If the kernel module is not loaded, the helper waits for it.
 *
 * Return: 0 or a negative errno.
 */
int helper_start(struct helper *helper, sd_event *event);

/* Stop.  Devices and their servers stay as they are. */
void helper_stop(struct helper *helper);

/* Try to connect all devices without a server now. */
void helper_retry(struct helper *helper);

#endif /* VUSERD_HELPER_H */
