/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One device: own it, find its server, find it again.
 *
 * The state is the kernel's.  What is kept here is whether we own the device,
 * and how far an attempt to reach its server has come.
 */
#ifndef VUSERD_DEVICE_H
#define VUSERD_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "../netlink/dev.h"

struct connection;
struct helper;

/**
 * enum phase - how far the way to a server is
 * @PHASE_REST: nothing is to be done
 * @PHASE_CONNECT: an attempt is under way
 * @PHASE_WAIT: the last attempt failed, the next one waits for its time
 */
enum phase {
	PHASE_REST,
	PHASE_CONNECT,
	PHASE_WAIT,
};

/**
 * struct device - a device of the kernel's
 * @next: in the helper's list
 * @helper: the helper
 * @id: its number
 * @uuid: for the log
 * @seen: found by the dump that is under way
 * @owned: we own it, @token proves it
 * @token: see there
 * @phase: see there
 * @path: the endpoint that @phase is about, or that was attached
 * @conn: the attempt under way
 * @timer: for the next attempt
 * @backoff_ms: how long to wait after the next failure
 * @attached_usec: when we attached it or took it over, 0: it is neither
 * @opened: a consumer has opened it since
 * @why: the failure that was last reported
 */
struct device {
	struct device *next;
	struct helper *helper;
	uint32_t id;
	char uuid[37];
	bool seen;
	bool owned;
	uint64_t token;
	enum phase phase;
	char path[VUSER_ENDPOINT_MAX + 1];
	struct connection *conn;
	sd_event_source *timer;
	unsigned int backoff_ms;
	uint64_t attached_usec;
	bool opened;
	char why[VUSER_ERROR_MAX + 1];
};

struct device *device_find(struct helper *helper, uint32_t id);

/* See what the kernel says of a device, known or not, and act on it. */
void device_refresh(struct helper *helper, uint32_t id);

/* The device went. */
void device_drop(struct helper *helper, uint32_t id);

/* Try now what waits for its time. */
void device_retry(struct device *dev);

#endif /* VUSERD_DEVICE_H */
