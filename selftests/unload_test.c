// SPDX-License-Identifier: GPL-2.0
/*
 * The module is unloaded while a channel takes long to end.  The timer of the
 * channel's twin socket must still expire, and its work must run.
 */
#include <fcntl.h>
#include <linux/vfio_user.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <kselftest_harness.h>

#include "lib/clock.h"
#include "lib/control.h"
#include "lib/fuse.h"
#include "lib/res.h"
#include "lib/task.h"

#define PAGE 0x1000UL

/* The timeout of a message that was received in part. */
#define PARTIAL_MS 3000

/*
 * Starts a process that peeks at the data of the kernel's end of a socket, into
 * memory that the FUSE server does not fill.  Until the memory is filled, no
 * other reader can use the socket.
 */
static pid_t keep_reader_out(int sock, int file)
{
	pid_t pid = fork();
	void *mem;

	if (pid)
		return pid;
	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	_exit(mem == MAP_FAILED || recv(sock, mem, 4, MSG_PEEK) != 4);
}

static pid_t unload(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	_exit(syscall(SYS_delete_module, "vuser", O_NONBLOCK) ? errno : 0);
}

/*
 * Waits until the unload has removed all devices and sleeps in the system call.
 */
static int wait_past_devices(pid_t unloader)
{
	long long end = clock_ms() + PARTIAL_MS;

	while (!access(MDEV_TYPE, F_OK)) {
		if (clock_ms() > end)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
	return task_wait_in(unloader, "__do_sys_delete_module", PARTIAL_MS);
}

static int load(void)
{
	char path[512];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/module/kmod/vuser.ko",
		 getenv("BUILD"));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* Sends DMA_READs of unmapped memory, more than the socket has room for replies. */
static int ask_much(int server)
{
	static struct {
		struct vfio_user_header hdr;
		struct vfio_user_dma_access dma;
	} reads[1300];
	size_t i;

	for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		reads[i].hdr.command = VFIO_USER_DMA_READ;
		reads[i].hdr.msg_size = sizeof(reads[i]);
		reads[i].dma.count = 8;
	}
	return send(server, reads, sizeof(reads), 0) == sizeof(reads) ? 0 :
									-errno;
}

/* Receives replies until the kernel waits for the lock of its readers. */
static int drain_until_reader_waits(int server)
{
	long long end = clock_ms() + SOON_MS;
	char buf[4096];

	while (task_wait_worker_in("unix_stream_read", 0)) {
		if (clock_ms() > end)
			return -ETIMEDOUT;
		if (recv(server, buf, sizeof(buf), MSG_DONTWAIT) < 0)
			poll(NULL, 0, 1);
	}
	return 0;
}

static void sleep_until(long long end)
{
	long long left;

	while ((left = end - clock_ms()) > 0)
		poll(NULL, 0, left);
}

TEST(unload_waits_for_a_half_received_message)
{
	pid_t keeper, unloader;
	struct fuse fuse = {};
	int twin[2], file, log;
	struct control c;
	long long start;
	char text[16];

	ASSERT_EQ(0, fuse_start(&fuse));
	file = fuse_open(&fuse);
	ASSERT_LE(0, file);
	ASSERT_EQ(0, control_start(&c));
	ASSERT_EQ(0, mdev_set(c.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, twin));

	/*
	 * The end of the channel waits for a process of the helper, which reads the
	 * main socket while the kernel waits for room to reply ...
	 */
	ASSERT_EQ(0, control_attach_twin(&c, twin[0]));
	ASSERT_EQ(0, ask_much(c.sock[1]));
	fuse_hold(&fuse);
	keeper = keep_reader_out(c.sock[0], file);
	ASSERT_LE(0, keeper);
	fuse_wait(&fuse);
	ASSERT_EQ(0, drain_until_reader_waits(c.sock[1]));
	snprintf(text, sizeof(text), "%d", PARTIAL_MS);
	ASSERT_EQ(0, mdev_set(c.uuid, "request_timeout_ms", text));
	/* ... while the timeout of the twin socket runs. */
	ASSERT_EQ(4, send(twin[1], "half", 4, 0));
	ASSERT_EQ(0, control_wait_read(twin[1]));
	start = clock_ms();
	log = klog_open();
	unloader = unload();
	ASSERT_LE(0, unloader);
	ASSERT_EQ(0, wait_past_devices(unloader));
	EXPECT_GT(PARTIAL_MS, clock_ms() - start);
	sleep_until(start + PARTIAL_MS + 500);

	fuse_release(&fuse);
	EXPECT_EQ(0, task_wait_end(keeper, SOON_MS));
	EXPECT_EQ(0, task_wait_end(unloader, SOON_MS));
	EXPECT_EQ(0, klog_count(log, "WARNING"));
	close(file);
	fuse_stop(&fuse);
	nlt_close(&c.nl);
	EXPECT_EQ(0, load());
}

TEST_HARNESS_MAIN
