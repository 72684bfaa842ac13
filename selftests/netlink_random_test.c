// SPDX-License-Identifier: GPL-2.0
/*
 * Random messages of the control plane, made from its specification: each operation, with
 * each attribute at each depth, right or with a wrong type, length, value or place.  The
 * kernel must answer each message and give a reason for each refusal; at the end the
 * device must work, and no file may be left open.
 *
 * Runs for VUSER_SECONDS (5).  Prints its seed; VUSER_SEED repeats the messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "kselftest_harness.h"
#include "lib/clock.h"
#include "lib/control.h"
#include "lib/dice.h"
#include "lib/nlop.h"
#include "lib/nlspec.h"
#include "lib/res.h"

#define SECONDS 5
/* The deepest nest of nests. */
#define MAX_DEPTH 40
/* The kernel counts open files in batches, per processor. */
#define SLACK_FILES 128
/* The maximum number of attributes that are counted. */
#define MAX_ATTRS 256

FIXTURE(random)
{
	struct dice dice;
	struct control c;
	struct nlop_env env;
	int twin[2];
	int fds;
	long files;

	const struct nlspec_op *op; /* of the message under construction */
	unsigned int depth;
	unsigned long messages, accepted;
};

typedef FIXTURE_DATA(random) tester;

/* The table --------------------------------------------------------------- */

static bool list_has(const struct nlop_attr *attrs, uint16_t type)
{
	for (; attrs->type; attrs++)
		if (attrs->type == type)
			return true;
	return false;
}

/* Whether some message of nlops[] has the attribute in a nest of type @nest. */
static bool nest_has(const struct nlop_attr *attrs, uint16_t nest,
		     uint16_t type)
{
	for (; attrs->type; attrs++)
		if (attrs->nest &&
		    (attrs->type == nest ? list_has(attrs->nest, type) :
					   nest_has(attrs->nest, nest, type)))
			return true;
	return false;
}

static bool table_has(uint8_t cmd, uint16_t nest, uint16_t type)
{
	unsigned int i;

	for (i = 0; i < NR_NLOPS; i++)
		if (nlops[i].cmd == cmd &&
		    (nest ? nest_has(nlops[i].attrs, nest, type) :
			    list_has(nlops[i].attrs, type)))
			return true;
	return false;
}

static const struct nlspec_attr *attr_of(const struct nlspec_set *set,
					 uint16_t type)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (set->attrs[i].type == type)
			return &set->attrs[i];
	return NULL;
}

/* Expects each attribute of a nest, and of the nests in it, in the table. */
static void expect_nest(struct __test_metadata *_metadata, uint8_t cmd,
			const struct nlspec_attr *nest)
{
	const struct nlspec_attr *attr;
	unsigned int i;

	for (i = 0; i < nest->nest->nr; i++) {
		attr = &nest->nest->attrs[i];
		if (attr->kind == NLSPEC_PAD)
			continue;
		EXPECT_TRUE(table_has(cmd, nest->type, attr->type))
		{
			TH_LOG("%s in %s", attr->name, nest->name);
		}
		if (attr->nest)
			expect_nest(_metadata, cmd, attr);
	}
}

/* netlink_hostile_test makes one error at a time in the messages of this table. */
TEST(table_of_messages_has_each_attribute_of_the_specification)
{
	const struct nlspec_attr *attr;
	const struct nlspec_op *op;
	unsigned int i, j;

	for (i = 0; i < nlspec_nr_ops; i++) {
		op = &nlspec_ops[i];
		for (j = 0; j < op->nr_request; j++) {
			attr = attr_of(op->set, op->request[j]);
			ASSERT_NE(NULL, attr);
			EXPECT_TRUE(table_has(op->cmd, 0, attr->type))
			{
				TH_LOG("%s of %s", attr->name, op->name);
			}
			if (attr->nest)
				expect_nest(_metadata, op->cmd, attr);
		}
	}
}

/* Random messages ---------------------------------------------------------- */

static const struct nlspec_attr *any_of(tester *self,
					const struct nlspec_set *set)
{
	return &set->attrs[pick(&self->dice, set->nr)];
}

/* A number that may be one of the numbers that the kernel knows. */
static uint64_t any_number(tester *self)
{
	const struct nlop_env *env = &self->env;
	const uint64_t known[] = { env->id,	env->token,   env->sock,
				   env->twin,	env->memfd,   env->eventfd,
				   env->id + 1, self->twin[1] };

	if (once_in(&self->dice, 2))
		return known[pick(&self->dice,
				  sizeof(known) / sizeof(known[0]))];
	return odd_number(&self->dice);
}

static size_t size_of(const struct nlspec_attr *attr)
{
	switch (attr->kind) {
	case NLSPEC_U32:
	case NLSPEC_S32:
		return 4;
	case NLSPEC_U64:
		return 8;
	default:
		return attr->len;
	}
}

/* A length near that of the attribute, or any length. */
static size_t any_length(tester *self, const struct nlspec_attr *attr)
{
	size_t size = size_of(attr);

	if (once_in(&self->dice, 4))
		return pick(&self->dice, once_in(&self->dice, 8) ? 8192 : 40);
	if (once_in(&self->dice, 4))
		return size + pick(&self->dice, 5) - (size > 2 ? 2 : 0);
	return size;
}

static void put_bytes(tester *self, struct nlt_msg *msg, uint16_t type,
		      size_t len)
{
	static uint64_t words[1024 + 8];
	size_t i;

	for (i = 0; i <= len / sizeof(words[0]); i++)
		words[i] = once_in(&self->dice, 2) ? any_number(self) :
						     roll(&self->dice);
	nlt_put(msg, type, words, len);
}

static void put_list(tester *self, struct nlt_msg *msg,
		     const struct nlspec_set *set, unsigned int nr);

static void put_nest(tester *self, struct nlt_msg *msg,
		     const struct nlspec_attr *attr)
{
	size_t nest = nlt_nest(msg, attr->type);
	const struct nlspec_set *set = attr->nest;

	/* Sometimes the attributes of another set. */
	if (once_in(&self->dice, 20))
		set = self->op->set;
	self->depth++;
	if (self->depth < MAX_DEPTH)
		put_list(self, msg, set, pick(&self->dice, set->nr + 1));
	self->depth--;
	nlt_nest_end(msg, nest);
}

/* Puts an attribute of the specification, right or wrong. */
static void put_attr(tester *self, struct nlt_msg *msg,
		     const struct nlspec_attr *attr)
{
	size_t pos = msg->len;
	uint16_t type = attr->type;
	struct nlattr *header;

	if (once_in(&self->dice, 40))
		type = pick(&self->dice, 64);
	if (attr->kind == NLSPEC_NEST && !once_in(&self->dice, 10))
		put_nest(self, msg, attr);
	else
		put_bytes(self, msg, type, any_length(self, attr));
	if (msg->full || !once_in(&self->dice, 40))
		return;
	header = (struct nlattr *)(msg->buf + pos);
	if (once_in(&self->dice, 2))
		header->nla_type ^= 1 << (14 + pick(&self->dice, 2));
	else
		header->nla_len =
			pick(&self->dice, 4) ?
				header->nla_len + pick(&self->dice, 9) - 4 :
				roll(&self->dice);
}

static void put_list(tester *self, struct nlt_msg *msg,
		     const struct nlspec_set *set, unsigned int nr)
{
	while (nr--)
		put_attr(self, msg, any_of(self, set));
}

/* Puts something in place of some attributes of a good message. */
static bool replace(struct nlop_put *put, const struct nlop_attr *attr)
{
	tester *self = put->data;

	if (!once_in(&self->dice, 12))
		return false;
	if (once_in(&self->dice, 3))
		return true;
	put_attr(self, put->msg, any_of(self, self->op->set));
	return once_in(&self->dice, 2);
}

/* The set of which attributes of good messages are replaced. */
static const struct nlspec_op *spec_of(uint8_t cmd)
{
	unsigned int i;

	for (i = 0; i < nlspec_nr_ops; i++)
		if (nlspec_ops[i].cmd == cmd)
			return &nlspec_ops[i];
	return NULL;
}

/* A good message with some attributes replaced. */
static struct nlt_msg *compose_from_good(tester *self)
{
	struct nlop_put put = { .env = &self->env,
				.hook = replace,
				.data = self };
	const struct nlop *good = &nlops[pick(&self->dice, NR_NLOPS)];

	self->op = spec_of(good->cmd);
	return nlop_compose(&put, good);
}

/* A message of any attributes of the operation's set. */
static struct nlt_msg *compose_from_set(tester *self)
{
	struct nlt_msg *msg;

	self->op = &nlspec_ops[pick(&self->dice, nlspec_nr_ops)];
	msg = nlt_new(self->op->cmd, 0);
	put_list(self, msg, self->op->set,
		 pick(&self->dice, 2 * self->op->set->nr));
	return msg;
}

static int request(tester *self)
{
	struct nlt_msg *msg = once_in(&self->dice, 2) ?
				      compose_from_good(self) :
				      compose_from_set(self);
	struct nlmsghdr *hdr = (struct nlmsghdr *)msg->buf;

	if (msg->full)
		return 0;
	if (once_in(&self->dice, 8))
		hdr->nlmsg_flags |= NLM_F_DUMP;
	self->messages++;
	return nlt_call(&self->c.nl, msg, NULL, NULL);
}

/* State -------------------------------------------------------------------- */

static void new_sockets(tester *self)
{
	int i;

	for (i = 0; i < 2; i++) {
		close(self->c.sock[i]);
		close(self->twin[i]);
	}
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->c.sock);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->twin);
	self->env.sock = self->c.sock[0];
	self->env.twin = self->twin[0];
}

FIXTURE_SETUP(random)
{
	unsigned long seed = setting("VUSER_SEED", time(NULL));

	TH_LOG("VUSER_SEED=%lu", seed);
	dice_seed(&self->dice, seed, 0);
	self->files = res_files();
	self->fds = res_fds(0);
	ASSERT_EQ(0, control_start(&self->c));
	ASSERT_EQ(0, nlt_enable_ext_ack(&self->c.nl));
	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	self->env.id = self->c.id;
	self->env.token = self->c.token;
	control_uuid_bytes(self->c.uuid, self->env.uuid);
	self->env.memfd = memfd_create("area", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(self->env.memfd, 0x10000));
	self->env.eventfd = eventfd(0, EFD_CLOEXEC);
	self->twin[0] = self->twin[1] = -1;
	new_sockets(self);
}

FIXTURE_TEARDOWN(random)
{
	EXPECT_EQ(0, control_stop(&self->c));
	close(self->twin[0]);
	close(self->twin[1]);
	close(self->env.memfd);
	close(self->env.eventfd);
	EXPECT_EQ(self->fds, res_fds(0));
	EXPECT_GE(self->files + SLACK_FILES, res_files());
}

/* Makes the state good again, in which each operation may succeed. */
static void restore(struct __test_metadata *_metadata, tester *self)
{
	struct control_info info = {};

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	self->env.token = self->c.token;
	ASSERT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	if (info.state != VUSER_STATE_CREATED)
		ASSERT_EQ(0, control_detach(&self->c.nl, self->c.id,
					    self->c.token, NULL));
	new_sockets(self);
}

TEST_F_TIMEOUT(random, random_messages_are_answered, 7500)
{
	long long end = clock_ms() + 1000 * setting("VUSER_SECONDS", SECONDS);
	int ret;

	while (clock_ms() < end) {
		ret = request(self);
		if (!ret)
			self->accepted++;
		EXPECT_TRUE(ret <= 0 && ret > -4096);
		if (ret && ret != -EOPNOTSUPP)
			EXPECT_NE('\0', nlt_ext_ack()[0])
			{
				TH_LOG("%s: error %d, no reason",
				       self->op->name, ret);
			}
		if (!ret && (self->op->cmd == VUSER_CMD_DEV_ATTACH ||
			     self->op->cmd == VUSER_CMD_DEV_CLAIM))
			restore(_metadata, self);
	}
	TH_LOG("%lu messages, %lu accepted", self->messages, self->accepted);
	EXPECT_LT(0, self->accepted);
	EXPECT_GT(self->messages, self->accepted);
	/* The device works. */
	restore(_metadata, self);
	EXPECT_EQ(0, control_attach(&self->c.nl, self->c.id, self->c.token,
				    self->c.sock[0]));
	EXPECT_EQ(0, mdev_wait(self->c.uuid, "state", "attached", SOON_MS));
}

TEST_HARNESS_MAIN
