// SPDX-License-Identifier: GPL-2.0
/*
 * A 32-bit consumer: everything works except loads and stores on trapped
 * registers, because the decoder handles 64-bit code only.
 */
#include <libgen.h>
#include <limits.h>
#include <signal.h>

#include "lib/consumer.h"
#include "lib/task.h"

#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define IOVA 0x100000000ul /* the same value as in compat/consumer32.c */

FIXTURE(compat)
{
	int log;
	int to;
	int from;
	pid_t pid;
};

FIXTURE_VARIANT(compat)
{
	const char *what;
};
FIXTURE_VARIANT_ADD(compat, use) {};
FIXTURE_VARIANT_ADD(compat, load) { .what = "load" };

/* Executes consumer32, which is in the same directory as this program. */
static void exec_consumer(const char *what)
{
	char path[PATH_MAX], group[32], *dir;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 20);

	path[len > 0 ? len : 0] = '\0';
	dir = dirname(path);
	strcat(dir, "/consumer32");
	snprintf(group, sizeof(group), "/dev/vfio/%d", mdev_group(shared.uuid));
	execl(dir, dir, group, shared.uuid, what, NULL);
	perror(dir);
	_exit(254);
}

FIXTURE_SETUP(compat)
{
	int to[2], from[2];

	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	self->log = klog_open();
	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		exec_consumer(variant->what);
	}
	close(to[0]);
	close(from[1]);
	self->to = to[1];
	self->from = from[0];
}

FIXTURE_TEARDOWN(compat)
{
	close(self->to);
	close(self->from);
	close(self->log);
}

TEST_F(compat, consumer_of_32_bits_works_except_for_traps)
{
	int status;
	char c;

	if (read(self->from, &c, 1) != 1) {
		status = task_wait_end(self->pid, SOON_MS);
		ASSERT_EQ(0, status)
		{
			TH_LOG("consumer32 failed in line %d",
			       WEXITSTATUS(status));
		}
	}
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0x%lx 1", IOVA));
	EXPECT_STREQ("32", testdev_reply());
	EXPECT_EQ(0, testdev_cmd(&shared, "irq %u 0", MSIX));
	ASSERT_EQ(1, write(self->to, "", 1));
	status = task_wait_end(self->pid, SOON_MS);
	if (!variant->what) {
		EXPECT_EQ(0, status);
		return;
	}
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGBUS, WTERMSIG(status));
	EXPECT_EQ(1, klog_has(self->log, "cannot emulate the instruction"));
}

SHARED_MAIN(NULL)
