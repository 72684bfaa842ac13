// SPDX-License-Identifier: GPL-2.0
/*
 * The control plane, without a helper: who may do what, who owns a device,
 * and requests that a helper of ours would never send.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vfio.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "../include/uapi/linux/vuser.h"
#include "lib/nlt.h"
#include "lib/sysfs.h"
#include "lib/testdev.h"

#define PAGE	   0x1000ull
#define NR_REGIONS 9

/* What dev-get says of one device. */
struct seen {
	int count;
	uint32_t id;
	uint32_t state;
	uint32_t owner;
	char endpoint[128];
	char error[300];
	bool token;
	bool whole;
};

static void see(void *data, const struct nlt_reply *reply)
{
	struct seen *seen = data;

	seen->count++;
	seen->id = nlt_u32(reply->attrs[VUSER_A_DEV_ID]);
	seen->state = nlt_u32(reply->attrs[VUSER_A_DEV_STATE]);
	seen->owner = nlt_u32(reply->attrs[VUSER_A_DEV_OWNER]);
	snprintf(seen->endpoint, sizeof(seen->endpoint), "%s",
		 nlt_string(reply->attrs[VUSER_A_DEV_ENDPOINT]));
	snprintf(seen->error, sizeof(seen->error), "%s",
		 nlt_string(reply->attrs[VUSER_A_DEV_ERROR]));
	seen->token = reply->attrs[VUSER_A_DEV_TOKEN];
	seen->whole = reply->attrs[VUSER_A_DEV_REGION];
}

static void uuid_bytes(const char *uuid, uint8_t bytes[16])
{
	unsigned int value, i;

	for (i = 0; i < 16; i++, uuid += 2) {
		uuid += *uuid == '-';
		sscanf(uuid, "%2x", &value);
		bytes[i] = value;
	}
}

static int dev_get_uuid(struct nlt *nl, const char *uuid, struct seen *seen)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	uint8_t bytes[16];

	memset(seen, 0, sizeof(*seen));
	uuid_bytes(uuid, bytes);
	nlt_put(msg, VUSER_A_DEV_UUID, bytes, sizeof(bytes));
	return nlt_call(nl, msg, see, seen);
}

static int dev_get(struct nlt *nl, uint32_t id, struct seen *seen)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_GET, 0);

	memset(seen, 0, sizeof(*seen));
	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	return nlt_call(nl, msg, see, seen);
}

static void take_token(void *data, const struct nlt_reply *reply)
{
	*(uint64_t *)data = nlt_u64(reply->attrs[VUSER_A_DEV_TOKEN]);
}

static int claim(struct nlt *nl, uint32_t id, uint64_t *token)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_CLAIM, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	return nlt_call(nl, msg, take_token, token);
}

static int detach(struct nlt *nl, uint32_t id, uint64_t token,
		  const char *error)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_DETACH, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	nlt_put_u64(msg, VUSER_A_DEV_TOKEN, token);
	if (error)
		nlt_put_string(msg, VUSER_A_DEV_ERROR, error);
	return nlt_call(nl, msg, NULL, NULL);
}

FIXTURE(control)
{
	struct nlt nl;
	char uuid[UUID_LEN + 1];
	uint32_t id;
	uint64_t token;
	int sock[2];
};

FIXTURE_SETUP(control)
{
	struct seen seen;

	ASSERT_EQ(0, nlt_open(&self->nl));
	uuid_new(self->uuid);
	ASSERT_EQ(0, mdev_create(self->uuid));
	ASSERT_EQ(0, dev_get_uuid(&self->nl, self->uuid, &seen));
	ASSERT_EQ(1, seen.count);
	self->id = seen.id;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				self->sock));
}

FIXTURE_TEARDOWN(control)
{
	close(self->sock[0]);
	close(self->sock[1]);
	EXPECT_EQ(0, mdev_remove(self->uuid));
	nlt_close(&self->nl);
}

/* Showing ------------------------------------------------------------------ */

TEST_F(control, get)
{
	struct seen seen;

	ASSERT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_EQ(self->id, seen.id);
	EXPECT_EQ(VUSER_STATE_CREATED, seen.state);
	EXPECT_EQ(0, seen.owner);
	EXPECT_FALSE(seen.whole);
	EXPECT_EQ(-ENODEV, dev_get(&self->nl, 0, &seen));
	EXPECT_EQ(-ENODEV, dev_get(&self->nl, UINT32_MAX, &seen));
	EXPECT_EQ(-ENODEV,
		  dev_get_uuid(&self->nl,
			       "00000000-0000-0000-0000-000000000000", &seen));
}

TEST_F(control, get_by_one_name)
{
	struct nlt_msg *msg;
	uint8_t bytes[16];

	EXPECT_EQ(-EINVAL, nlt_call(&self->nl, nlt_new(VUSER_CMD_DEV_GET, 0),
				    NULL, NULL));
	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	uuid_bytes(self->uuid, bytes);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->id);
	nlt_put(msg, VUSER_A_DEV_UUID, bytes, sizeof(bytes));
	EXPECT_EQ(-EINVAL, nlt_call(&self->nl, msg, NULL, NULL));
}

static void find(void *data, const struct nlt_reply *reply)
{
	uint32_t *counts = data;
	uint32_t id = nlt_u32(reply->attrs[VUSER_A_DEV_ID]);

	if (id < 4096)
		counts[id]++;
}

/* More than one datagram holds. */
TEST_F(control, dump_all_once)
{
	static uint32_t counts[4096];
	char uuid[60][UUID_LEN + 1];
	struct seen seen;
	int i;

	for (i = 0; i < 60; i++) {
		uuid_new(uuid[i]);
		ASSERT_EQ(0, mdev_create(uuid[i]));
	}
	EXPECT_EQ(0, nlt_call(&self->nl, nlt_new(VUSER_CMD_DEV_GET, NLM_F_DUMP),
			      find, counts));
	for (i = 0; i < 60; i++) {
		EXPECT_EQ(0, dev_get_uuid(&self->nl, uuid[i], &seen));
		EXPECT_EQ(1, counts[seen.id]);
		EXPECT_EQ(0, mdev_remove(uuid[i]));
	}
	EXPECT_EQ(1, counts[self->id]);
}

TEST_F(control, told_of_changes)
{
	struct nlt_reply reply;
	char uuid[UUID_LEN + 1];
	struct seen seen;
	uint32_t id;

	ASSERT_EQ(0, nlt_join(&self->nl));
	uuid_new(uuid);
	ASSERT_EQ(0, mdev_create(uuid));
	do {
		ASSERT_EQ(0, nlt_event(&self->nl, SOON_MS, &reply));
	} while (nlt_u32(reply.attrs[VUSER_A_DEV_ID]) == self->id);
	EXPECT_EQ(VUSER_CMD_DEV_NTF, reply.cmd);
	id = nlt_u32(reply.attrs[VUSER_A_DEV_ID]);
	EXPECT_EQ(0, dev_get_uuid(&self->nl, uuid, &seen));
	EXPECT_EQ(id, seen.id);

	ASSERT_EQ(0, mdev_set(uuid, "endpoint", "/nowhere"));
	do {
		ASSERT_EQ(0, nlt_event(&self->nl, SOON_MS, &reply));
	} while (nlt_u32(reply.attrs[VUSER_A_DEV_ID]) != id);
	EXPECT_STREQ("/nowhere", nlt_string(reply.attrs[VUSER_A_DEV_ENDPOINT]));

	ASSERT_EQ(0, mdev_remove(uuid));
	do {
		ASSERT_EQ(0, nlt_event(&self->nl, SOON_MS, &reply));
	} while (reply.cmd != VUSER_CMD_DEV_DEL_NTF);
	EXPECT_EQ(id, nlt_u32(reply.attrs[VUSER_A_DEV_ID]));
}

/* Rights ------------------------------------------------------------------- */

/* Gives up CAP_NET_ADMIN for good: for a child. */
static void drop_net_admin(void)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	syscall(SYS_capget, &hdr, data);
	data[0].effective &= ~(1u << CAP_NET_ADMIN);
	data[0].permitted &= ~(1u << CAP_NET_ADMIN);
	syscall(SYS_capset, &hdr, data);
}

/* Each test runs in a process of its own, which may lose its rights. */
TEST_F(control, others_may_look_only)
{
	static const uint8_t cmds[] = {
		VUSER_CMD_DEV_SET,	VUSER_CMD_DEV_CLAIM,
		VUSER_CMD_DEV_ATTACH,	VUSER_CMD_DEV_DETACH,
		VUSER_CMD_REQUEST_GET,	VUSER_CMD_SEND,
		VUSER_CMD_REQUEST_DONE,
	};
	struct nlt_msg *msg;
	struct nlt other;
	struct seen seen;
	size_t i;

	drop_net_admin();
	ASSERT_EQ(0, nlt_open(&other));
	EXPECT_EQ(0, dev_get(&other, self->id, &seen));
	EXPECT_EQ(1, seen.count);
	for (i = 0; i < sizeof(cmds); i++) {
		msg = nlt_new(cmds[i], 0);
		nlt_put_u32(msg, VUSER_A_DEV_ID, self->id);
		EXPECT_EQ(-EPERM, nlt_call(&other, msg, NULL, NULL))
		{
			TH_LOG("command %u", cmds[i]);
		}
	}
	EXPECT_EQ(-EPERM,
		  nlt_call(&other, nlt_new(VUSER_CMD_REQUEST_GET, NLM_F_DUMP),
			   NULL, NULL));
	nlt_close(&other);
}

/* Owning ------------------------------------------------------------------- */

TEST_F(control, one_owner)
{
	struct nlt other;
	struct seen seen;
	uint64_t token;

	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	ASSERT_EQ(0, nlt_open(&other));
	EXPECT_EQ(-EBUSY, claim(&other, self->id, &token));
	EXPECT_EQ(-EPERM, detach(&other, self->id, self->token, "mine"));
	EXPECT_EQ(-EPERM, detach(&self->nl, self->id, self->token + 1, "no"));
	EXPECT_EQ(0, detach(&self->nl, self->id, self->token, "yes"));
	EXPECT_EQ(0, dev_get(&other, self->id, &seen));
	EXPECT_NE(0, seen.owner);
	EXPECT_FALSE(seen.token);
	EXPECT_STREQ("yes", seen.error);
	EXPECT_EQ(-ENODEV, claim(&other, UINT32_MAX, &token));
	nlt_close(&other);
}

TEST_F(control, claim_again)
{
	uint64_t token;

	ASSERT_EQ(0, claim(&self->nl, self->id, &token));
	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	EXPECT_NE(token, self->token);
	EXPECT_EQ(-EPERM, detach(&self->nl, self->id, token, NULL));
	EXPECT_EQ(0, detach(&self->nl, self->id, self->token, NULL));
}

/* Only the last close of the socket counts. */
TEST_F(control, owner_goes)
{
	struct nlt other;
	struct seen seen;
	uint64_t token;
	int copy;

	ASSERT_EQ(0, nlt_open(&other));
	ASSERT_EQ(0, claim(&other, self->id, &token));
	copy = dup(other.fd);
	ASSERT_LE(0, copy);
	nlt_close(&other);
	EXPECT_EQ(-EBUSY, claim(&self->nl, self->id, &self->token));
	close(copy);
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_EQ(0, seen.owner);
	EXPECT_EQ(0, claim(&self->nl, self->id, &self->token));
}

/* Settings ----------------------------------------------------------------- */

static int set_string(struct nlt *nl, uint32_t id, uint16_t attr,
		      const char *text)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_SET, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	nlt_put_string(msg, attr, text);
	return nlt_call(nl, msg, NULL, NULL);
}

static int set_u32(struct nlt *nl, uint32_t id, uint16_t attr, uint32_t value)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_SET, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	nlt_put_u32(msg, attr, value);
	return nlt_call(nl, msg, NULL, NULL);
}

TEST_F(control, set_endpoint)
{
	char path[VUSER_ENDPOINT_MAX + 2];
	struct seen seen;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[VUSER_ENDPOINT_MAX] = '\0';
	EXPECT_EQ(0,
		  set_string(&self->nl, self->id, VUSER_A_DEV_ENDPOINT, path));
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_STREQ(path, seen.endpoint);
	path[VUSER_ENDPOINT_MAX] = 'x';
	path[VUSER_ENDPOINT_MAX + 1] = '\0';
	EXPECT_GT(0,
		  set_string(&self->nl, self->id, VUSER_A_DEV_ENDPOINT, path));
	EXPECT_EQ(-EINVAL, set_string(&self->nl, self->id, VUSER_A_DEV_ENDPOINT,
				      "not/absolute"));
	EXPECT_EQ(0, set_string(&self->nl, self->id, VUSER_A_DEV_ENDPOINT, ""));
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_STREQ("", seen.endpoint);
}

TEST_F(control, set_out_of_range)
{
	EXPECT_GT(0, set_u32(&self->nl, self->id, VUSER_A_DEV_MMAP, 3));
	EXPECT_GT(0, set_u32(&self->nl, self->id, VUSER_A_DEV_RESET, 2));
	EXPECT_GT(0, set_u32(&self->nl, self->id, VUSER_A_DEV_DMA_BACKING, 2));
	EXPECT_GT(0, set_u32(&self->nl, self->id,
			     VUSER_A_DEV_REQUEST_TIMEOUT_MS, 0));
	EXPECT_GT(0, set_u32(&self->nl, self->id, VUSER_A_DEV_CLOSE_TIMEOUT_MS,
			     UINT32_MAX));
	EXPECT_GT(0, set_string(&self->nl, self->id, VUSER_A_DEV_PCI_ADDRESS,
				"5655:00:20.0"));
	EXPECT_EQ(0, set_u32(&self->nl, self->id, VUSER_A_DEV_MMAP,
			     VUSER_MMAP_POLICY_TRAP));
}

/* What the kernel sets is not for others to set. */
TEST_F(control, set_what_is_not_a_setting)
{
	EXPECT_GT(0, set_u32(&self->nl, self->id, VUSER_A_DEV_STATE, 1));
	EXPECT_GT(0, set_u32(&self->nl, self->id, VUSER_A_DEV_OWNER, 1));
	EXPECT_GT(0, set_u32(&self->nl, self->id, VUSER_A_DEV_MINOR, 1));
	EXPECT_GT(0, set_u32(&self->nl, self->id, VUSER_A_DEV_MAX + 1, 1));
}

TEST_F(control, malformed)
{
	struct nlt_msg *msg;
	uint8_t byte = 1;

	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	nlt_put(msg, VUSER_A_DEV_ID, &byte, sizeof(byte));
	EXPECT_GT(0, nlt_call(&self->nl, msg, NULL, NULL));
	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	nlt_put(msg, VUSER_A_DEV_UUID, "short", 5);
	EXPECT_GT(0, nlt_call(&self->nl, msg, NULL, NULL));
	/* A string that does not end. */
	msg = nlt_new(VUSER_CMD_DEV_SET, 0);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->id);
	nlt_put(msg, VUSER_A_DEV_ENDPOINT, "/abc", 4);
	EXPECT_GT(0, nlt_call(&self->nl, msg, NULL, NULL));
	/* A notification is nothing to ask for. */
	msg = nlt_new(VUSER_CMD_DEV_NTF, 0);
	EXPECT_EQ(-EOPNOTSUPP, nlt_call(&self->nl, msg, NULL, NULL));
	msg = nlt_new(VUSER_CMD_MAX + 1, 0);
	EXPECT_EQ(-EOPNOTSUPP, nlt_call(&self->nl, msg, NULL, NULL));
}

TEST_F(control, error_text)
{
	char text[VUSER_ERROR_MAX + 2];
	struct seen seen;

	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	memset(text, 'e', sizeof(text));
	text[VUSER_ERROR_MAX] = '\0';
	EXPECT_EQ(0, detach(&self->nl, self->id, self->token, text));
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_STREQ(text, seen.error);
	text[VUSER_ERROR_MAX] = 'e';
	text[VUSER_ERROR_MAX + 1] = '\0';
	EXPECT_GT(0, detach(&self->nl, self->id, self->token, text));
	EXPECT_EQ(0, detach(&self->nl, self->id, self->token, NULL));
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_STREQ("", seen.error);
}

/* Attaching ---------------------------------------------------------------- */

static void put_region(struct nlt_msg *msg, uint32_t index, uint64_t size)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_REGION);

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, index);
	nlt_put_u64(msg, VUSER_A_REGION_SIZE, size);
	nlt_put_u32(msg, VUSER_A_REGION_FLAGS,
		    VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
	nlt_nest_end(msg, nest);
}

static void put_area(struct nlt_msg *msg, uint64_t offset, uint64_t size,
		     int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_REGION_AREA);

	nlt_put_u64(msg, VUSER_A_AREA_OFFSET, offset);
	nlt_put_u64(msg, VUSER_A_AREA_SIZE, size);
	nlt_put_u32(msg, VUSER_A_AREA_FD, fd);
	nlt_put_u64(msg, VUSER_A_AREA_FILE_OFFSET, 0);
	nlt_nest_end(msg, nest);
}

static void put_ioeventfd(struct nlt_msg *msg, uint32_t region, uint64_t offset,
			  uint32_t size, int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_IOEVENTFD);

	nlt_put_u32(msg, VUSER_A_IOEVENTFD_REGION, region);
	nlt_put_u64(msg, VUSER_A_IOEVENTFD_OFFSET, offset);
	nlt_put_u32(msg, VUSER_A_IOEVENTFD_SIZE, size);
	nlt_put_u32(msg, VUSER_A_IOEVENTFD_FLAGS, 0);
	nlt_put_u64(msg, VUSER_A_IOEVENTFD_DATAMATCH, 0);
	nlt_put_u32(msg, VUSER_A_IOEVENTFD_FD, fd);
	nlt_nest_end(msg, nest);
}

static void put_irq(struct nlt_msg *msg, uint32_t index, uint32_t count)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_IRQ);

	nlt_put_u32(msg, VUSER_A_IRQ_INDEX, index);
	nlt_put_u32(msg, VUSER_A_IRQ_FLAGS, VFIO_IRQ_INFO_EVENTFD);
	nlt_put_u32(msg, VUSER_A_IRQ_COUNT, count);
	nlt_nest_end(msg, nest);
}

/* A request that is all right but for its regions. */
static struct nlt_msg *attach_new(uint32_t id, uint64_t token, int sock)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_ATTACH, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	nlt_put_u64(msg, VUSER_A_DEV_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_DEV_SOCKET_FD, sock);
	nlt_put_u32(msg, VUSER_A_DEV_MINOR, 1);
	nlt_put_u32(msg, VUSER_A_DEV_MAX_MSG_FDS, 8);
	nlt_put_u32(msg, VUSER_A_DEV_MAX_DATA_XFER_SIZE, 4096);
	nlt_put_u32(msg, VUSER_A_DEV_FLAGS, VFIO_DEVICE_FLAGS_PCI);
	return msg;
}

/* With BAR 0 left out. */
static void put_regions(struct nlt_msg *msg)
{
	uint32_t i;

	for (i = 1; i < NR_REGIONS; i++)
		put_region(msg, i,
			   i == VFIO_PCI_CONFIG_REGION_INDEX ? 0x100 : 0);
}

static int attach(struct nlt *nl, uint32_t id, uint64_t token, int sock)
{
	struct nlt_msg *msg = attach_new(id, token, sock);

	put_region(msg, 0, 0x4000);
	put_regions(msg);
	return nlt_call(nl, msg, NULL, NULL);
}

/* Has the other end no more references? */
static bool hung_up(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, SOON_MS) == 1 && pfd.revents & POLLHUP;
}

TEST_F(control, attach_and_detach)
{
	struct seen seen;

	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	ASSERT_EQ(0, attach(&self->nl, self->id, self->token, self->sock[0]));
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_EQ(VUSER_STATE_ATTACHED, seen.state);
	EXPECT_TRUE(seen.whole);
	EXPECT_EQ(-EBUSY,
		  attach(&self->nl, self->id, self->token, self->sock[0]));
	close(self->sock[0]);
	self->sock[0] = -1;
	EXPECT_EQ(0, detach(&self->nl, self->id, self->token, NULL));
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_EQ(VUSER_STATE_CREATED, seen.state);
	EXPECT_TRUE(hung_up(self->sock[1]));
}

TEST_F(control, attach_is_for_the_owner)
{
	struct nlt other;
	uint64_t token;

	EXPECT_EQ(-EPERM, attach(&self->nl, self->id, 0, self->sock[0]));
	ASSERT_EQ(0, nlt_open(&other));
	ASSERT_EQ(0, claim(&other, self->id, &token));
	EXPECT_EQ(-EPERM, attach(&self->nl, self->id, token, self->sock[0]));
	EXPECT_EQ(-EPERM, attach(&other, self->id, token ^ 1, self->sock[0]));
	EXPECT_EQ(0, attach(&other, self->id, token, self->sock[0]));
	nlt_close(&other);
}

TEST_F(control, attach_what_is_no_socket)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, pair[2];

	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	EXPECT_EQ(-EBADF, attach(&self->nl, self->id, self->token, 1000));
	EXPECT_GT(0, attach(&self->nl, self->id, self->token, -1));
	fd = eventfd(0, 0);
	EXPECT_EQ(-ENOTSOCK, attach(&self->nl, self->id, self->token, fd));
	close(fd);
	EXPECT_EQ(-EINVAL,
		  attach(&self->nl, self->id, self->token, self->nl.fd));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-EINVAL, attach(&self->nl, self->id, self->token, fd));
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_EQ(-EINVAL, attach(&self->nl, self->id, self->token, fd));
	bind(fd, (struct sockaddr *)&addr, sizeof(sa_family_t));
	listen(fd, 1);
	EXPECT_EQ(-EINVAL, attach(&self->nl, self->id, self->token, fd));
	close(fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	EXPECT_EQ(-EINVAL, attach(&self->nl, self->id, self->token, pair[0]));
	close(pair[0]);
	close(pair[1]);
}

TEST_F(control, attach_one_socket_twice)
{
	struct nlt_msg *msg;

	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	msg = attach_new(self->id, self->token, self->sock[0]);
	nlt_put_u32(msg, VUSER_A_DEV_TWIN_FD, self->sock[0]);
	put_region(msg, 0, 0x4000);
	put_regions(msg);
	EXPECT_EQ(-EINVAL, nlt_call(&self->nl, msg, NULL, NULL));
}

/* Each spoils a description that is all right without it. */
static void bad_no_config(struct nlt_msg *msg, int fd)
{
	put_region(msg, 0, 0x1000);
}

static void bad_region_twice(struct nlt_msg *msg, int fd)
{
	put_region(msg, 0, 0x1000);
	put_region(msg, 0, 0x1000);
	put_regions(msg);
}

static void bad_region_index(struct nlt_msg *msg, int fd)
{
	put_regions(msg);
	put_region(msg, 32, 0x1000);
}

static void bad_region_size(struct nlt_msg *msg, int fd)
{
	put_region(msg, 0, 1ull << 41);
	put_regions(msg);
}

static void bad_region_incomplete(struct nlt_msg *msg, int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_REGION);

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, 0);
	nlt_nest_end(msg, nest);
	put_regions(msg);
}

static void bad_areas(struct nlt_msg *msg, uint64_t size0, uint64_t offset1,
		      uint64_t size1, int fd0, int fd1)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_REGION);

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, 0);
	nlt_put_u64(msg, VUSER_A_REGION_SIZE, 0x4000);
	nlt_put_u32(msg, VUSER_A_REGION_FLAGS, 7);
	put_area(msg, 0, size0, fd0);
	put_area(msg, offset1, size1, fd1);
	nlt_nest_end(msg, nest);
	put_regions(msg);
}

static void bad_area_overlap(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, 2 * PAGE, PAGE, PAGE, fd, fd);
}

static void bad_area_outside(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, 0x4000, PAGE, fd, fd);
}

static void bad_area_wraps(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, -PAGE, fd, fd);
}

static void bad_area_empty(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, 0, fd, fd);
}

static void bad_area_alignment(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE + 8, PAGE, fd, fd);
}

static void bad_area_fd(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, PAGE, fd, 1000);
}

static void bad_area_count(struct nlt_msg *msg, int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_REGION);
	int i;

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, 0);
	nlt_put_u64(msg, VUSER_A_REGION_SIZE, 100 * PAGE);
	nlt_put_u32(msg, VUSER_A_REGION_FLAGS, 7);
	for (i = 0; i < 65; i++)
		put_area(msg, i * PAGE, PAGE, fd);
	nlt_nest_end(msg, nest);
	put_regions(msg);
}

static void bad_ioeventfd_fd(struct nlt_msg *msg, int fd)
{
	put_region(msg, 0, 0x1000);
	put_regions(msg);
	put_ioeventfd(msg, 0, 0, 4, fd);
}

static void bad_ioeventfd_region(struct nlt_msg *msg, int fd)
{
	put_region(msg, 0, 0x1000);
	put_regions(msg);
	put_ioeventfd(msg, 1u << 31, 0, 4, fd);
}

static void bad_ioeventfd_size(struct nlt_msg *msg, int fd)
{
	int event = eventfd(0, EFD_CLOEXEC);

	put_region(msg, 0, 0x1000);
	put_regions(msg);
	put_ioeventfd(msg, 0, 0, 3, event);
}

static void bad_ioeventfd_outside(struct nlt_msg *msg, int fd)
{
	int event = eventfd(0, EFD_CLOEXEC);

	put_region(msg, 0, 0x1000);
	put_regions(msg);
	put_ioeventfd(msg, 0, 0xffe, 4, event);
}

static void bad_ioeventfd_count(struct nlt_msg *msg, int fd)
{
	int event = eventfd(0, EFD_CLOEXEC);
	int i;

	put_region(msg, 0, 0x4000);
	put_regions(msg);
	for (i = 0; i < 1025; i++)
		put_ioeventfd(msg, 0, 4 * i, 4, event);
}

static void bad_irq_twice(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, PAGE, fd, fd);
	put_irq(msg, 2, 4);
	put_irq(msg, 2, 4);
}

static void bad_irq_index(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, PAGE, fd, fd);
	put_irq(msg, 16, 4);
}

static void bad_irq_count(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, PAGE, fd, fd);
	put_irq(msg, 2, 4097);
}

static void bad_config(struct nlt_msg *msg, int fd)
{
	static const char config[VUSER_CONFIG_MAX + 1];

	bad_areas(msg, PAGE, PAGE, PAGE, fd, fd);
	nlt_put(msg, VUSER_A_DEV_CONFIG, config, sizeof(config));
}

FIXTURE(bad)
{
	struct nlt nl;
	char uuid[UUID_LEN + 1];
	uint32_t id;
	uint64_t token;
	int sock[2];
	int pipe[2];
};

FIXTURE_VARIANT(bad)
{
	void (*spoil)(struct nlt_msg *msg, int fd);
	int error;
};

#define BAD(_name, _error)                             \
	FIXTURE_VARIANT_ADD(bad, _name)                \
	{                                              \
		.spoil = bad_##_name, .error = _error, \
	}

BAD(no_config, -EINVAL);
BAD(region_twice, -EINVAL);
BAD(region_index, -EINVAL);
BAD(region_size, -EINVAL);
BAD(region_incomplete, -EINVAL);
BAD(area_overlap, -EINVAL);
BAD(area_outside, -EINVAL);
BAD(area_wraps, -EINVAL);
BAD(area_empty, -EINVAL);
BAD(area_alignment, -EINVAL);
BAD(area_fd, -EBADF);
BAD(area_count, -E2BIG);
BAD(ioeventfd_fd, -EINVAL);
BAD(ioeventfd_region, -EINVAL);
BAD(ioeventfd_size, -EINVAL);
BAD(ioeventfd_outside, -EINVAL);
BAD(ioeventfd_count, -E2BIG);
BAD(irq_twice, -EINVAL);
BAD(irq_index, -EINVAL);
BAD(irq_count, -EINVAL);
BAD(config, -E2BIG);

FIXTURE_SETUP(bad)
{
	struct seen seen;

	ASSERT_EQ(0, nlt_open(&self->nl));
	uuid_new(self->uuid);
	ASSERT_EQ(0, mdev_create(self->uuid));
	ASSERT_EQ(0, dev_get_uuid(&self->nl, self->uuid, &seen));
	self->id = seen.id;
	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				self->sock));
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
}

FIXTURE_TEARDOWN(bad)
{
	EXPECT_EQ(0, mdev_remove(self->uuid));
	nlt_close(&self->nl);
}

/* It is refused whole, nothing of it is kept, and a good one is taken then. */
TEST_F(bad, description)
{
	struct nlt_msg *msg;
	struct seen seen;

	msg = attach_new(self->id, self->token, self->sock[0]);
	variant->spoil(msg, self->pipe[1]);
	EXPECT_EQ(variant->error, nlt_call(&self->nl, msg, NULL, NULL));
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_EQ(VUSER_STATE_CREATED, seen.state);

	EXPECT_EQ(0, attach(&self->nl, self->id, self->token, self->sock[0]));
	EXPECT_EQ(0, detach(&self->nl, self->id, self->token, NULL));
	close(self->sock[0]);
	close(self->pipe[1]);
	EXPECT_TRUE(hung_up(self->sock[1]));
	EXPECT_TRUE(hung_up(self->pipe[0]));
}

/* Requests ----------------------------------------------------------------- */

static int send_request(struct nlt *nl, uint32_t id, uint64_t token,
			uint64_t request)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_SEND, 0);

	nlt_put_u32(msg, VUSER_A_REQUEST_DEV, id);
	nlt_put_u64(msg, VUSER_A_REQUEST_ID, request);
	nlt_put_u64(msg, VUSER_A_REQUEST_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_REQUEST_NULL_FD, 0);
	return nlt_call(nl, msg, NULL, NULL);
}

static int refuse_request(struct nlt *nl, uint32_t id, uint64_t token,
			  uint64_t request, uint32_t status)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_REQUEST_DONE, 0);

	nlt_put_u32(msg, VUSER_A_REQUEST_DEV, id);
	nlt_put_u64(msg, VUSER_A_REQUEST_ID, request);
	nlt_put_u64(msg, VUSER_A_REQUEST_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_REQUEST_STATUS, status);
	return nlt_call(nl, msg, NULL, NULL);
}

TEST_F(control, requests_that_are_not)
{
	struct nlt_msg *msg;

	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	EXPECT_EQ(-ENOTCONN, send_request(&self->nl, self->id, self->token, 1));
	ASSERT_EQ(0, attach(&self->nl, self->id, self->token, self->sock[0]));
	EXPECT_EQ(-ENOENT, send_request(&self->nl, self->id, self->token, 1));
	EXPECT_EQ(-EPERM, send_request(&self->nl, self->id, 0, 1));
	EXPECT_EQ(-ENODEV, send_request(&self->nl, 0, self->token, 1));
	EXPECT_EQ(-ENOENT,
		  refuse_request(&self->nl, self->id, self->token, 1, EIO));
	EXPECT_GT(0, refuse_request(&self->nl, self->id, self->token, 1, 0));
	EXPECT_GT(0, refuse_request(&self->nl, self->id, self->token, 1, 4096));
	msg = nlt_new(VUSER_CMD_REQUEST_GET, 0);
	nlt_put_u32(msg, VUSER_A_REQUEST_DEV, self->id);
	nlt_put_u64(msg, VUSER_A_REQUEST_ID, 1);
	EXPECT_EQ(-ENOENT, nlt_call(&self->nl, msg, NULL, NULL));
	EXPECT_EQ(0, nlt_call(&self->nl,
			      nlt_new(VUSER_CMD_REQUEST_GET, NLM_F_DUMP), NULL,
			      NULL));
}

/* A server that hangs up after the attach is seen without any consumer. */
TEST_F(control, server_hangs_up)
{
	struct seen seen;

	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	ASSERT_EQ(0, attach(&self->nl, self->id, self->token, self->sock[0]));
	close(self->sock[1]);
	self->sock[1] = -1;
	EXPECT_EQ(0, mdev_wait(self->uuid, "state", "lost", SOON_MS));
	EXPECT_EQ(0, detach(&self->nl, self->id, self->token, "it hung up"));
	EXPECT_EQ(0, dev_get(&self->nl, self->id, &seen));
	EXPECT_EQ(VUSER_STATE_CREATED, seen.state);
	EXPECT_STREQ("it hung up", seen.error);
}

/* The server may not hold up the removal of a device. */
TEST_F(control, remove_while_attached)
{
	char uuid[UUID_LEN + 1];
	uint64_t token;
	struct seen seen;

	uuid_new(uuid);
	ASSERT_EQ(0, mdev_create(uuid));
	ASSERT_EQ(0, dev_get_uuid(&self->nl, uuid, &seen));
	ASSERT_EQ(0, claim(&self->nl, seen.id, &token));
	ASSERT_EQ(0, attach(&self->nl, seen.id, token, self->sock[0]));
	close(self->sock[0]);
	self->sock[0] = -1;
	EXPECT_EQ(0, mdev_remove(uuid));
	EXPECT_TRUE(hung_up(self->sock[1]));
	EXPECT_EQ(-ENODEV, detach(&self->nl, seen.id, token, NULL));
}

/* Noise -------------------------------------------------------------------- */

static uint32_t dice_state = 0x5655;

static uint32_t dice(uint32_t below)
{
	dice_state = dice_state * 1664525 + 1013904223;
	return (dice_state >> 8) % below;
}

static void put_noise(struct nlt_msg *msg, int depth, int fd)
{
	static const uint32_t numbers[] = {
		0,  1,	2,	7,	    8,		16,	    31,
		32, 64, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	uint32_t value[4], count = dice(12), type;
	size_t nest, i;

	while (count--) {
		type = dice(VUSER_A_DEV_MAX + 3);
		if (depth && !dice(4)) {
			nest = nlt_nest(msg, type);
			put_noise(msg, depth - 1, fd);
			nlt_nest_end(msg, nest);
			continue;
		}
		for (i = 0; i < 4; i++)
			value[i] = numbers[dice(sizeof(numbers) /
						sizeof(numbers[0]))];
		if (!dice(4))
			value[0] = fd;
		nlt_put(msg, type, value, dice(3) ? 4 << dice(3) : dice(17));
	}
}

/* Whatever comes, the kernel answers, and keeps nothing of what it refused. */
TEST_F(control, survives_noise)
{
	struct nlt_msg *msg;
	int i, pipe[2], refused = 0;

	ASSERT_EQ(0, pipe2(pipe, O_CLOEXEC));
	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	for (i = 0; i < 20000; i++) {
		msg = nlt_new(dice(VUSER_CMD_MAX + 2), 0);
		if (dice(2)) {
			nlt_put_u32(msg, VUSER_A_DEV_ID, self->id);
			nlt_put_u64(msg, VUSER_A_DEV_TOKEN, self->token);
			nlt_put_u32(msg, VUSER_A_DEV_SOCKET_FD, self->sock[0]);
		}
		put_noise(msg, 3, dice(2) ? pipe[1] : self->sock[0]);
		refused += nlt_call(&self->nl, msg, NULL, NULL) != 0;
	}
	EXPECT_LT(10000, refused);
	EXPECT_EQ(0, claim(&self->nl, self->id, &self->token));
	EXPECT_EQ(0, detach(&self->nl, self->id, self->token, NULL));
	close(pipe[1]);
	close(self->sock[0]);
	self->sock[0] = -1;
	EXPECT_TRUE(hung_up(pipe[0]));
	EXPECT_TRUE(hung_up(self->sock[1]));
	close(pipe[0]);
}

TEST_HARNESS_MAIN
