// SPDX-License-Identifier: GPL-2.0
/*
 * The helper ends, is killed, or hangs: registers work without a helper, a
 * message with file descriptors waits for a helper, and the next helper takes
 * over the devices.
 */
#include <linux/vuser.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/control.h"
#include "lib/genl.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/task.h"

#define PAGE 0x1000UL
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX

FIXTURE(helper)
{
	struct testdev td;
	struct vfio_dev dev;
	pid_t pid;
	long locked;
};

FIXTURE_SETUP(helper)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
}

FIXTURE_TEARDOWN(helper)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
	if (self->pid > 0)
		helper_kill(self->pid);
}

#define OPEN()                                                \
	ASSERT_EQ(0, vfio_dev_open(&self->dev, self->td.uuid, \
				   VFIO_TYPE1v2_IOMMU))

/*
 * Waits until a message with file descriptors waits for a helper; -ECHILD if
 * @pid has ended.
 */
static int wait_fdmsg(pid_t pid)
{
	struct genl_msg msg;
	struct genl nl;
	siginfo_t info = {};
	int ret = genl_open(&nl);

	if (ret)
		return ret;
	do {
		genl_begin(&nl, &msg, VUSER_CMD_FDMSG_GET, NLM_F_DUMP);
		ret = genl_send(&nl, &msg);
		waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
		if (!ret && info.si_pid)
			ret = -ECHILD;
	} while (!ret && genl_get(VUSER_A_FDMSG_ID) < 0);
	genl_close(&nl);
	return ret;
}

TEST_F(helper, helper_ends_on_sigterm)
{
	EXPECT_EQ(0, helper_stop(self->pid));
	self->pid = 0;
}

/* Register accesses and a reset need no helper. */
TEST_F(helper, registers_work_without_a_helper)
{
	volatile uint32_t *bar;
	uint32_t value = 7;

	OPEN();
	bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	helper_kill(self->pid);
	self->pid = 0;
	EXPECT_EQ(TESTDEV_ID, bar[TESTDEV_REG_ID / 4]);
	EXPECT_EQ(0, region_put(self->dev.device, BAR(2), 0, &value, 4));
	EXPECT_EQ(0, region_get(self->dev.device, BAR(2), 0, &value, 4));
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	munmap((void *)bar, TESTDEV_BAR0_SIZE);
}

TEST_F(helper, next_helper_takes_over_an_attached_device)
{
	uint32_t id = 0;

	helper_kill(self->pid);
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	OPEN();
	EXPECT_EQ(0,
		  region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
	/* The next helper did not connect to the server again. */
	EXPECT_EQ(1, testdev_num(&self->td, "count version"));
}

TEST_F(helper, next_helper_takes_over_an_open_device)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	char *mem = mem_memfd(4 * PAGE, NULL);

	OPEN();
	helper_kill(self->pid);
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	/* Messages with file descriptors go through the new helper. */
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, MSIX, 0, 1, &fd));
	ASSERT_EQ(0, testdev_cmd(&self->td, "irq %u 0", MSIX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, 4 * PAGE, DMA_RW));
	mem_fill(mem, 4 * PAGE, 3);
	EXPECT_EQ(mem_sum(mem, 4 * PAGE),
		  testdev_num(&self->td, "dma-sum 0 %lu", 4 * PAGE));
}

TEST_F(helper, next_helper_attaches_a_created_device)
{
	struct testdev other = {};

	helper_kill(self->pid);
	self->pid = 0;
	uuid_new(other.uuid);
	ASSERT_EQ(0, testdev_serve(&other, NULL));
	ASSERT_EQ(0, mdev_create(other.uuid));
	ASSERT_EQ(0, mdev_set(other.uuid, "endpoint", other.socket));
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	EXPECT_EQ(0, mdev_wait(other.uuid, "state", "attached", SOON_MS));
	testdev_stop(&other);
}

/*
 * A message for a helper that was killed waits, and the next helper sends it.
 */
TEST_F(helper, fdmsg_waits_for_the_next_helper)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int status;
	pid_t pid;

	OPEN();
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "15000"));
	kill(self->pid, SIGSTOP);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(irq_set_eventfds(self->dev.device, MSIX, 0, 1, &fd) ? 1 :
									    0);
	ASSERT_EQ(0, wait_fdmsg(pid));
	helper_kill(self->pid);
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, testdev_cmd(&self->td, "irq %u 0", MSIX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
}

/*
 * The number of messages that the netlink socket of @port has lost; -1 if there
 * is no such socket.
 */
static long drops(uint32_t port)
{
	FILE *table = fopen("/proc/net/netlink", "re");
	unsigned int family, other;
	long lost = -1, nr;
	char line[256];

	while (table && fgets(line, sizeof(line), table)) {
		if (sscanf(line, "%*s %u %u %*s %*s %*s %*s %*s %ld", &family,
			   &other, &nr) == 3 &&
		    family == NETLINK_GENERIC && other == port)
			lost = nr;
	}
	if (table)
		fclose(table);
	return lost;
}

/*
 * Whether the netlink socket of @port loses more than @before messages. The fdmsg is in
 * the queue before the notification about it is sent.
 */
static bool loses(uint32_t port, long before)
{
	long long end = clock_ms() + SOON_MS;

	while (drops(port) <= before && clock_ms() < end)
		usleep(10000);
	return drops(port) > before;
}

/* Sends to @port until its socket does not take even a small message. */
static int fill(uint32_t port)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port };
	struct {
		struct nlmsghdr hdr;
		char rest[1024];
	} msg = { .hdr = { .nlmsg_type = NLMSG_NOOP } };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	size_t len[] = { sizeof(msg), sizeof(msg.hdr) };
	unsigned int i;
	ssize_t sent;

	for (i = 0; i < 2; i++) {
		msg.hdr.nlmsg_len = len[i];
		do {
			sent = sendto(fd, &msg, len[i], MSG_DONTWAIT,
				      (struct sockaddr *)&to, sizeof(to));
		} while (sent == (ssize_t)len[i]);
		if (errno != EAGAIN)
			break;
	}
	close(fd);
	return i == 2 ? 0 : -errno;
}

/*
 * The notification of an fdmsg does not fit in the helper's socket: the helper
 * must ask the kernel for the fdmsgs that it missed.
 */
TEST_F(helper, helper_recovers_from_a_lost_notification)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct genl_msg msg;
	uint8_t uuid[16];
	struct genl nl;
	uint32_t port;
	long before;
	pid_t pid;

	/*
	 * The timeout must suffice for the notification, and for a slow helper
	 * that first reads the earlier messages.
	 */
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "60000"));
	OPEN();
	ASSERT_EQ(0, genl_open(&nl));
	genl_begin(&nl, &msg, VUSER_CMD_DEV_GET, 0);
	control_uuid_bytes(self->td.uuid, uuid);
	genl_put(&msg, VUSER_A_DEV_UUID, uuid, sizeof(uuid));
	ASSERT_EQ(0, genl_send(&nl, &msg));
	port = genl_get(VUSER_A_DEV_OWNER);
	genl_close(&nl);

	kill(self->pid, SIGSTOP);
	ASSERT_EQ(0, fill(port));
	before = drops(port);
	ASSERT_LE(0, before);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(irq_set_eventfds(self->dev.device, MSIX, 0, 1, &fd) ? 1 :
									    0);
	ASSERT_EQ(0, wait_fdmsg(pid));
	EXPECT_TRUE(loses(port, before));
	kill(self->pid, SIGCONT);
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&self->td, "irq %u 0", MSIX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
}

/* If the helper hangs, MAP_DMA ends by its timeout. */
TEST_F(helper, map_times_out_while_the_helper_is_stopped)
{
	char *mem = mem_memfd(PAGE, NULL);
	long long start;

	OPEN();
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "1000"));
	kill(self->pid, SIGSTOP);
	start = clock_ms();
	EXPECT_EQ(-ETIMEDOUT,
		  dma_map(self->dev.container, mem, 0, PAGE, DMA_RW));
	EXPECT_LE(900, clock_ms() - start);
	EXPECT_GT(8000, clock_ms() - start);
	EXPECT_EQ(self->locked, res_locked());
	kill(self->pid, SIGCONT);
}

/* A consumer that waits for a stopped helper can be killed. */
TEST_F(helper, consumer_can_be_killed_while_the_helper_is_stopped)
{
	int status, to[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, pipe(to));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		char *mem = mem_memfd(PAGE, NULL);

		OPEN();
		kill(self->pid, SIGSTOP);
		if (write(to[1], "", 1) != 1)
			_exit(2);
		dma_map(self->dev.container, mem, 0, PAGE, DMA_RW);
		_exit(0);
	}
	ASSERT_EQ(1, read(to[0], &c, 1));
	ASSERT_EQ(0, wait_fdmsg(pid));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	kill(self->pid, SIGCONT);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "attached", SOON_MS));
	OPEN();
}

/*
 * A message that waits for a stopped helper does not block any netlink message.
 */
TEST_F(helper, stopped_helper_does_not_block_netlink)
{
	struct genl_msg msg;
	struct genl nl;
	int status;
	pid_t pid;

	OPEN();
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "15000"));
	kill(self->pid, SIGSTOP);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		_exit(irq_set_eventfds(self->dev.device, MSIX, 0, 1, &fd) ? 1 :
									    0);
	}
	/* Wait until the message is queued for the helper. */
	ASSERT_EQ(0, genl_open(&nl));
	do {
		genl_begin(&nl, &msg, VUSER_CMD_FDMSG_GET, NLM_F_DUMP);
		ASSERT_EQ(0, genl_send(&nl, &msg));
		ASSERT_EQ(0, waitpid(pid, &status, WNOHANG));
	} while (genl_get(VUSER_A_FDMSG_ID) < 0);
	EXPECT_EQ(8, genl_get(VUSER_A_FDMSG_COMMAND));
	EXPECT_EQ(1, genl_get(VUSER_A_FDMSG_NFDS));
	genl_begin(&nl, &msg, VUSER_CMD_DEV_GET, NLM_F_DUMP);
	EXPECT_EQ(0, genl_send(&nl, &msg));
	/* Only the owner of the device may answer the message. */
	genl_begin(&nl, &msg, VUSER_CMD_FDMSG_DONE, 0);
	genl_put_u32(&msg, VUSER_A_FDMSG_DEV, 1);
	genl_put_u64(&msg, VUSER_A_FDMSG_ID, 1);
	genl_put_u64(&msg, VUSER_A_FDMSG_TOKEN, 1);
	genl_put_u32(&msg, VUSER_A_FDMSG_STATUS, EIO);
	EXPECT_GT(0, genl_send(&nl, &msg));
	genl_close(&nl);
	kill(self->pid, SIGCONT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The helper closes the descriptors of a message after it has sent them. */
TEST_F(helper, helper_closes_the_descriptors_it_sends)
{
	int fds[8], before = 0, i, k;
	char *mem = mem_memfd(4 * PAGE, NULL);

	OPEN();
	for (i = 0; i < 8; i++)
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	/*
	 * After the first round, the descriptors of the attach are closed, too.
	 */
	for (k = 0; k < 10; k++) {
		if (k == 1)
			before = res_fds(self->pid);
		ASSERT_EQ(0,
			  irq_set_eventfds(self->dev.device, MSIX, 0, 8, fds));
		ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, 4 * PAGE,
				     DMA_RW));
		ASSERT_EQ(0,
			  dma_unmap(self->dev.container, 0, 4 * PAGE, 0, NULL));
		ASSERT_EQ(0, irq_disable(self->dev.device, MSIX));
	}
	EXPECT_GE(before, res_wait_fds(self->pid, before));
}

/* The server ends while there is no helper. */
TEST_F(helper, next_helper_attaches_a_restarted_server)
{
	helper_kill(self->pid);
	self->pid = 0;
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "attached", SOON_MS));
}

TEST_HARNESS_MAIN
