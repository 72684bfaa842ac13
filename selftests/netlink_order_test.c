// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of the control plane that come too early, too late or twice,
 * while a consumer has the device open and waits.  The test is the helper; the
 * server is vuser-testdev, attached by a vuserd that is gone.
 */
#include <errno.h>
#include <linux/vuser.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/nlt.h"

#define MSIX  VFIO_PCI_MSIX_IRQ_INDEX
#define NR_FD 2

FIXTURE(order)
{
	struct testdev td;
	struct vfio_dev dev;
	struct nlt nl;
	uint32_t id;
	uint64_t token;
	int fds[NR_FD]; /* what the consumer asks with */
};

typedef FIXTURE_DATA(order) order;

static void take_id(void *data, const struct nlt_reply *reply)
{
	*(uint32_t *)data = nlt_u32(reply->attrs[VUSER_A_DEV_ID]);
}

static void take_token(void *data, const struct nlt_reply *reply)
{
	*(uint64_t *)data = nlt_u64(reply->attrs[VUSER_A_DEV_TOKEN]);
}

static int find(order *self)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	const char *text = self->td.uuid;
	uint8_t uuid[VUSER_UUID_LEN];
	unsigned int byte, i;

	for (i = 0; i < VUSER_UUID_LEN; i++, text += 2) {
		text += *text == '-';
		sscanf(text, "%2x", &byte);
		uuid[i] = byte;
	}
	nlt_put(msg, VUSER_A_DEV_UUID, uuid, sizeof(uuid));
	return nlt_call(&self->nl, msg, take_id, &self->id);
}

static int claim(order *self, struct nlt *nl, uint64_t *token)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_CLAIM, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, self->id);
	return nlt_call(nl, msg, take_token, token);
}

FIXTURE_SETUP(order)
{
	pid_t pid = helper_start();

	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	helper_kill(pid);
	ASSERT_EQ(0, nlt_open(&self->nl));
	ASSERT_EQ(0, nlt_enable_ext_ack(&self->nl));
	ASSERT_EQ(0, find(self));
	ASSERT_EQ(0, claim(self, &self->nl, &self->token));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	/* One vector with an event, one without. */
	self->fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	self->fds[1] = -1;
}

/* The device goes on, and its server never noticed anything. */
FIXTURE_TEARDOWN(order)
{
	uint32_t value = 0;

	EXPECT_EQ(0, region_get(self->dev.device, BAR(0), TESTDEV_REG_ID,
				&value, sizeof(value)));
	EXPECT_EQ(TESTDEV_ID, value);
	EXPECT_EQ(1, testdev_num(&self->td, "count version"));
	vfio_dev_close(&self->dev);
	close(self->fds[0]);
	nlt_close(&self->nl);
	testdev_stop(&self->td);
}

/* A consumer's ioctl, which waits for the helper; it ends with its errno. */
static pid_t ask(order *self)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-irq_set_eventfds(self->dev.device, MSIX, 0, NR_FD,
					self->fds) &
		      0xff);
	return pid;
}

static int result_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
		       WEXITSTATUS(status) :
		       -1;
}

/* The doorbell says which request it is. */
static uint64_t bell(order *self)
{
	struct nlt_reply reply;

	do {
		if (nlt_event(&self->nl, SOON_MS, &reply))
			return 0;
	} while (reply.cmd != VUSER_CMD_REQUEST_NTF);
	return nlt_u64(reply.attrs[VUSER_A_REQUEST_ID]);
}

static int send_request(order *self, struct nlt *nl, uint64_t id,
			uint64_t token, int null_fd)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_SEND, 0);

	nlt_put_u32(msg, VUSER_A_REQUEST_DEV, self->id);
	nlt_put_u64(msg, VUSER_A_REQUEST_ID, id);
	nlt_put_u64(msg, VUSER_A_REQUEST_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_REQUEST_NULL_FD, null_fd);
	return nlt_call(nl, msg, NULL, NULL);
}

static int refuse_request(order *self, struct nlt *nl, uint64_t id,
			  uint64_t token, int status)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_REQUEST_DONE, 0);

	nlt_put_u32(msg, VUSER_A_REQUEST_DEV, self->id);
	nlt_put_u64(msg, VUSER_A_REQUEST_ID, id);
	nlt_put_u64(msg, VUSER_A_REQUEST_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_REQUEST_STATUS, status);
	return nlt_call(nl, msg, NULL, NULL);
}

static int show_request(order *self, uint64_t id)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_REQUEST_GET, 0);

	nlt_put_u32(msg, VUSER_A_REQUEST_DEV, self->id);
	nlt_put_u64(msg, VUSER_A_REQUEST_ID, id);
	return nlt_call(&self->nl, msg, NULL, NULL);
}

/* An error, and what it says. */
#define EXPECT_REFUSED(error, call)                \
	do {                                       \
		EXPECT_EQ(-(error), call);         \
		EXPECT_NE('\0', nlt_ext_ack()[0])  \
		{                                  \
			TH_LOG("no reason given"); \
		}                                  \
	} while (0)

TEST_F(order, device_is_open)
{
	struct nlt_msg *msg;
	int sock[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock));
	msg = nlt_new(VUSER_CMD_DEV_ATTACH, 0);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->id);
	nlt_put_u64(msg, VUSER_A_DEV_TOKEN, self->token);
	nlt_put_u32(msg, VUSER_A_DEV_SOCKET_FD, sock[0]);
	nlt_put_u32(msg, VUSER_A_DEV_MINOR, 0);
	nlt_put_u32(msg, VUSER_A_DEV_MAX_MSG_FDS, 8);
	nlt_put_u32(msg, VUSER_A_DEV_MAX_DATA_XFER_SIZE, 1 << 20);
	nlt_put_u32(msg, VUSER_A_DEV_FLAGS, VFIO_DEVICE_FLAGS_PCI);
	EXPECT_GT(0, nlt_call(&self->nl, msg, NULL, NULL));
	EXPECT_NE('\0', nlt_ext_ack()[0]);

	msg = nlt_new(VUSER_CMD_DEV_DETACH, 0);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->id);
	nlt_put_u64(msg, VUSER_A_DEV_TOKEN, self->token);
	EXPECT_REFUSED(EBUSY, nlt_call(&self->nl, msg, NULL, NULL));

	msg = nlt_new(VUSER_CMD_DEV_SET, 0);
	nlt_put_u32(msg, VUSER_A_DEV_ID, self->id);
	nlt_put_string(msg, VUSER_A_DEV_PCI_ADDRESS, "5655:66:00.0");
	EXPECT_REFUSED(EBUSY, nlt_call(&self->nl, msg, NULL, NULL));
	close(sock[0]);
	close(sock[1]);
}

TEST_F(order, sent_once)
{
	int null_fd = eventfd(0, EFD_CLOEXEC);
	pid_t pid = ask(self);
	uint64_t id = bell(self);

	ASSERT_NE(0, id);
	EXPECT_REFUSED(ENOENT, send_request(self, &self->nl, id + 1,
					    self->token, null_fd));
	EXPECT_REFUSED(EPERM, send_request(self, &self->nl, id, self->token ^ 1,
					   null_fd));
	/* A descriptor that is none: the request goes on to wait. */
	EXPECT_REFUSED(EBADF,
		       send_request(self, &self->nl, id, self->token, 999));
	EXPECT_EQ(0, show_request(self, id));
	EXPECT_EQ(0, send_request(self, &self->nl, id, self->token, null_fd));
	EXPECT_EQ(0, result_of(pid));
	EXPECT_REFUSED(ENOENT,
		       send_request(self, &self->nl, id, self->token, null_fd));
	EXPECT_REFUSED(ENOENT,
		       refuse_request(self, &self->nl, id, self->token, EIO));
	EXPECT_REFUSED(ENOENT, show_request(self, id));
	EXPECT_EQ(1, testdev_num(&self->td, "count set-irqs"));
	close(null_fd);
}

/* With the highest errno there is, too. */
TEST_F(order, refused_once)
{
	static const int errors[] = { EIO, 4095 };
	int i, null_fd = eventfd(0, EFD_CLOEXEC);
	uint64_t id;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		pid = ask(self);
		id = bell(self);
		ASSERT_NE(0, id);
		EXPECT_EQ(0, refuse_request(self, &self->nl, id, self->token,
					    errors[i]));
		EXPECT_EQ(errors[i] & 0xff, result_of(pid));
		EXPECT_REFUSED(ENOENT, refuse_request(self, &self->nl, id,
						      self->token, EIO));
		EXPECT_REFUSED(ENOENT, send_request(self, &self->nl, id,
						    self->token, null_fd));
	}
	close(null_fd);
}

/* Its consumer is killed before it was sent. */
TEST_F(order, consumer_is_gone)
{
	int null_fd = eventfd(0, EFD_CLOEXEC);
	pid_t pid = ask(self);
	uint64_t id = bell(self);

	ASSERT_NE(0, id);
	kill(pid, SIGKILL);
	EXPECT_EQ(-1, result_of(pid));
	EXPECT_REFUSED(ENOENT,
		       send_request(self, &self->nl, id, self->token, null_fd));
	EXPECT_REFUSED(ENOENT,
		       refuse_request(self, &self->nl, id, self->token, EIO));
	close(null_fd);
}

/* A request that waits is no business of anybody but the owner. */
TEST_F(order, another_caller)
{
	int null_fd = eventfd(0, EFD_CLOEXEC);
	pid_t pid = ask(self);
	uint64_t id = bell(self), token = self->token;
	struct nlt other;

	ASSERT_NE(0, id);
	ASSERT_EQ(0, nlt_open(&other));
	ASSERT_EQ(0, nlt_enable_ext_ack(&other));
	EXPECT_REFUSED(EBUSY, claim(self, &other, &token));
	EXPECT_REFUSED(EPERM, send_request(self, &other, id, token, null_fd));
	EXPECT_REFUSED(EPERM, refuse_request(self, &other, id, token, EIO));
	/* An owner that claims again has a new token, and the old requests. */
	EXPECT_EQ(0, claim(self, &self->nl, &self->token));
	EXPECT_EQ(0, show_request(self, id));
	EXPECT_REFUSED(EPERM,
		       send_request(self, &self->nl, id, token, null_fd));
	EXPECT_EQ(0, send_request(self, &self->nl, id, self->token, null_fd));
	EXPECT_EQ(0, result_of(pid));
	nlt_close(&other);
	close(null_fd);
}

/* Stores that the server does not take, until there is no room for more. */
static pid_t fill(order *self)
{
	unsigned int last, *stores;
	uint32_t value = 0;
	pid_t pid;

	stores = mmap(NULL, sizeof(*stores), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (!pid) {
		while (!region_put(self->dev.device, BAR(0), TESTDEV_REG_MEMORY,
				   &value, sizeof(value)))
			(*(volatile unsigned int *)stores)++;
		_exit(1);
	}
	do {
		last = *(volatile unsigned int *)stores;
		usleep(QUIET_MS * 1000);
	} while (!last || last != *(volatile unsigned int *)stores);
	munmap(stores, sizeof(*stores));
	return pid;
}

/*
 * While a server takes nothing, what the helper asks for is done or refused at
 * once: a handler that waited would hold a lock of generic netlink's, and a
 * family that comes would stop all the others with it.
 */
TEST_F(order, server_is_silent)
{
	int null_fd = eventfd(0, EFD_CLOEXEC), ret;
	pid_t filler, pid;
	uint64_t id;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "60000"));
	kill(self->td.pid, SIGSTOP);
	filler = fill(self);
	pid = ask(self);
	id = bell(self);
	ASSERT_NE(0, id);
	ret = send_request(self, &self->nl, id, self->token, null_fd);
	EXPECT_TRUE(!ret || ret == -EAGAIN);
	/* A module with a family of its own. */
	EXPECT_EQ(0, system("timeout 20 modprobe nbd nbds_max=0"));
	EXPECT_EQ(0, find(self));
	kill(filler, SIGKILL);
	EXPECT_EQ(-1, result_of(filler));
	kill(self->td.pid, SIGCONT);
	while (ret == -EAGAIN) {
		EXPECT_EQ(id, bell(self));
		ret = send_request(self, &self->nl, id, self->token, null_fd);
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, result_of(pid));
	EXPECT_EQ(0, system("modprobe -r nbd"));
	close(null_fd);
}

TEST_HARNESS_MAIN
