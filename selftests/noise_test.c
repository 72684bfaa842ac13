// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that vuserd would never send: calls for nonexistent fdmsgs, and
 * random noise.
 */
#include <fcntl.h>
#include <kselftest_harness.h>

#include "lib/control.h"

CONTROL_FIXTURE

/* Messages with file descriptors ------------------------------------------- */

static int send_fdmsg(struct nlt *nl, uint32_t id, uint64_t token,
		      uint64_t fdmsg)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_FDMSG_SEND, 0);

	nlt_put_u32(msg, VUSER_A_FDMSG_DEV, id);
	nlt_put_u64(msg, VUSER_A_FDMSG_ID, fdmsg);
	nlt_put_u64(msg, VUSER_A_FDMSG_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_FDMSG_NULL_FD, 0);
	return nlt_call(nl, msg, NULL, NULL);
}

static int refuse_fdmsg(struct nlt *nl, uint32_t id, uint64_t token,
			uint64_t fdmsg, uint32_t status)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_FDMSG_DONE, 0);

	nlt_put_u32(msg, VUSER_A_FDMSG_DEV, id);
	nlt_put_u64(msg, VUSER_A_FDMSG_ID, fdmsg);
	nlt_put_u64(msg, VUSER_A_FDMSG_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_FDMSG_STATUS, status);
	return nlt_call(nl, msg, NULL, NULL);
}

TEST_F(control, nonexistent_request_ids_are_rejected)
{
	struct nlt_msg *msg;

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	EXPECT_EQ(-ENOTCONN,
		  send_fdmsg(&self->c.nl, self->c.id, self->c.token, 1));
	ASSERT_EQ(0, control_attach(&self->c.nl, self->c.id, self->c.token,
				    self->c.sock[0]));
	EXPECT_EQ(-ENOENT,
		  send_fdmsg(&self->c.nl, self->c.id, self->c.token, 1));
	EXPECT_EQ(-EPERM, send_fdmsg(&self->c.nl, self->c.id, 0, 1));
	EXPECT_EQ(-ENODEV, send_fdmsg(&self->c.nl, 0, self->c.token, 1));
	EXPECT_EQ(-ENOENT,
		  refuse_fdmsg(&self->c.nl, self->c.id, self->c.token, 1, EIO));
	EXPECT_GT(0,
		  refuse_fdmsg(&self->c.nl, self->c.id, self->c.token, 1, 0));
	EXPECT_GT(0, refuse_fdmsg(&self->c.nl, self->c.id, self->c.token, 1,
				  4096));
	msg = nlt_new(VUSER_CMD_FDMSG_GET, 0);
	nlt_put_u32(msg, VUSER_A_FDMSG_DEV, self->c.id);
	nlt_put_u64(msg, VUSER_A_FDMSG_ID, 1);
	EXPECT_EQ(-ENOENT, nlt_call(&self->c.nl, msg, NULL, NULL));
	EXPECT_EQ(0, nlt_call(&self->c.nl,
			      nlt_new(VUSER_CMD_FDMSG_GET, NLM_F_DUMP), NULL,
			      NULL));
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

/*
 * The kernel answers each message, and keeps no file of a refused message.
 */
TEST_F(control, random_messages_leave_no_file_open)
{
	struct nlt_msg *msg;
	int i, pipe[2], refused = 0;

	ASSERT_EQ(0, pipe2(pipe, O_CLOEXEC));
	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	for (i = 0; i < 20000; i++) {
		msg = nlt_new(dice(VUSER_CMD_MAX + 2), 0);
		if (dice(2)) {
			nlt_put_u32(msg, VUSER_A_DEV_ID, self->c.id);
			nlt_put_u64(msg, VUSER_A_DEV_TOKEN, self->c.token);
			nlt_put_u32(msg, VUSER_A_DEV_SOCKET_FD,
				    self->c.sock[0]);
		}
		put_noise(msg, 3, dice(2) ? pipe[1] : self->c.sock[0]);
		refused += nlt_call(&self->c.nl, msg, NULL, NULL) != 0;
	}
	EXPECT_LT(10000, refused);
	EXPECT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	EXPECT_EQ(0,
		  control_detach(&self->c.nl, self->c.id, self->c.token, NULL));
	close(pipe[1]);
	close(self->c.sock[0]);
	self->c.sock[0] = -1;
	EXPECT_TRUE(control_hung_up(pipe[0]));
	EXPECT_TRUE(control_hung_up(self->c.sock[1]));
	close(pipe[0]);
}

TEST_HARNESS_MAIN
