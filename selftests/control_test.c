// SPDX-License-Identifier: GPL-2.0
/*
 * The control plane, without a helper: what it shows, who may do what, who owns
 * a device, and settings.
 */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <kselftest_harness.h>

#include "lib/control.h"

CONTROL_FIXTURE

/* Showing ------------------------------------------------------------------ */

TEST_F(control, get)
{
	struct seen seen;

	ASSERT_EQ(0, dev_get(&self->c.nl, self->c.id, &seen));
	EXPECT_EQ(self->c.id, seen.id);
	EXPECT_EQ(VUSER_STATE_CREATED, seen.state);
	EXPECT_EQ(0, seen.owner);
	EXPECT_FALSE(seen.whole);
	EXPECT_EQ(-ENODEV, dev_get(&self->c.nl, 0, &seen));
	EXPECT_EQ(-ENODEV, dev_get(&self->c.nl, UINT32_MAX, &seen));
	EXPECT_EQ(-ENODEV,
		  dev_get_uuid(&self->c.nl,
			       "00000000-0000-0000-0000-000000000000", &seen));
}

TEST_F(control, get_by_one_name)
{
	struct nlt_msg *msg;
	uint8_t bytes[16];

	EXPECT_EQ(-EINVAL, nlt_call(&self->c.nl, nlt_new(VUSER_CMD_DEV_GET, 0),
				    NULL, NULL));
	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	uuid_bytes(self->c.uuid, bytes);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->c.id);
	nlt_put(msg, VUSER_A_DEV_UUID, bytes, sizeof(bytes));
	EXPECT_EQ(-EINVAL, nlt_call(&self->c.nl, msg, NULL, NULL));
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
	EXPECT_EQ(0,
		  nlt_call(&self->c.nl, nlt_new(VUSER_CMD_DEV_GET, NLM_F_DUMP),
			   find, counts));
	for (i = 0; i < 60; i++) {
		EXPECT_EQ(0, dev_get_uuid(&self->c.nl, uuid[i], &seen));
		EXPECT_EQ(1, counts[seen.id]);
		EXPECT_EQ(0, mdev_remove(uuid[i]));
	}
	EXPECT_EQ(1, counts[self->c.id]);
}

TEST_F(control, told_of_changes)
{
	struct nlt_reply reply;
	char uuid[UUID_LEN + 1];
	struct seen seen;
	uint32_t id;

	ASSERT_EQ(0, nlt_join(&self->c.nl));
	uuid_new(uuid);
	ASSERT_EQ(0, mdev_create(uuid));
	do {
		ASSERT_EQ(0, nlt_event(&self->c.nl, SOON_MS, &reply));
	} while (nlt_u32(reply.attrs[VUSER_A_DEV_ID]) == self->c.id);
	EXPECT_EQ(VUSER_CMD_DEV_NTF, reply.cmd);
	id = nlt_u32(reply.attrs[VUSER_A_DEV_ID]);
	EXPECT_EQ(0, dev_get_uuid(&self->c.nl, uuid, &seen));
	EXPECT_EQ(id, seen.id);

	ASSERT_EQ(0, mdev_set(uuid, "endpoint", "/nowhere"));
	do {
		ASSERT_EQ(0, nlt_event(&self->c.nl, SOON_MS, &reply));
	} while (nlt_u32(reply.attrs[VUSER_A_DEV_ID]) != id);
	EXPECT_STREQ("/nowhere", nlt_string(reply.attrs[VUSER_A_DEV_ENDPOINT]));

	ASSERT_EQ(0, mdev_remove(uuid));
	do {
		ASSERT_EQ(0, nlt_event(&self->c.nl, SOON_MS, &reply));
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
	EXPECT_EQ(0, dev_get(&other, self->c.id, &seen));
	EXPECT_EQ(1, seen.count);
	for (i = 0; i < sizeof(cmds); i++) {
		msg = nlt_new(cmds[i], 0);
		nlt_put_u32(msg, VUSER_A_DEV_ID, self->c.id);
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

	ASSERT_EQ(0, claim(&self->c.nl, self->c.id, &self->c.token));
	ASSERT_EQ(0, nlt_open(&other));
	EXPECT_EQ(-EBUSY, claim(&other, self->c.id, &token));
	EXPECT_EQ(-EPERM, detach(&other, self->c.id, self->c.token, "mine"));
	EXPECT_EQ(-EPERM,
		  detach(&self->c.nl, self->c.id, self->c.token + 1, "no"));
	EXPECT_EQ(0, detach(&self->c.nl, self->c.id, self->c.token, "yes"));
	EXPECT_EQ(0, dev_get(&other, self->c.id, &seen));
	EXPECT_NE(0, seen.owner);
	EXPECT_FALSE(seen.token);
	EXPECT_STREQ("yes", seen.error);
	EXPECT_EQ(-ENODEV, claim(&other, UINT32_MAX, &token));
	nlt_close(&other);
}

TEST_F(control, claim_again)
{
	uint64_t token;

	ASSERT_EQ(0, claim(&self->c.nl, self->c.id, &token));
	ASSERT_EQ(0, claim(&self->c.nl, self->c.id, &self->c.token));
	EXPECT_NE(token, self->c.token);
	EXPECT_EQ(-EPERM, detach(&self->c.nl, self->c.id, token, NULL));
	EXPECT_EQ(0, detach(&self->c.nl, self->c.id, self->c.token, NULL));
}

/* Only the last close of the socket counts. */
TEST_F(control, owner_goes)
{
	struct nlt other;
	struct seen seen;
	uint64_t token;
	int copy;

	ASSERT_EQ(0, nlt_open(&other));
	ASSERT_EQ(0, claim(&other, self->c.id, &token));
	copy = dup(other.fd);
	ASSERT_LE(0, copy);
	nlt_close(&other);
	EXPECT_EQ(-EBUSY, claim(&self->c.nl, self->c.id, &self->c.token));
	close(copy);
	EXPECT_EQ(0, dev_get(&self->c.nl, self->c.id, &seen));
	EXPECT_EQ(0, seen.owner);
	EXPECT_EQ(0, claim(&self->c.nl, self->c.id, &self->c.token));
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
	EXPECT_EQ(0, set_string(&self->c.nl, self->c.id, VUSER_A_DEV_ENDPOINT,
				path));
	EXPECT_EQ(0, dev_get(&self->c.nl, self->c.id, &seen));
	EXPECT_STREQ(path, seen.endpoint);
	path[VUSER_ENDPOINT_MAX] = 'x';
	path[VUSER_ENDPOINT_MAX + 1] = '\0';
	EXPECT_GT(0, set_string(&self->c.nl, self->c.id, VUSER_A_DEV_ENDPOINT,
				path));
	EXPECT_EQ(-EINVAL, set_string(&self->c.nl, self->c.id,
				      VUSER_A_DEV_ENDPOINT, "not/absolute"));
	EXPECT_EQ(0, set_string(&self->c.nl, self->c.id, VUSER_A_DEV_ENDPOINT,
				""));
	EXPECT_EQ(0, dev_get(&self->c.nl, self->c.id, &seen));
	EXPECT_STREQ("", seen.endpoint);
}

TEST_F(control, set_out_of_range)
{
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_MMAP, 3));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_RESET, 2));
	EXPECT_GT(0,
		  set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_DMA_BACKING, 2));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id,
			     VUSER_A_DEV_REQUEST_TIMEOUT_MS, 0));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id,
			     VUSER_A_DEV_CLOSE_TIMEOUT_MS, UINT32_MAX));
	EXPECT_GT(0, set_string(&self->c.nl, self->c.id,
				VUSER_A_DEV_PCI_ADDRESS, "5655:00:20.0"));
	EXPECT_EQ(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_MMAP,
			     VUSER_MMAP_POLICY_TRAP));
}

/* What the kernel sets is not for others to set. */
TEST_F(control, set_what_is_not_a_setting)
{
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_STATE, 1));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_OWNER, 1));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_MINOR, 1));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_MAX + 1, 1));
}

TEST_F(control, malformed)
{
	struct nlt_msg *msg;
	uint8_t byte = 1;

	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	nlt_put(msg, VUSER_A_DEV_ID, &byte, sizeof(byte));
	EXPECT_GT(0, nlt_call(&self->c.nl, msg, NULL, NULL));
	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	nlt_put(msg, VUSER_A_DEV_UUID, "short", 5);
	EXPECT_GT(0, nlt_call(&self->c.nl, msg, NULL, NULL));
	/* A string that does not end. */
	msg = nlt_new(VUSER_CMD_DEV_SET, 0);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->c.id);
	nlt_put(msg, VUSER_A_DEV_ENDPOINT, "/abc", 4);
	EXPECT_GT(0, nlt_call(&self->c.nl, msg, NULL, NULL));
	/* A notification is nothing to ask for. */
	msg = nlt_new(VUSER_CMD_DEV_NTF, 0);
	EXPECT_EQ(-EOPNOTSUPP, nlt_call(&self->c.nl, msg, NULL, NULL));
	msg = nlt_new(VUSER_CMD_MAX + 1, 0);
	EXPECT_EQ(-EOPNOTSUPP, nlt_call(&self->c.nl, msg, NULL, NULL));
}

TEST_F(control, error_text)
{
	char text[VUSER_ERROR_MAX + 2];
	struct seen seen;

	ASSERT_EQ(0, claim(&self->c.nl, self->c.id, &self->c.token));
	memset(text, 'e', sizeof(text));
	text[VUSER_ERROR_MAX] = '\0';
	EXPECT_EQ(0, detach(&self->c.nl, self->c.id, self->c.token, text));
	EXPECT_EQ(0, dev_get(&self->c.nl, self->c.id, &seen));
	EXPECT_STREQ(text, seen.error);
	text[VUSER_ERROR_MAX] = 'e';
	text[VUSER_ERROR_MAX + 1] = '\0';
	EXPECT_GT(0, detach(&self->c.nl, self->c.id, self->c.token, text));
	EXPECT_EQ(0, detach(&self->c.nl, self->c.id, self->c.token, NULL));
	EXPECT_EQ(0, dev_get(&self->c.nl, self->c.id, &seen));
	EXPECT_STREQ("", seen.error);
}

TEST_HARNESS_MAIN
