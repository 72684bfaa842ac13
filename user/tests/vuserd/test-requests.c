// SPDX-License-Identifier: GPL-2.0
/*
 * vuserd's sending of messages with fds, with a kernel that notifies at any
 * time.
 */
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "../../vuserd/device.h"
#include "../../vuserd/helper.h"
#include "../../vuserd/log.h"
#include "../../vuserd/requests.h"
#include "../harness.h"

#define ENDLESS 1000

/*
 * Replacements for the functions that requests.c calls.  This kernel answers
 * each message with a notification of the next one, as when consumers are as
 * fast as the helper.
 */
static struct helper helper;
static struct device device = { .helper = &helper, .id = 1, .owned = true };
static unsigned int sent;
static bool deferred;
static bool drops; /* drop the queue while a message is sent */

static struct nl_msg *notification(uint64_t id)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 0, 0, 0, 0, 0, VUSER_CMD_REQUEST_NTF, 1);
	nla_put_u32(msg, VUSER_A_REQUEST_DEV, device.id);
	nla_put_u64(msg, VUSER_A_REQUEST_ID, id);
	return msg;
}

static void notify(uint64_t id)
{
	struct nl_msg *msg = notification(id);
	struct vnl_msg event = { .hdr = nlmsg_hdr(msg) };

	requests_rung(&helper, &event);
	nlmsg_free(msg);
}

struct device *device_find(struct helper *h, uint32_t id)
{
	return h == &helper && id == device.id ? &device : NULL;
}

void helper_defer(struct helper *h)
{
	(void)h;
	deferred = true;
}

void helper_resync(struct helper *h)
{
	(void)h;
}

void log_line(const char *level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

/* Replacements for functions that talk to the kernel; see module.mk. */
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
	if (drops)
		helper.nr_requests = 0;
	else if (sent < ENDLESS)
		notify(sent + 100);
	return 0;
}

static void setup(void)
{
	free(helper.requests);
	memset(&helper, 0, sizeof(helper));
	helper.ready = true;
	sent = 0;
	deferred = drops = false;
}

/* A turn sends the messages queued when it began, and defers the others. */
TEST(notifications_during_a_turn_are_sent_in_the_next_turn)
{
	setup();
	notify(1);
	notify(2);
	deferred = false;
	requests_send(&helper);
	check_eq(sent, 2);
	check_eq(helper.nr_requests, 2);
	check(deferred);
	/* In the order of the notifications. */
	check_eq(helper.requests[0].id, 101);
	check_eq(helper.requests[1].id, 102);
	requests_send(&helper);
	check_eq(sent, 4);
	check_eq(helper.requests[0].id, 103);
	setup();
}

/* The kernel module is removed while a message is sent. */
TEST(queue_dropped_while_sending_ends_the_turn)
{
	setup();
	drops = true;
	notify(1);
	notify(2);
	deferred = false;
	requests_send(&helper);
	check_eq(helper.nr_requests, 0);
	check(!deferred);
	setup();
}

TEST(helper_that_is_not_ready_sends_nothing)
{
	setup();
	notify(1);
	helper.ready = false;
	requests_send(&helper);
	check_eq(sent, 0);
	check_eq(helper.nr_requests, 0);
	setup();
}
