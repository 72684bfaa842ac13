// SPDX-License-Identifier: GPL-2.0
/*
 * A helper is preempted after it has taken a message and before it sends it,
 * and the consumer is killed at that moment: messages of the close must not
 * overtake the message.
 *
 * The kernel emits the trace event of the message between these two steps, in
 * the context of the helper.  This test waits for the event with a higher
 * priority on the helper's processor, so that the helper cannot continue before
 * the test sleeps again.
 */
#include <dirent.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/task.h"

#define PAGE 0x1000UL
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX

#define TRACE_ID "/sys/kernel/tracing/events/vuser/vuser_send/id"
#define PREEMPT	 "/sys/kernel/debug/sched/preempt"

/* Masks of processors. */
#define FIRST  1UL
#define SECOND 2UL
#define ANY    ~0UL

/*
 * The time for which the helper is held up, in ms.  It is less than a second:
 * after a second, the scheduler lets other tasks run beside a real-time task.
 */
#define KEPT_MS 700

FIXTURE(preempted)
{
	char model[80]; /* the old preemption model; empty: it is fixed */
	void *ring;
	int event;
	pid_t pid;
	int go;
};

FIXTURE_VARIANT(preempted)
{
	void (*act)(struct vfio_dev *dev);
};

static void do_dma_map(struct vfio_dev *dev)
{
	dma_map(dev->container, mem_memfd(PAGE, NULL), 0, PAGE, DMA_RW);
}

static void do_set_irqs(struct vfio_dev *dev)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	irq_set_eventfds(dev->device, MSIX, 0, 1, &fd);
}

FIXTURE_VARIANT_ADD(preempted, dma_map) { .act = do_dma_map };
FIXTURE_VARIANT_ADD(preempted, set_irqs) { .act = do_set_irqs };

/*
 * Selects full preemption, if the kernel lets user space select a model.  Then
 * the file lists the models: "none voluntary (full) lazy".
 */
static int preempt_fully(char *model, size_t size)
{
	char all[80], *start;

	model[0] = '\0';
	if (file_read(PREEMPT, all, sizeof(all)))
		return 0;
	start = strchr(all, '(');
	if (start)
		snprintf(model, size, "%.*s", (int)strcspn(start + 1, ")"),
			 start + 1);
	return file_write(PREEMPT, "full");
}

/* Opens an event that is readable when @pid sends a message for the kernel. */
static int event_open(pid_t pid, void **ring)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	char id[32];
	int fd;

	if (file_read(TRACE_ID, id, sizeof(id)))
		return -ENOENT;
	attr.config = strtoull(id, NULL, 10);
	fd = syscall(SYS_perf_event_open, &attr, pid, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ring = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *ring == MAP_FAILED ? -errno : fd;
}

/* Moves all threads of a process to the processors in the mask. */
static int run_on(pid_t pid, unsigned long cpus)
{
	char path[64];
	struct dirent *entry;
	int ret = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return -errno;
	while (!ret && (entry = readdir(tasks))) {
		if (entry->d_name[0] != '.' &&
		    syscall(SYS_sched_setaffinity, atoi(entry->d_name),
			    sizeof(cpus), &cpus) < 0)
			ret = -errno;
	}
	closedir(tasks);
	return ret;
}

FIXTURE_SETUP(preempted)
{
	int ready[2], go[2];
	char c;

	if (get_nprocs() < 2)
		SKIP(return, "needs two processors");
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, preempt_fully(self->model, sizeof(self->model)));
	self->event = event_open(helper_pid, &self->ring);
	ASSERT_LE(0, self->event);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		struct vfio_dev dev;

		if (run_on(getpid(), SECOND) ||
		    vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU) ||
		    write(ready[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		variant->act(&dev);
		_exit(0);
	}
	self->go = go[1];
	ASSERT_EQ(1, read(ready[0], &c, 1));
}

FIXTURE_TEARDOWN(preempted)
{
	run_on(helper_pid, ANY);
	run_on(shared.pid, ANY);
	if (self->model[0]) {
		EXPECT_EQ(0, file_write(PREEMPT, self->model));
	}
}

/* Kills the consumer, and keeps this processor until it ends or for @ms. */
static void kill_and_keep(pid_t pid, int ms)
{
	long long end = clock_ms() + ms;
	siginfo_t info = {};

	kill(pid, SIGKILL);
	while (!info.si_pid && clock_ms() < end)
		waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
}

TEST_F(preempted, close_does_not_overtake_a_taken_fdmsg)
{
	struct sched_param high = { .sched_priority = 50 };
	struct pollfd pfd = { .fd = self->event, .events = POLLIN };
	struct vfio_dev dev;
	char *mem;

	/* The server and the consumer use the other processor. */
	ASSERT_EQ(0, run_on(shared.pid, SECOND));
	ASSERT_EQ(0, run_on(helper_pid, FIRST));
	ASSERT_EQ(0, run_on(getpid(), FIRST));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &high));
	ASSERT_EQ(1, write(self->go, "", 1));
	ASSERT_EQ(1, poll(&pfd, 1, SOON_MS));
	kill_and_keep(self->pid, KEPT_MS);
	EXPECT_EQ(SIGKILL, task_wait_end(self->pid, SOON_MS));

	high.sched_priority = 0;
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &high));
	/*
	 * The close waited only until the message was sent: the server
	 * received all messages in order, and was not lost.
	 */
	ASSERT_EQ(0, mdev_wait(shared.uuid, "state", "attached", SOON_MS));
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0", MSIX));
	mem = mem_memfd(PAGE, NULL);
	EXPECT_EQ(0, dma_map(dev.container, mem, 0, PAGE, DMA_RW));
	vfio_dev_close(&dev);
}

SHARED_MAIN(NULL)
