// SPDX-License-Identifier: GPL-2.0
/*
 * The control plane against a privileged caller that is hostile or broken.  In
 * every operation, every attribute is left out, doubled, or sent with another
 * size, another type and extreme values; then operations are called in the
 * wrong order.  The kernel must give a reason for each refusal and keep no file
 * and no memory, and the device must still work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vfio.h>
#include <linux/vuser.h>

#include "kselftest_harness.h"
#include "lib/nlop.h"
#include "lib/res.h"
#include "lib/sysfs.h"
#include "lib/vfio.h"

#define PAGE 0x1000ull

/* The longest possible attribute. */
#define LONGEST (UINT16_MAX - NLA_HDRLEN)

/* How much the kernel's memory may grow during the test, in KiB. */
#define SLACK_KIB 1024
/* The same for open files: the kernel counts them in batches, per processor. */
#define SLACK_FILES 128
#define ROUNDS	    10

/* Composing messages ------------------------------------------------------- */

/* One error in a message, at the attribute with number @at. */
struct edit {
	const char *name;
	enum {
		E_MISSING,
		E_TWICE,
		E_SIZE,
		E_VALUE,
		E_LENGTH,
		E_NESTED,
		E_ORDER,
		E_UNKNOWN,
		E_NOISE,
	} what;
	uint64_t value;
	unsigned int at;
};

FIXTURE(hostile)
{
	struct nlt nl;
	char uuid[UUID_LEN + 1];
	struct nlop_env env;
	int sock[2]; /* the server's ends are the second ones */
	int twin[2];
	int fds;

	/* The message under construction. */
	const struct edit *edit;
	const struct nlop_attr *hit; /* the attribute that the edit changed */
	unsigned int nr; /* the number of attributes so far */
	unsigned int seed;
};

typedef FIXTURE_DATA(hostile) hostile;

static bool is_fixed(const struct nlop_attr *attr)
{
	return nlop_size(attr->kind) || attr->kind == K_FLAG;
}

static struct nlattr *attr_at(struct nlt_msg *msg, size_t pos)
{
	return (struct nlattr *)(msg->buf + pos);
}

static void put_noise(hostile *self, struct nlt_msg *msg, uint16_t type,
		      size_t len)
{
	uint8_t noise[256];
	size_t i;

	for (i = 0; i < len && i < sizeof(noise); i++)
		noise[i] = rand_r(&self->seed);
	nlt_put(msg, type | NLA_F_NESTED, noise, i);
}

/* Puts the attribute with the error of the edit. */
static void put_wrong(hostile *self, struct nlop_put *put,
		      const struct nlop_attr *attr)
{
	static char filler[LONGEST];
	const struct edit *edit = self->edit;
	struct nlt_msg *msg = put->msg;
	size_t pos = msg->len;

	switch (edit->what) {
	case E_MISSING:
		break;
	case E_TWICE:
		nlop_put(put, attr);
		nlop_put(put, attr);
		break;
	case E_SIZE:
		memset(filler, 'x', sizeof(filler));
		nlt_put(msg, attr->type | (attr->nest ? NLA_F_NESTED : 0),
			filler, edit->value);
		break;
	case E_VALUE:
		nlt_put(msg, attr->type, &edit->value, nlop_size(attr->kind));
		break;
	case E_LENGTH:
		nlop_put(put, attr);
		attr_at(msg, pos)->nla_len = edit->value;
		break;
	case E_NESTED:
		nlop_put(put, attr);
		attr_at(msg, pos)->nla_type ^= NLA_F_NESTED;
		break;
	case E_ORDER:
		nlop_put(put, attr);
		attr_at(msg, pos)->nla_type |= NLA_F_NET_BYTEORDER;
		break;
	case E_UNKNOWN:
		nlop_put(put, attr);
		nlt_put_u32(msg, edit->value, 0);
		break;
	case E_NOISE:
		put_noise(self, msg, attr->type, edit->value);
		break;
	}
}

static bool hook(struct nlop_put *put, const struct nlop_attr *attr)
{
	hostile *self = put->data;

	if (!self->edit || self->hit || self->edit->at != self->nr++)
		return false;
	self->hit = attr;
	put_wrong(self, put, attr);
	return true;
}

static struct nlt_msg *compose(hostile *self, const struct nlop *op,
			       const struct edit *edit)
{
	struct nlop_put put = { .env = &self->env, .hook = hook, .data = self };

	self->env.sock = self->sock[0];
	self->env.twin = self->twin[0];
	self->edit = edit;
	self->hit = NULL;
	self->nr = 0;
	return nlop_compose(&put, op);
}

static int call(hostile *self, const struct nlop *op, const struct edit *edit)
{
	return nlt_call(&self->nl, compose(self, op, edit), NULL, NULL);
}

/* State -------------------------------------------------------------------- */

static void new_sockets(hostile *self)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(self->sock[i]);
		close(self->twin[i]);
	}
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->sock);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->twin);
}

static void take_token(void *data, const struct nlt_reply *reply)
{
	hostile *self = data;

	self->env.token = nlt_u64(reply->attrs[VUSER_A_DEV_TOKEN]);
}

static int claim(hostile *self, struct nlt *nl)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_CLAIM, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, self->env.id);
	return nlt_call(nl, msg, take_token, self);
}

static void take_id(void *data, const struct nlt_reply *reply)
{
	hostile *self = data;

	self->env.id = nlt_u32(reply->attrs[VUSER_A_DEV_ID]);
}

static int find(hostile *self)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	const char *text = self->uuid;
	unsigned int byte, i;

	for (i = 0; i < VUSER_UUID_LEN; i++, text += 2) {
		text += *text == '-';
		sscanf(text, "%2x", &byte);
		self->env.uuid[i] = byte;
	}
	nlt_put(msg, VUSER_A_DEV_UUID, self->env.uuid, VUSER_UUID_LEN);
	return nlt_call(&self->nl, msg, take_id, self);
}

FIXTURE_SETUP(hostile)
{
	self->fds = res_fds(0);
	self->seed = 20261121;
	memset(self->sock, -1, sizeof(self->sock));
	memset(self->twin, -1, sizeof(self->twin));
	uuid_new(self->uuid);
	ASSERT_EQ(0, mdev_create(self->uuid));
	ASSERT_EQ(0, nlt_open(&self->nl));
	ASSERT_EQ(0, nlt_enable_ext_ack(&self->nl));
	ASSERT_EQ(0, find(self));
	ASSERT_EQ(0, claim(self, &self->nl));
	self->env.memfd = memfd_create("area", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(self->env.memfd, 16 * PAGE));
	self->env.eventfd = eventfd(0, EFD_CLOEXEC);
	new_sockets(self);
}

FIXTURE_TEARDOWN(hostile)
{
	int i;

	nlt_close(&self->nl);
	for (i = 0; i < 2; i++) {
		close(self->sock[i]);
		close(self->twin[i]);
	}
	close(self->env.memfd);
	close(self->env.eventfd);
	EXPECT_EQ(0, mdev_remove(self->uuid));
	EXPECT_EQ(self->fds, res_fds(0));
}

/* Restores the state from before a call that succeeded. */
static void undo(struct __test_metadata *_metadata, hostile *self,
		 const struct nlop *op)
{
	if (op->cmd == VUSER_CMD_DEV_CLAIM)
		EXPECT_EQ(0, claim(self, &self->nl));
	if (op->cmd != VUSER_CMD_DEV_ATTACH)
		return;
	EXPECT_EQ(0, call(self, nlop_of(VUSER_CMD_DEV_DETACH), NULL))
	TH_LOG("%s", nlt_ext_ack());
	new_sockets(self);
}

/* Whether the kernel must refuse the edit, even if all else is valid. */
static bool must_fail(const struct edit *edit, const struct nlop_attr *attr)
{
	switch (edit->what) {
	case E_MISSING:
		return attr->needed;
	case E_SIZE:
		if (attr->kind == K_BYTES)
			return edit->value > VUSER_CONFIG_MAX;
		return !is_fixed(attr) || edit->value != nlop_size(attr->kind);
	case E_LENGTH:
		return edit->value < NLA_HDRLEN;
	case E_VALUE:
		return (attr->kind == K_FD && (int32_t)edit->value < 0) ||
		       (attr->source == FROM_TOKEN);
	case E_NESTED:
	case E_UNKNOWN:
	case E_NOISE:
		return true;
	default:
		return false;
	}
}

static bool applies(const struct edit *edit, const struct nlop_attr *attr)
{
	if (edit->what == E_VALUE)
		return nlop_size(attr->kind) && attr->kind != K_UUID;
	/*
	 * Noise is invalid only in a nest: other attributes may hold any bytes.
	 */
	return edit->what != E_NOISE || attr->kind == K_NEST;
}

/* Sends one message with an error; false if there are no more attributes. */
static bool try_one(struct __test_metadata *_metadata, hostile *self,
		    const struct nlop *op, struct edit *edit)
{
	struct nlt_msg *msg = compose(self, op, edit);
	const struct nlop_attr *hit = self->hit;
	int ret;

	if (!hit)
		return false;
	if (!applies(edit, hit))
		return true;
	ret = nlt_call(&self->nl, msg, NULL, NULL);
	if (!ret)
		undo(_metadata, self, op);
	EXPECT_TRUE(ret || !must_fail(edit, hit))
	{
		TH_LOG("%s: attribute %u of type %u: %s: was accepted",
		       op->name, edit->at, hit->type, edit->name);
	}
	EXPECT_TRUE(!ret || nlt_ext_ack()[0])
	{
		TH_LOG("%s: attribute %u of type %u: %s: error %d, no reason",
		       op->name, edit->at, hit->type, edit->name, ret);
	}
	return true;
}

static const struct edit edits[] = {
	{ "left out", E_MISSING },
	{ "twice", E_TWICE },
	{ "0 bytes", E_SIZE, 0 },
	{ "1 byte", E_SIZE, 1 },
	{ "2 bytes", E_SIZE, 2 },
	{ "3 bytes", E_SIZE, 3 },
	{ "4 bytes", E_SIZE, 4 },
	{ "7 bytes", E_SIZE, 7 },
	{ "8 bytes", E_SIZE, 8 },
	{ "9 bytes", E_SIZE, 9 },
	{ "15 bytes", E_SIZE, 15 },
	{ "17 bytes", E_SIZE, 17 },
	{ "4 KiB and a byte", E_SIZE, 4097 },
	{ "64 KiB", E_SIZE, LONGEST },
	{ "0", E_VALUE, 0 },
	{ "1", E_VALUE, 1 },
	{ "3", E_VALUE, 3 },
	{ "999", E_VALUE, 999 },
	{ "4095", E_VALUE, 4095 },
	{ "4096", E_VALUE, 4096 },
	{ "2^31 - 1", E_VALUE, INT32_MAX },
	{ "2^31", E_VALUE, 1ull << 31 },
	{ "2^32 - 1", E_VALUE, UINT32_MAX },
	{ "2^32", E_VALUE, 1ull << 32 },
	{ "2^63 - 1", E_VALUE, INT64_MAX },
	{ "2^63", E_VALUE, 1ull << 63 },
	{ "2^64 - a page", E_VALUE, -PAGE },
	{ "2^64 - 1", E_VALUE, UINT64_MAX },
	{ "length 0", E_LENGTH, 0 },
	{ "length 1", E_LENGTH, 1 },
	{ "length 3", E_LENGTH, 3 },
	{ "length of its header", E_LENGTH, NLA_HDRLEN },
	{ "length into the next attribute", E_LENGTH, 20 },
	{ "length past the end", E_LENGTH, UINT16_MAX },
	{ "with the nested flag inverted", E_NESTED },
	{ "in network order", E_ORDER },
	{ "followed by one of type 0", E_UNKNOWN, 0 },
	{ "followed by one of an unknown type", E_UNKNOWN, 200 },
	{ "followed by one of the highest type", E_UNKNOWN, NLA_TYPE_MASK },
	{ "4 bytes of noise", E_NOISE, 4 },
	{ "60 bytes of noise", E_NOISE, 60 },
	{ "255 bytes of noise", E_NOISE, 255 },
};

/* @deep: only edits that pass the attribute policies. */
static void sweep(struct __test_metadata *_metadata, hostile *self,
		  const struct nlop *op, bool deep)
{
	struct edit edit;
	size_t i;

	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		edit = edits[i];
		if (deep && edit.what != E_MISSING && edit.what != E_VALUE)
			continue;
		while (try_one(_metadata, self, op, &edit))
			edit.at++;
	}
}

/* Truncates the message at every length. */
static void cut(struct __test_metadata *_metadata, hostile *self,
		const struct nlop *op)
{
	struct nlt_msg *msg;
	size_t len, whole;
	int ret;

	whole = compose(self, op, NULL)->len;
	for (len = NLMSG_HDRLEN; len < whole; len++) {
		msg = compose(self, op, NULL);
		msg->len = len;
		ret = nlt_call(&self->nl, msg, NULL, NULL);
		if (!ret)
			undo(_metadata, self, op);
		/*
		 * A message without room for a command never reaches the
		 * family.
		 */
		EXPECT_TRUE(!ret || nlt_ext_ack()[0] ||
			    len < NLMSG_HDRLEN + GENL_HDRLEN)
		{
			TH_LOG("%s of %zu bytes: error %d, no reason", op->name,
			       len, ret);
		}
	}
}

/* Checks that the tables are right, and that the device still works. */
static void works(struct __test_metadata *_metadata, hostile *self)
{
	char byte;
	size_t i;

	for (i = 0; i < NR_NLOPS; i++) {
		EXPECT_EQ(nlops[i].good, call(self, &nlops[i], NULL))
		{
			TH_LOG("%s: %s", nlops[i].name, nlt_ext_ack());
		}
		if (!nlops[i].good)
			undo(_metadata, self, &nlops[i]);
	}
	/* The kernel must not hold sockets that it did not accept. */
	close(self->sock[0]);
	close(self->twin[0]);
	self->sock[0] = self->twin[0] = -1;
	EXPECT_EQ(0, recv(self->sock[1], &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(0, recv(self->twin[1], &byte, 1, MSG_DONTWAIT));
	new_sockets(self);
}

/* The kernel updates its counters some time after it frees memory or a file. */
static bool drops_back(long before, long slack, long (*now)(void))
{
	int i;

	for (i = 0; i < 100; i++) {
		if (now() <= before + slack)
			return true;
		usleep(50000);
	}
	return false;
}

static long kernel_memory(void)
{
	res_shrink_slabs();
	return res_meminfo("SUnreclaim") + res_meminfo("VmallocUsed");
}

TEST_F(hostile, malformed_attributes_are_refused)
{
	size_t i;

	works(_metadata, self);
	for (i = 0; i < NR_NLOPS; i++) {
		sweep(_metadata, self, &nlops[i], false);
		cut(_metadata, self, &nlops[i]);
	}
	works(_metadata, self);
}

/*
 * The number of rounds suffices to detect one leaked page or file per message.
 */
TEST_F_TIMEOUT(hostile, refused_attach_leaks_nothing, 60)
{
	const struct nlop *op = nlop_of(VUSER_CMD_DEV_ATTACH);
	long files, memory;
	int i;

	/* One round for allocations that happen once. */
	sweep(_metadata, self, op, true);
	files = res_files();
	memory = kernel_memory();
	for (i = 0; i < ROUNDS; i++)
		sweep(_metadata, self, op, true);
	EXPECT_TRUE(drops_back(files, SLACK_FILES, res_files))
	{
		TH_LOG("%ld files are open, %ld were", res_files(), files);
	}
	EXPECT_TRUE(drops_back(memory, SLACK_KIB, kernel_memory))
	{
		TH_LOG("%ld KiB of kernel memory, it was %ld", kernel_memory(),
		       memory);
	}
}

/* Unknown commands, and those that only the kernel sends. */
TEST_F(hostile, unknown_commands_are_refused)
{
	static const uint16_t flags[] = { 0, NLM_F_DUMP, NLM_F_ROOT,
					  NLM_F_MATCH, 0xff00 };
	struct nlt_msg *msg;
	unsigned int cmd, i;

	for (cmd = 0; cmd < 256; cmd++) {
		for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
			msg = nlt_new(cmd, flags[i]);
			nlt_call(&self->nl, msg, NULL, NULL);
		}
	}
	EXPECT_EQ(-EOPNOTSUPP,
		  nlt_call(&self->nl, nlt_new(VUSER_CMD_DEV_NTF, 0), NULL,
			   NULL));
	EXPECT_EQ(-EOPNOTSUPP,
		  nlt_call(&self->nl, nlt_new(VUSER_CMD_FDMSG_NTF, 0), NULL,
			   NULL));
	EXPECT_EQ(-EOPNOTSUPP,
		  nlt_call(&self->nl, nlt_new(VUSER_CMD_DEV_ATTACH, NLM_F_DUMP),
			   NULL, NULL));
	works(_metadata, self);
}

/*
 * Another socket calls each operation of the owner, with the owner's token.
 */
TEST_F(hostile, operations_of_the_owner_are_refused_to_others)
{
	struct nlt owner = self->nl;
	size_t i;

	ASSERT_EQ(0, nlt_open(&self->nl));
	ASSERT_EQ(0, nlt_enable_ext_ack(&self->nl));
	for (i = 0; i < NR_NLOPS; i++) {
		if (nlops[i].cmd == VUSER_CMD_DEV_CLAIM) {
			EXPECT_EQ(-EBUSY, call(self, &nlops[i], NULL));
			EXPECT_NE('\0', nlt_ext_ack()[0]);
		}
		if (nlops[i].cmd != VUSER_CMD_DEV_ATTACH &&
		    nlops[i].cmd != VUSER_CMD_DEV_DETACH &&
		    nlops[i].cmd != VUSER_CMD_FDMSG_SEND &&
		    nlops[i].cmd != VUSER_CMD_FDMSG_DONE)
			continue;
		EXPECT_EQ(-EPERM, call(self, &nlops[i], NULL))
		TH_LOG("%s", nlops[i].name);
		EXPECT_NE('\0', nlt_ext_ack()[0]) TH_LOG("%s", nlops[i].name);
	}
	nlt_close(&self->nl);
	self->nl = owner;
	works(_metadata, self);
}

TEST_F(hostile, operations_out_of_order_are_refused)
{
	/* Without a server, detach only sets the error. */
	EXPECT_EQ(0, call(self, nlop_of(VUSER_CMD_DEV_DETACH), NULL));
	EXPECT_EQ(0, call(self, nlop_of(VUSER_CMD_DEV_DETACH), NULL));
	ASSERT_EQ(0, call(self, nlop_of(VUSER_CMD_DEV_ATTACH), NULL));
	EXPECT_EQ(-EBUSY, call(self, nlop_of(VUSER_CMD_DEV_ATTACH), NULL));
	EXPECT_NE('\0', nlt_ext_ack()[0]);
	/* The same sockets, for a device that has lost its server. */
	shutdown(self->sock[1], SHUT_RDWR);
	ASSERT_EQ(0, mdev_wait(self->uuid, "state", "lost", 10000));
	EXPECT_EQ(-EBUSY, call(self, nlop_of(VUSER_CMD_DEV_ATTACH), NULL));
	EXPECT_NE('\0', nlt_ext_ack()[0]);
	EXPECT_EQ(0, call(self, nlop_of(VUSER_CMD_DEV_DETACH), NULL));
	/* A server that has ended is accepted, then lost. */
	new_sockets(self);
	shutdown(self->sock[1], SHUT_RDWR);
	EXPECT_EQ(0, call(self, nlop_of(VUSER_CMD_DEV_ATTACH), NULL));
	EXPECT_EQ(0, mdev_wait(self->uuid, "state", "lost", 10000));
	EXPECT_EQ(0, call(self, nlop_of(VUSER_CMD_DEV_DETACH), NULL));
	new_sockets(self);
	works(_metadata, self);
}

/*
 * Two devices are attached to each other.  A command of one is a protocol
 * error for the other.
 */
TEST_F(hostile, two_devices_attached_to_each_other_are_lost)
{
	const struct nlop *attach = nlop_of(VUSER_CMD_DEV_ATTACH);
	const struct edit no_twin = { "no twin", E_MISSING, .at = 3 };
	struct vfio_dev dev = VFIO_DEV_INIT;
	char first[UUID_LEN + 1];
	struct nlop_env env;
	int sock;

	ASSERT_EQ(0, mdev_set(self->uuid, "request_timeout_ms", "500"));
	ASSERT_EQ(0, call(self, attach, &no_twin)) TH_LOG("%s", nlt_ext_ack());
	env = self->env;
	memcpy(first, self->uuid, sizeof(first));
	sock = self->sock[0];

	uuid_new(self->uuid);
	ASSERT_EQ(0, mdev_create(self->uuid));
	ASSERT_EQ(0, find(self));
	ASSERT_EQ(0, claim(self, &self->nl));
	self->sock[0] = self->sock[1];
	ASSERT_EQ(0, call(self, attach, &no_twin)) TH_LOG("%s", nlt_ext_ack());

	/* The open resets the device, or fails. */
	if (!vfio_dev_open(&dev, first, VFIO_TYPE1v2_IOMMU))
		vfio_dev_close(&dev);
	EXPECT_EQ(0, mdev_wait(self->uuid, "state", "lost", 10000));
	EXPECT_EQ(0, mdev_wait(first, "state", "lost", 10000));
	EXPECT_EQ(0, mdev_remove(self->uuid));
	self->env = env;
	memcpy(self->uuid, first, sizeof(first));
	self->sock[0] = sock;
	EXPECT_EQ(0, call(self, nlop_of(VUSER_CMD_DEV_DETACH), NULL));
	new_sockets(self);
	works(_metadata, self);
}

TEST_HARNESS_MAIN
