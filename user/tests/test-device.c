// SPDX-License-Identifier: GPL-2.0
/* What vuserd knows of a device, when the kernel's answer does not come. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../vuserd/attach.h"
#include "../vuserd/connection.h"
#include "../vuserd/device.h"
#include "../vuserd/helper.h"
#include "../vuserd/log.h"
#include "harness.h"

#define ID 7

static struct helper helper;
static int answer; /* of the kernel's, when it is asked for the device */
static unsigned int later;

/* In place of those that have a socket; see module.mk. */
int __wrap_vnl_dev_get(struct vnl *nl, uint32_t id, struct vnl_dev *info);
uint32_t __wrap_vnl_port(const struct vnl *nl);

uint32_t __wrap_vnl_port(const struct vnl *nl)
{
	(void)nl;
	return 2;
}

int __wrap_vnl_dev_get(struct vnl *nl, uint32_t id, struct vnl_dev *info)
{
	(void)nl;
	if (answer)
		return answer;
	memset(info, 0, sizeof(*info));
	info->id = id;
	strcpy(info->uuid, "b690c250-0fa5-406c-b22f-2bc370095bbf");
	/* Another helper's, so that nothing is to be done. */
	info->owner = 1;
	return 0;
}

void helper_resync_later(struct helper *h)
{
	check(h == &helper);
	later++;
}

void log_line(const char *level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

/* What device.c calls of the rest of vuserd: not for a device of another's. */
void helper_resync(struct helper *h)
{
	check(!h);
}

struct connection *connection_new(sd_event *event, const char *path,
				  uint32_t timeout_ms,
				  const struct connection_ops *ops, void *data,
				  char *why, size_t size)
{
	(void)event;
	(void)path;
	(void)timeout_ms;
	(void)ops;
	(void)data;
	(void)why;
	(void)size;
	check(false);
	return NULL;
}

void connection_free(struct connection *conn)
{
	check(!conn);
}

int attach(struct vnl *nl, uint32_t id, uint64_t token,
	   const struct vuser_description *desc, const uint8_t *config,
	   uint32_t config_size)
{
	(void)nl;
	(void)id;
	(void)token;
	(void)desc;
	(void)config;
	(void)config_size;
	check(false);
	return -EINVAL;
}

static void setup(int next)
{
	memset(&helper, 0, sizeof(helper));
	helper.ready = true;
	answer = later = 0;
	device_refresh(&helper, ID);
	check(device_find(&helper, ID));
	check_eq(later, 0);
	device_find(&helper, ID)->seen = false;
	answer = next;
	device_refresh(&helper, ID);
}

/* It is there still, and the next one to ask does not take it for gone. */
TEST(answer_lost)
{
	setup(-ENOBUFS);
	check(device_find(&helper, ID));
	check(device_find(&helper, ID)->seen);
	check_eq(later, 1);
	device_drop(&helper, ID);
}

TEST(gone)
{
	setup(-ENODEV);
	check(!device_find(&helper, ID));
	check_eq(later, 0);
}

/* Nothing is known of it yet: the next answer tells. */
TEST(answer_lost_of_an_unknown_one)
{
	memset(&helper, 0, sizeof(helper));
	helper.ready = true;
	later = 0;
	answer = -ENOBUFS;
	device_refresh(&helper, ID);
	check(!device_find(&helper, ID));
	check_eq(later, 1);
}
