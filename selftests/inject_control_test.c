// SPDX-License-Identifier: GPL-2.0
/*
 * Failures in the control plane, called as a helper calls it, and in work for a
 * device without a consumer: notifications, the loss of a server, replies that
 * do not fit in the socket.  See inject_test.c.
 */
#include <kselftest_harness.h>
#include <linux/vfio_user.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/control.h"
#include "lib/helper.h"
#include "lib/sweep.h"

/* A device whose helper is the test. */
FIXTURE(owned)
{
	struct control c;
};

/* Attaches a new server; the previous one may be attached, lost or detached. */
static int attach_new_server(struct control *c)
{
	close(c->sock[0]);
	close(c->sock[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c->sock))
		return -errno;
	return control_attach(&c->nl, c->id, c->token, c->sock[1]);
}

static void replace_server(void *data)
{
	struct control *c = data;

	control_detach(&c->nl, c->id, c->token, NULL);
	mdev_wait(c->uuid, "state", "created", SOON_MS);
	attach_new_server(c);
}

FIXTURE_SETUP(owned)
{
	struct control *c = &self->c;

	ASSERT_EQ(0, control_start(c));
	ASSERT_EQ(0, control_claim(&c->nl, c->id, &c->token));
	ASSERT_EQ(0, attach_new_server(c));
}

FIXTURE_TEARDOWN(owned)
{
	EXPECT_EQ(0, control_stop(&self->c));
}

/* Calls -------------------------------------------------------------------- */

static void count(void *data, const struct nlt_reply *reply)
{
	++*(unsigned int *)data;
}

static int set_endpoint(struct control *c)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_SET, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, c->id);
	nlt_put_string(msg, VUSER_A_DEV_ENDPOINT, "/run/none");
	return nlt_call(&c->nl, msg, NULL, NULL);
}

static int call_all(void *data)
{
	struct control *c = data;
	unsigned int nr = 0;
	struct control_info info;
	int ret;

	ret = control_claim(&c->nl, c->id, &c->token);
	if (!ret)
		ret = control_get(&c->nl, c->id, &info);
	if (!ret)
		ret = nlt_call(&c->nl, nlt_new(VUSER_CMD_DEV_GET, NLM_F_DUMP),
			       count, &nr);
	if (!ret && !nr)
		ret = -ENODATA;
	if (!ret)
		ret = control_detach(&c->nl, c->id, c->token, "a reason");
	if (!ret)
		ret = set_endpoint(c);
	if (!ret)
		ret = attach_new_server(c);
	return ret;
}

TEST_F_TIMEOUT(owned, calls_survive_each_failure, SWEEP_LIMIT)
{
	struct control_info info;

	EXPECT_SWEEP(call_all, replace_server, &self->c, INJECT_SELF);
	ASSERT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_EQ(VUSER_STATE_ATTACHED, info.state);
}

/* A device without a helper. */
FIXTURE(unowned)
{
	struct control c;
};

FIXTURE_SETUP(unowned)
{
	ASSERT_EQ(0, control_start(&self->c));
}

FIXTURE_TEARDOWN(unowned)
{
	EXPECT_EQ(0, control_stop(&self->c));
}

/* A new helper claims the device, and ends. */
static int claim_anew(void *data)
{
	struct control *c = data;
	struct nlt nl;
	uint64_t token;
	int ret = nlt_open(&nl);

	if (ret)
		return ret;
	ret = control_claim(&nl, c->id, &token);
	nlt_close(&nl);
	return ret;
}

TEST_F_TIMEOUT(unowned, claim_by_a_new_helper_survives_each_failure,
	       SWEEP_LIMIT)
{
	EXPECT_SWEEP(claim_anew, NULL, &self->c, INJECT_SELF);
}

/* Work items --------------------------------------------------------------- */

static int lose_server(void *data)
{
	struct control *c = data;

	shutdown(c->sock[0], SHUT_RDWR);
	return mdev_wait(c->uuid, "state", "lost", SOON_MS);
}

TEST_F_TIMEOUT(owned, loss_of_the_server_survives_each_failure, SWEEP_LIMIT)
{
	EXPECT_SWEEP(lose_server, replace_server, &self->c, INJECT_WORKERS);
}

#define NR_ASKED 10

/*
 * Sends DMA commands until their replies no longer fit in a small socket, then
 * reads the replies.
 */
static int ask_and_read_late(void *data)
{
	struct {
		struct vfio_user_header hdr;
		struct vfio_user_dma_access access;
	} __attribute__((packed)) ask = {
		.hdr.command = VFIO_USER_DMA_READ,
		.hdr.msg_size = sizeof(ask),
		/* A read of 0 bytes is refused at once. */
		.access = { 0, 0 },
	};
	struct control *c = data;
	struct pollfd pfd = { .fd = c->sock[0], .events = POLLIN };
	struct vfio_user_header hdr;
	unsigned int i;
	int least = 1;

	/* The kernel uses this end of the pair. */
	if (setsockopt(c->sock[1], SOL_SOCKET, SO_SNDBUF, &least,
		       sizeof(least)))
		return -errno;
	for (i = 0; i < NR_ASKED; i++)
		if (send(c->sock[0], &ask, sizeof(ask),
			 MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(ask))
			break;
	if (i < NR_ASKED && errno != EAGAIN)
		return -ENOTCONN;
	for (; i; i--) {
		if (poll(&pfd, 1, SOON_MS) <= 0)
			return -ETIMEDOUT;
		if (recv(c->sock[0], &hdr, sizeof(hdr), MSG_WAITALL) !=
		    sizeof(hdr))
			return -ENOTCONN;
	}
	return 0;
}

TEST_F_TIMEOUT(owned, replies_without_room_survive_each_failure, SWEEP_LIMIT)
{
	EXPECT_SWEEP(ask_and_read_late, replace_server, &self->c,
		     INJECT_WORKERS, .lossy = true);
}

/* vuserd must learn of each change, even if a notification fails. */
FIXTURE(notified)
{
	struct testdev td;
	pid_t helper;
};

FIXTURE_SETUP(notified)
{
	memset(&self->td, 0, sizeof(self->td));
	uuid_new(self->td.uuid);
	self->helper = helper_start();
	ASSERT_LT(0, self->helper);
	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	ASSERT_EQ(0, mdev_create(self->td.uuid));
}

FIXTURE_TEARDOWN(notified)
{
	testdev_stop(&self->td);
	helper_stop(self->helper);
}

static int announce(void *data)
{
	struct testdev *td = data;
	int ret = mdev_set(td->uuid, "endpoint", td->socket);

	return ret ? ret : mdev_wait(td->uuid, "state", "attached", AGAIN_MS);
}

static void withdraw(void *data)
{
	struct testdev *td = data;

	mdev_set(td->uuid, "endpoint", "\n");
	mdev_wait(td->uuid, "state", "created", SOON_MS);
}

TEST_F_TIMEOUT(notified, notification_by_a_writer_survives_each_failure,
	       SWEEP_LIMIT)
{
	EXPECT_SWEEP(announce, withdraw, &self->td, INJECT_SELF);
}

TEST_F_TIMEOUT(notified, notification_by_a_worker_survives_each_failure,
	       SWEEP_LIMIT)
{
	EXPECT_SWEEP(announce, withdraw, &self->td, INJECT_WORKERS);
}

int main(int argc, char **argv)
{
	return sweep_run(argc, argv, test_harness_run);
}
