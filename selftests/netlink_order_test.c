// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of the control plane that are called too early, too late or twice,
 * while a consumer has the device open and waits.  The test is the helper; the
 * server is vuser-testdev, attached by a vuserd that has ended.
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
	int fds[NR_FD]; /* the eventfds of the consumer's SET_IRQS */
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
	/* One vector with an eventfd, one without. */
	self->fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	self->fds[1] = -1;
}

/* The device must still work, with the same connection to the server. */
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

/*
 * Starts a consumer whose ioctl waits for the helper; its exit status is the
 * errno.
 */
static pid_t start_consumer(order *self)
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

/* Waits for the notification of an fdmsg and returns its ID, or 0. */
static uint64_t wait_fdmsg(order *self)
{
	struct nlt_reply reply;

	do {
		if (nlt_event(&self->nl, SOON_MS, &reply))
			return 0;
	} while (reply.cmd != VUSER_CMD_FDMSG_NTF);
	return nlt_u64(reply.attrs[VUSER_A_FDMSG_ID]);
}

static int send_fdmsg(order *self, struct nlt *nl, uint64_t id, uint64_t token,
		      int null_fd)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_FDMSG_SEND, 0);

	nlt_put_u32(msg, VUSER_A_FDMSG_DEV, self->id);
	nlt_put_u64(msg, VUSER_A_FDMSG_ID, id);
	nlt_put_u64(msg, VUSER_A_FDMSG_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_FDMSG_NULL_FD, null_fd);
	return nlt_call(nl, msg, NULL, NULL);
}

static int refuse_fdmsg(order *self, struct nlt *nl, uint64_t id,
			uint64_t token, int status)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_FDMSG_DONE, 0);

	nlt_put_u32(msg, VUSER_A_FDMSG_DEV, self->id);
	nlt_put_u64(msg, VUSER_A_FDMSG_ID, id);
	nlt_put_u64(msg, VUSER_A_FDMSG_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_FDMSG_STATUS, status);
	return nlt_call(nl, msg, NULL, NULL);
}

static int show_fdmsg(order *self, uint64_t id)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_FDMSG_GET, 0);

	nlt_put_u32(msg, VUSER_A_FDMSG_DEV, self->id);
	nlt_put_u64(msg, VUSER_A_FDMSG_ID, id);
	return nlt_call(&self->nl, msg, NULL, NULL);
}

/* Expects an error, and a text that gives the reason. */
#define EXPECT_REFUSED(error, call)                \
	do {                                       \
		EXPECT_EQ(-(error), call);         \
		EXPECT_NE('\0', nlt_ext_ack()[0])  \
		{                                  \
			TH_LOG("no reason given"); \
		}                                  \
	} while (0)

TEST_F(order, changes_of_an_open_device_are_refused)
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

TEST_F(order, fdmsg_is_sent_only_once)
{
	int null_fd = eventfd(0, EFD_CLOEXEC);
	pid_t pid = start_consumer(self);
	uint64_t id = wait_fdmsg(self);

	ASSERT_NE(0, id);
	EXPECT_REFUSED(ENOENT, send_fdmsg(self, &self->nl, id + 1, self->token,
					  null_fd));
	EXPECT_REFUSED(EPERM, send_fdmsg(self, &self->nl, id, self->token ^ 1,
					 null_fd));
	/* An invalid descriptor is refused; the message still waits. */
	EXPECT_REFUSED(EBADF,
		       send_fdmsg(self, &self->nl, id, self->token, 999));
	EXPECT_EQ(0, show_fdmsg(self, id));
	EXPECT_EQ(0, send_fdmsg(self, &self->nl, id, self->token, null_fd));
	EXPECT_EQ(0, result_of(pid));
	EXPECT_REFUSED(ENOENT,
		       send_fdmsg(self, &self->nl, id, self->token, null_fd));
	EXPECT_REFUSED(ENOENT,
		       refuse_fdmsg(self, &self->nl, id, self->token, EIO));
	EXPECT_REFUSED(ENOENT, show_fdmsg(self, id));
	EXPECT_EQ(1, testdev_num(&self->td, "count set-irqs"));
	close(null_fd);
}

/*
 * The consumer gets EIO in place of errnos that have a meaning inside of the kernel:
 * ERESTARTSYS, EPROBE_DEFER, and the highest one.
 */
TEST_F(order, fdmsg_is_refused_only_once)
{
	static const int errors[][2] = {
		{ ENOMEM, ENOMEM }, { 512, EIO }, { 517, EIO }, { 4095, EIO }
	};
	int i, null_fd = eventfd(0, EFD_CLOEXEC);
	uint64_t id;
	pid_t pid;

	for (i = 0; i < 4; i++) {
		pid = start_consumer(self);
		id = wait_fdmsg(self);
		ASSERT_NE(0, id);
		EXPECT_EQ(0, refuse_fdmsg(self, &self->nl, id, self->token,
					  errors[i][0]));
		EXPECT_EQ(errors[i][1], result_of(pid));
		EXPECT_REFUSED(ENOENT, refuse_fdmsg(self, &self->nl, id,
						    self->token, EIO));
		EXPECT_REFUSED(ENOENT, send_fdmsg(self, &self->nl, id,
						  self->token, null_fd));
	}
	close(null_fd);
}

/* The consumer is killed before its message was sent. */
TEST_F(order, fdmsg_of_a_killed_consumer_is_dropped)
{
	int null_fd = eventfd(0, EFD_CLOEXEC);
	pid_t pid = start_consumer(self);
	uint64_t id = wait_fdmsg(self);

	ASSERT_NE(0, id);
	kill(pid, SIGKILL);
	EXPECT_EQ(-1, result_of(pid));
	EXPECT_REFUSED(ENOENT,
		       send_fdmsg(self, &self->nl, id, self->token, null_fd));
	EXPECT_REFUSED(ENOENT,
		       refuse_fdmsg(self, &self->nl, id, self->token, EIO));
	close(null_fd);
}

/* Only the owner may handle a waiting message. */
TEST_F(order, fdmsg_is_refused_to_other_callers)
{
	int null_fd = eventfd(0, EFD_CLOEXEC);
	pid_t pid = start_consumer(self);
	uint64_t id = wait_fdmsg(self), token = self->token;
	struct nlt other;

	ASSERT_NE(0, id);
	ASSERT_EQ(0, nlt_open(&other));
	ASSERT_EQ(0, nlt_enable_ext_ack(&other));
	EXPECT_REFUSED(EBUSY, claim(self, &other, &token));
	EXPECT_REFUSED(EPERM, send_fdmsg(self, &other, id, token, null_fd));
	EXPECT_REFUSED(EPERM, refuse_fdmsg(self, &other, id, token, EIO));
	/*
	 * After a new claim, the owner has a new token and the same messages.
	 */
	EXPECT_EQ(0, claim(self, &self->nl, &self->token));
	EXPECT_EQ(0, show_fdmsg(self, id));
	EXPECT_REFUSED(EPERM, send_fdmsg(self, &self->nl, id, token, null_fd));
	EXPECT_EQ(0, send_fdmsg(self, &self->nl, id, self->token, null_fd));
	EXPECT_EQ(0, result_of(pid));
	nlt_close(&other);
	close(null_fd);
}

/* Stores to a stopped server, until its socket is full. */
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
 * If the server's socket is full, calls of the helper succeed or fail at once.
 * A handler that waits would hold a lock of generic netlink, and the
 * registration of another family would block all families.
 */
TEST_F(order, full_socket_does_not_block_generic_netlink)
{
	int null_fd = eventfd(0, EFD_CLOEXEC), ret;
	pid_t filler, pid;
	uint64_t id;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "60000"));
	kill(self->td.pid, SIGSTOP);
	filler = fill(self);
	pid = start_consumer(self);
	id = wait_fdmsg(self);
	ASSERT_NE(0, id);
	ret = send_fdmsg(self, &self->nl, id, self->token, null_fd);
	EXPECT_TRUE(!ret || ret == -EAGAIN);
	/* This module registers another family. */
	EXPECT_EQ(0, system("timeout 20 modprobe nbd nbds_max=0"));
	EXPECT_EQ(0, find(self));
	kill(filler, SIGKILL);
	EXPECT_EQ(-1, result_of(filler));
	kill(self->td.pid, SIGCONT);
	while (ret == -EAGAIN) {
		EXPECT_EQ(id, wait_fdmsg(self));
		ret = send_fdmsg(self, &self->nl, id, self->token, null_fd);
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, result_of(pid));
	EXPECT_EQ(0, system("modprobe -r nbd"));
	close(null_fd);
}

TEST_HARNESS_MAIN
