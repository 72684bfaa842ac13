// SPDX-License-Identifier: GPL-2.0
/*
 * The control plane without vuserd: queries, notifications, owners, and settings.
 */
#include <sys/socket.h>
#include <kselftest_harness.h>

#include "lib/control.h"

CONTROL_FIXTURE

/* Queries and notifications ------------------------------------------------ */

TEST_F(control, dev_get_shows_a_new_device)
{
	struct control_info info;

	ASSERT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_EQ(self->c.id, info.id);
	EXPECT_EQ(VUSER_STATE_CREATED, info.state);
	EXPECT_EQ(0, info.owner);
	EXPECT_FALSE(info.described);
	EXPECT_EQ(-ENODEV, control_get(&self->c.nl, 0, &info));
	EXPECT_EQ(-ENODEV, control_get(&self->c.nl, UINT32_MAX, &info));
	EXPECT_EQ(-ENODEV,
		  control_get_by_uuid(&self->c.nl,
				      "00000000-0000-0000-0000-000000000000",
				      &info));
}

TEST_F(control, dev_get_takes_exactly_one_key)
{
	struct nlt_msg *msg;
	uint8_t bytes[16];

	EXPECT_EQ(-EINVAL, nlt_call(&self->c.nl, nlt_new(VUSER_CMD_DEV_GET, 0),
				    NULL, NULL));
	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	control_uuid_bytes(self->c.uuid, bytes);
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

/* The dump has more devices than one datagram holds. */
TEST_F(control, dump_shows_each_device_once)
{
	static uint32_t counts[4096];
	char uuid[60][UUID_LEN + 1];
	struct control_info info;
	int i;

	for (i = 0; i < 60; i++) {
		uuid_new(uuid[i]);
		ASSERT_EQ(0, mdev_create(uuid[i]));
	}
	EXPECT_EQ(0,
		  nlt_call(&self->c.nl, nlt_new(VUSER_CMD_DEV_GET, NLM_F_DUMP),
			   find, counts));
	for (i = 0; i < 60; i++) {
		EXPECT_EQ(0, control_get_by_uuid(&self->c.nl, uuid[i], &info));
		EXPECT_EQ(1, counts[info.id]);
		EXPECT_EQ(0, mdev_remove(uuid[i]));
	}
	EXPECT_EQ(1, counts[self->c.id]);
}

/* Sets the longest endpoint of @name; returns it. */
static const char *set_longest(const char *uuid, char name)
{
	static char path[VUSER_ENDPOINT_MAX + 1];

	memset(path, name, VUSER_ENDPOINT_MAX);
	path[0] = '/';
	return mdev_set(uuid, "endpoint", path) ? NULL : path;
}

static void count_longest(void *data, const struct nlt_reply *reply)
{
	unsigned int *count = data;

	if (strlen(nlt_string(reply->attrs[VUSER_A_DEV_ENDPOINT])) ==
	    VUSER_ENDPOINT_MAX)
		++*count;
}

TEST_F(control, longest_endpoint_is_in_reply_dump_and_sysfs)
{
	char uuid[2][UUID_LEN + 1], buf[VUSER_ENDPOINT_MAX + 2];
	struct control_info info;
	unsigned int count = 0;
	const char *path;
	struct nlt other = { .family = self->c.nl.family };
	int i;

	for (i = 0; i < 2; i++) {
		uuid_new(uuid[i]);
		ASSERT_EQ(0, mdev_create(uuid[i]));
	}
	/*
	 * The size of the first buffer of a dump depends on earlier calls of recv():
	 * use a socket that has received nothing.
	 */
	other.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ASSERT_LE(0, other.fd);
	ASSERT_NE(NULL, set_longest(uuid[0], 'a'));
	path = set_longest(uuid[1], 'b');
	ASSERT_NE(NULL, path);
	EXPECT_EQ(0, nlt_call(&other, nlt_new(VUSER_CMD_DEV_GET, NLM_F_DUMP),
			      count_longest, &count));
	EXPECT_EQ(2, count);
	EXPECT_EQ(0, control_get_by_uuid(&other, uuid[1], &info));
	EXPECT_STREQ(path, info.endpoint);
	ASSERT_EQ(0, mdev_get(uuid[1], "endpoint", buf, sizeof(buf)));
	EXPECT_STREQ(path, buf);
	close(other.fd);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, mdev_remove(uuid[i]));
}

TEST_F(control, each_change_of_a_device_is_notified)
{
	struct nlt_reply reply;
	char uuid[UUID_LEN + 1];
	struct control_info info;
	uint32_t id;

	ASSERT_EQ(0, nlt_join(&self->c.nl));
	uuid_new(uuid);
	ASSERT_EQ(0, mdev_create(uuid));
	do {
		ASSERT_EQ(0, nlt_event(&self->c.nl, SOON_MS, &reply));
	} while (nlt_u32(reply.attrs[VUSER_A_DEV_ID]) == self->c.id);
	EXPECT_EQ(VUSER_CMD_DEV_NTF, reply.cmd);
	id = nlt_u32(reply.attrs[VUSER_A_DEV_ID]);
	EXPECT_EQ(0, control_get_by_uuid(&self->c.nl, uuid, &info));
	EXPECT_EQ(id, info.id);

	ASSERT_EQ(0, mdev_set(uuid, "endpoint", "/nowhere"));
	do {
		ASSERT_EQ(0, nlt_event(&self->c.nl, SOON_MS, &reply));
	} while (nlt_u32(reply.attrs[VUSER_A_DEV_ID]) != id);
	EXPECT_EQ(VUSER_CMD_DEV_NTF, reply.cmd);

	ASSERT_EQ(0, mdev_remove(uuid));
	do {
		ASSERT_EQ(0, nlt_event(&self->c.nl, SOON_MS, &reply));
	} while (reply.cmd != VUSER_CMD_DEV_DEL_NTF);
	EXPECT_EQ(id, nlt_u32(reply.attrs[VUSER_A_DEV_ID]));
}

/* Owners ------------------------------------------------------------------- */

TEST_F(control, second_owner_is_refused)
{
	struct nlt other;
	struct control_info info;
	uint64_t token;

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	ASSERT_EQ(0, nlt_open(&other));
	EXPECT_EQ(-EBUSY, control_claim(&other, self->c.id, &token));
	EXPECT_EQ(-EPERM,
		  control_detach(&other, self->c.id, self->c.token, "mine"));
	EXPECT_EQ(-EPERM, control_detach(&self->c.nl, self->c.id,
					 self->c.token + 1, "no"));
	EXPECT_EQ(0, control_detach(&self->c.nl, self->c.id, self->c.token,
				    "yes"));
	EXPECT_EQ(0, control_get(&other, self->c.id, &info));
	EXPECT_NE(0, info.owner);
	EXPECT_FALSE(info.has_token);
	EXPECT_STREQ("yes", info.error);
	EXPECT_EQ(-ENODEV, control_claim(&other, UINT32_MAX, &token));
	nlt_close(&other);
}

TEST_F(control, new_claim_invalidates_the_old_token)
{
	uint64_t token;

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &token));
	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	EXPECT_NE(token, self->c.token);
	EXPECT_EQ(-EPERM, control_detach(&self->c.nl, self->c.id, token, NULL));
	EXPECT_EQ(0,
		  control_detach(&self->c.nl, self->c.id, self->c.token, NULL));
}

/* Only the last close of the socket releases the device. */
TEST_F(control, end_of_the_owner_frees_the_device)
{
	struct nlt other;
	struct control_info info;
	uint64_t token;
	int copy;

	ASSERT_EQ(0, nlt_open(&other));
	ASSERT_EQ(0, control_claim(&other, self->c.id, &token));
	copy = dup(other.fd);
	ASSERT_LE(0, copy);
	nlt_close(&other);
	EXPECT_EQ(-EBUSY,
		  control_claim(&self->c.nl, self->c.id, &self->c.token));
	close(copy);
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_EQ(0, info.owner);
	EXPECT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
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

TEST_F(control, endpoint_must_be_absolute_and_shorter_than_path_max)
{
	char path[VUSER_ENDPOINT_MAX + 2];
	struct control_info info;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[VUSER_ENDPOINT_MAX] = '\0';
	EXPECT_EQ(0, set_string(&self->c.nl, self->c.id, VUSER_A_DEV_ENDPOINT,
				path));
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_STREQ(path, info.endpoint);
	path[VUSER_ENDPOINT_MAX] = 'x';
	path[VUSER_ENDPOINT_MAX + 1] = '\0';
	EXPECT_GT(0, set_string(&self->c.nl, self->c.id, VUSER_A_DEV_ENDPOINT,
				path));
	EXPECT_EQ(-EINVAL, set_string(&self->c.nl, self->c.id,
				      VUSER_A_DEV_ENDPOINT, "not/absolute"));
	EXPECT_EQ(0, set_string(&self->c.nl, self->c.id, VUSER_A_DEV_ENDPOINT,
				""));
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_STREQ("", info.endpoint);
}

TEST_F(control, settings_out_of_range_are_refused)
{
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_MMAP, 3));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_RESET, 2));
	EXPECT_GT(0,
		  set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_PCI_SETUP, 2));
	EXPECT_GT(0,
		  set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_DMA_BACKING, 3));
	EXPECT_GT(0,
		  set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_DMA_HOLES, 2));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id,
			     VUSER_A_DEV_REQUEST_TIMEOUT_MS, 0));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id,
			     VUSER_A_DEV_CLOSE_TIMEOUT_MS, UINT32_MAX));
	EXPECT_GT(0, set_string(&self->c.nl, self->c.id,
				VUSER_A_DEV_PCI_ADDRESS, "5655:00:20.0"));
	EXPECT_EQ(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_MMAP,
			     VUSER_MMAP_POLICY_TRAP));
}

/* Only the kernel sets these attributes. */
TEST_F(control, read_only_attributes_cannot_be_set)
{
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_STATE, 1));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_OWNER, 1));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_MINOR, 1));
	EXPECT_GT(0, set_u32(&self->c.nl, self->c.id, VUSER_A_DEV_MAX + 1, 1));
}

TEST_F(control, malformed_messages_are_refused)
{
	struct nlt_msg *msg;
	uint8_t byte = 1;

	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	nlt_put(msg, VUSER_A_DEV_ID, &byte, sizeof(byte));
	EXPECT_GT(0, nlt_call(&self->c.nl, msg, NULL, NULL));
	msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	nlt_put(msg, VUSER_A_DEV_UUID, "short", 5);
	EXPECT_GT(0, nlt_call(&self->c.nl, msg, NULL, NULL));
	/* A string without a terminating NUL. */
	msg = nlt_new(VUSER_CMD_DEV_SET, 0);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->c.id);
	nlt_put(msg, VUSER_A_DEV_ENDPOINT, "/abc", 4);
	EXPECT_GT(0, nlt_call(&self->c.nl, msg, NULL, NULL));
	/* A notification is not a command. */
	msg = nlt_new(VUSER_CMD_DEV_NTF, 0);
	EXPECT_EQ(-EOPNOTSUPP, nlt_call(&self->c.nl, msg, NULL, NULL));
	msg = nlt_new(VUSER_CMD_MAX + 1, 0);
	EXPECT_EQ(-EOPNOTSUPP, nlt_call(&self->c.nl, msg, NULL, NULL));
}

TEST_F(control, detach_sets_the_error_text)
{
	char text[VUSER_ERROR_MAX + 2];
	struct control_info info;

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	memset(text, 'e', sizeof(text));
	text[VUSER_ERROR_MAX] = '\0';
	EXPECT_EQ(0,
		  control_detach(&self->c.nl, self->c.id, self->c.token, text));
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_STREQ(text, info.error);
	text[VUSER_ERROR_MAX] = 'e';
	text[VUSER_ERROR_MAX + 1] = '\0';
	EXPECT_GT(0,
		  control_detach(&self->c.nl, self->c.id, self->c.token, text));
	EXPECT_EQ(0,
		  control_detach(&self->c.nl, self->c.id, self->c.token, NULL));
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_STREQ("", info.error);
}

TEST_HARNESS_MAIN
