// SPDX-License-Identifier: GPL-2.0
/* vuserd sends messages while the kernel notifies it of further messages. */
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "../../vuserd/device.h"
#include "../../vuserd/fdmsg.h"
#include "../../vuserd/log.h"
#include "../harness.h"

#define ENDLESS 1000

/*
 * Replacements for the functions that fdmsg.c calls.  They answer each message
 * with a notification of the next one, as if consumers were as quick as vuserd.
 */
static struct vnl_sock owner;
static struct device_table devices = { .owner = &owner };
static struct device device = { .table = &devices, .id = 1, .owned = true };
static bool removed;
static struct fdmsg_queue queue;
static unsigned int sent;
static bool deferred;
static bool clears; /* the queue is cleared while a message is sent */

static struct nl_msg *notification(uint64_t id)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 0, 0, 0, 0, 0, VUSER_CMD_FDMSG_NTF, 1);
	nla_put_u32(msg, VUSER_A_FDMSG_DEV, device.id);
	nla_put_u64(msg, VUSER_A_FDMSG_ID, id);
	return msg;
}

static void notify(uint64_t id)
{
	struct nl_msg *msg = notification(id);
	struct vnl_msg event = { .hdr = nlmsg_hdr(msg) };

	fdmsg_add(&queue, &event);
	nlmsg_free(msg);
}

struct device *device_find(struct device_table *table, uint32_t id)
{
	return table == &devices && id == device.id && !removed ? &device :
								  NULL;
}

static void defer(void *ctx)
{
	check(ctx == &queue);
	deferred = true;
}

static void resync(void *ctx)
{
	check(ctx == &queue);
}

static const struct fdmsg_ops ops = {
	.defer = defer,
	.resync = resync,
};

void log_line(const char *level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

/* Replaces the function that talks to the kernel, see module.mk. */
int __wrap_vnl_sock_call(struct vnl_sock *nl, struct nl_msg *msg,
			 vnl_sock_fn fn, void *data);

int __wrap_vnl_sock_call(struct vnl_sock *nl, struct nl_msg *msg,
			 vnl_sock_fn fn, void *data)
{
	(void)nl;
	(void)fn;
	(void)data;
	nlmsg_free(msg);
	sent++;
	if (clears)
		fdmsg_clear(&queue);
	else if (sent < ENDLESS)
		notify(sent + 100);
	return 0;
}

static void setup(void)
{
	fdmsg_free(&queue);
	queue = (struct fdmsg_queue) {
		.ops = &ops,
		.ctx = &queue,
		.devices = &devices,
	};
	sent = 0;
	deferred = clears = removed = false;
}

/* A turn sends the messages queued when it began, and defers the others. */
TEST(notifications_during_a_turn_are_sent_in_the_next_turn)
{
	setup();
	notify(1);
	notify(2);
	deferred = false;
	fdmsg_send(&queue);
	check_eq(sent, 2);
	check_eq(queue.nr, 2);
	check(deferred);
	check_eq(queue.entries[0].id, 101);
	check_eq(queue.entries[1].id, 102);
	fdmsg_send(&queue);
	check_eq(sent, 4);
	check_eq(queue.entries[0].id, 103);
	setup();
}

/* The kernel module is unloaded while a message is sent. */
TEST(queue_cleared_while_sending_ends_the_turn)
{
	setup();
	clears = true;
	notify(1);
	notify(2);
	deferred = false;
	fdmsg_send(&queue);
	check_eq(queue.nr, 0);
	check(!deferred);
	setup();
}

TEST(message_of_a_removed_device_is_dropped)
{
	setup();
	notify(1);
	removed = true;
	fdmsg_send(&queue);
	check_eq(sent, 0);
	check_eq(queue.nr, 0);
	setup();
}
