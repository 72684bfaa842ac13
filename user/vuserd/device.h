/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One device: claim it, connect to its server, attach the server, and connect
 * again after the server is lost.
 *
 * The kernel has the state of a device.  This file only keeps whether vuserd
 * owns the device, and how far the current attempt to connect is.
 */
#ifndef VUSERD_DEVICE_H
#define VUSERD_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "../netlink/dev.h"

struct connection;

#define DEVICE_BUCKETS 1024

/**
 * struct device_ops - calls to the user of a device table
 * @resync: list all devices again, soon
 * @resync_later: list all devices again after a while, since the kernel or
 *                vuserd is short of memory now
 */
struct device_ops {
	void (*resync)(void *ctx);
	void (*resync_later)(void *ctx);
};

/**
 * struct device_table - all devices of the kernel
 * @event: event loop
 * @owner: socket that owns devices, open as long as the table has devices
 * @ops: calls to the user of the table
 * @ctx: for @ops
 * @first: list of the devices
 * @buckets: the same devices by their numbers
 */
struct device_table {
	sd_event *event;
	struct vnl_sock *owner;
	const struct device_ops *ops;
	void *ctx;
	struct device *first;
	struct device *buckets[DEVICE_BUCKETS];
};

/**
 * enum phase - progress of the connection to a server
 * @PHASE_IDLE: no attempt is running or planned
 * @PHASE_CONNECT: an attempt is running
 * @PHASE_WAIT: the last attempt failed, and the next attempt starts later
 */
enum phase {
	PHASE_IDLE,
	PHASE_CONNECT,
	PHASE_WAIT,
};

/**
 * struct device - one device of the kernel
 * @next: next device in the list of all devices
 * @prev: previous device in this list
 * @next_id: next device in the same bucket
 * @table: the table
 * @id: number of the device in the kernel
 * @uuid: for the log
 * @seen: the running dump contained the device
 * @owned: vuserd owns the device; @token is valid
 * @token: proves to the kernel that vuserd owns the device
 * @phase: see enum phase
 * @path: the endpoint of the current or last attempt, or of the attached server;
 *        NULL: none
 * @conn: the running attempt, or the last one, whose process may not have ended yet
 * @timer: starts the next attempt
 * @backoff_ms: how long to wait after the next failure
 * @attached_usec: when vuserd attached the server or took the device over; 0:
 *                 vuserd has done neither
 * @opened: a consumer has used the server since @attached_usec
 * @again: the server was attached to a device that was open already
 * @why: the last failure that was reported; NULL: none
 * @next_conn: the attempt to connect to the server that is to replace the one in use, or the
 *        last such attempt, or NULL
 * @next_path: the path of that server, until the kernel has the result; NULL: none
 */
struct device {
	struct device *next;
	struct device *prev;
	struct device *next_id;
	struct device_table *table;
	uint32_t id;
	char uuid[VNL_UUID_TEXT];
	bool seen;
	bool owned;
	uint64_t token;
	enum phase phase;
	char *path;
	struct connection *conn;
	sd_event_source *timer;
	unsigned int backoff_ms;
	uint64_t attached_usec;
	bool opened;
	bool again;
	char *why;
	struct connection *next_conn;
	char *next_path;
};

/* The device with this number, or NULL. */
struct device *device_find(struct device_table *table, uint32_t id);

/* Ask the kernel for the state of a device, which may be new, and act on it. */
void device_refresh(struct device_table *table, uint32_t id);

/* The kernel removed the device. */
void device_drop(struct device_table *table, uint32_t id);

/* Connect now if the device waits for its next attempt. */
void device_retry(struct device *dev);

#endif /* VUSERD_DEVICE_H */
