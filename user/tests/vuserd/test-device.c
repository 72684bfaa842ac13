// SPDX-License-Identifier: GPL-2.0
/* vuserd's list of devices when the kernel fails to answer. */
#include <errno.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "../../vuserd/attach.h"
#include "../../vuserd/connection.h"
#include "../../vuserd/device.h"
#include "../../vuserd/log.h"
#include "../harness.h"

#define ID     7
#define OURS   2
#define OTHERS 1

static struct vnl_sock sock;
static struct device_table devices;
static int answer; /* the kernel's answer to DEV_GET */
static int done; /* the kernel's answer to other commands */
static uint32_t owner, state; /* of the device */
static unsigned int nr_resyncs; /* calls of resync_later() */

/* Replacements for functions that need a socket; see module.mk. */
int __wrap_vnl_dev_get(struct vnl_sock *nl, uint32_t id, struct vnl_dev *info);
uint32_t __wrap_vnl_sock_port(const struct vnl_sock *nl);
int __wrap_vnl_sock_call(struct vnl_sock *nl, struct nl_msg *msg,
			 vnl_sock_fn fn, void *data);

int __wrap_vnl_sock_call(struct vnl_sock *nl, struct nl_msg *msg,
			 vnl_sock_fn fn, void *data)
{
	(void)nl;
	(void)fn;
	(void)data;
	nlmsg_free(msg);
	return done;
}

uint32_t __wrap_vnl_sock_port(const struct vnl_sock *nl)
{
	(void)nl;
	return OURS;
}

int __wrap_vnl_dev_get(struct vnl_sock *nl, uint32_t id, struct vnl_dev *info)
{
	(void)nl;
	if (answer)
		return answer;
	memset(info, 0, sizeof(*info));
	info->id = id;
	strcpy(info->uuid, "b690c250-0fa5-406c-b22f-2bc370095bbf");
	info->owner = owner;
	info->state = state;
	return 0;
}

static void resync_later(void *ctx)
{
	check(ctx == &devices);
	nr_resyncs++;
}

void log_line(const char *level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

/* Not called: no device of this test loses its owner. */
static void resync(void *ctx)
{
	check(!ctx);
}

static const struct device_ops device_ops = {
	.resync = resync,
	.resync_later = resync_later,
};

struct connection *connection_new(sd_event *event, const char *path,
				  uint32_t timeout_ms, uint32_t server_user,
				  const struct connection_ops *ops, void *data,
				  char *why, size_t size)
{
	(void)event;
	(void)path;
	(void)timeout_ms;
	(void)server_user;
	(void)ops;
	(void)data;
	(void)why;
	(void)size;
	check(false);
	return NULL;
}

bool connection_ended(const struct connection *conn)
{
	return !conn;
}

void connection_free(struct connection *conn)
{
	check(!conn);
}

int attach(struct vnl_sock *nl, uint32_t id, uint64_t token,
	   const struct vuser_description *desc, const uint8_t *config,
	   uint32_t config_size, bool replace)
{
	(void)nl;
	(void)id;
	(void)token;
	(void)desc;
	(void)config;
	(void)config_size;
	(void)replace;
	check(false);
	return -EINVAL;
}

static void fresh(void)
{
	devices = (struct device_table) {
		.owner = &sock,
		.ops = &device_ops,
		.ctx = &devices,
	};
	answer = done = nr_resyncs = 0;
	/*
	 * The device belongs to another helper, so vuserd does nothing with it.
	 */
	owner = OTHERS;
	state = VUSER_STATE_CREATED;
}

static void setup(int next)
{
	fresh();
	device_refresh(&devices, ID);
	check(device_find(&devices, ID));
	check_eq(nr_resyncs, 0);
	device_find(&devices, ID)->seen = false;
	answer = next;
	device_refresh(&devices, ID);
}

/* The device still exists, and the next dump does not remove it. */
TEST(known_device_stays_if_the_answer_is_lost)
{
	setup(-ENOBUFS);
	check(device_find(&devices, ID));
	check(device_find(&devices, ID)->seen);
	check_eq(nr_resyncs, 1);
	device_drop(&devices, ID);
}

TEST(device_is_dropped_when_the_kernel_reports_enodev)
{
	setup(-ENODEV);
	check(!device_find(&devices, ID));
	check_eq(nr_resyncs, 0);
}

/* Nothing is known about the device until the next dump. */
TEST(unknown_device_is_added_later_if_the_answer_is_lost)
{
	fresh();
	answer = -ENOBUFS;
	device_refresh(&devices, ID);
	check(!device_find(&devices, ID));
	check_eq(nr_resyncs, 1);
}

/*
 * The device has no owner, and the kernel has no memory to make vuserd its
 * owner.
 */
TEST(claim_is_retried_after_enomem)
{
	fresh();
	owner = 0;
	done = -ENOMEM;
	device_refresh(&devices, ID);
	check(!device_find(&devices, ID)->owned);
	check_eq(nr_resyncs, 1);
	device_drop(&devices, ID);
}

/* A claim that is refused for good is not retried. */
TEST(claim_is_not_retried_after_eperm)
{
	fresh();
	owner = 0;
	done = -EPERM;
	device_refresh(&devices, ID);
	check_eq(nr_resyncs, 0);
	device_drop(&devices, ID);
}

/*
 * vuserd's device has lost its server, and the kernel has no memory to detach
 * it.
 */
TEST(detach_is_retried_after_enobufs)
{
	fresh();
	device_refresh(&devices, ID);
	device_find(&devices, ID)->owned = true;
	owner = OURS;
	state = VUSER_STATE_LOST;
	done = -ENOBUFS;
	device_refresh(&devices, ID);
	check_eq(nr_resyncs, 1);
	device_drop(&devices, ID);
}
