// SPDX-License-Identifier: GPL-2.0
/*
 * A server restarts while a consumer has the device open: what the consumer sees until
 * the server is back, as on_loss and state_kept say.
 */
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "lib/restart.h"
#include "lib/task.h"

/* on_loss = fail --------------------------------------------------------------- */

TEST_F(device, with_fail_the_device_works_again_after_a_reset)
{
	uint32_t value;

	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
	EXPECT_NE(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	ASSERT_EQ(0, wait_state(self, "resuming"));
	EXPECT_EQ(0xffffffff, self->bar[MEM / 4]);
	EXPECT_EQ(-EIO, get_mem(self, &value));
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	check_served(_metadata, self);
	/* ERR was signalled at the loss. */
	EXPECT_EQ(0, eventfd_wait(self->err, 0));
}

TEST_F(device, with_fail_a_device_without_reset_works_again_after_the_ioctl)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reset", "never"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	ASSERT_EQ(0, wait_state(self, "resuming"));
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	check_served(_metadata, self);
	EXPECT_EQ(0, testdev_num(&self->td, "count reset"));
	/* The device cannot be reset, as before. */
	EXPECT_NE(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
}

TEST_F(device, with_fail_the_device_works_again_after_an_open)
{
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	ASSERT_EQ(0, wait_state(self, "resuming"));
	close_device(self);
	EXPECT_EQ(0, wait_state(self, "attached"));
	open_device(_metadata, self);
	EXPECT_EQ(TESTDEV_ID, self->bar[TESTDEV_REG_ID / 4]);
}

/* A second loss before the reset: the device is lost again. */
TEST_F(device, server_that_is_lost_before_the_reset_is_replaced)
{
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	ASSERT_EQ(0, wait_state(self, "resuming"));
	ASSERT_EQ(0, lose(self));
	EXPECT_NE(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	ASSERT_EQ(0, wait_state(self, "resuming"));
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	check_served(_metadata, self);
	EXPECT_EQ(1, eventfd_wait(self->err, 0));
}

/* on_loss = wait --------------------------------------------------------------- */

/* Runs @access in a child and waits until it waits for another server. */
#define WAITING_CHILD(access)                                                 \
	({                                                                    \
		pid_t pid_ = fork();                                          \
                                                                              \
		ASSERT_LE(0, pid_);                                           \
		if (!pid_)                                                    \
			_exit(access);                                        \
		ASSERT_EQ(0, task_wait_in(pid_, "vuser_conn_wait", SOON_MS)); \
		pid_;                                                         \
	})

static int load_is_id(FIXTURE_DATA(device) *self)
{
	return self->bar[TESTDEV_REG_ID / 4] != TESTDEV_ID;
}

static int store_mem(FIXTURE_DATA(device) *self, uint32_t value)
{
	self->bar[MEM / 4 + 1] = value;
	return 0;
}

static int pread_is_id(FIXTURE_DATA(device) *self)
{
	uint32_t value = 0;

	return region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &value,
			  4) ||
	       value != TESTDEV_ID;
}

static int config_is_id(FIXTURE_DATA(device) *self)
{
	uint16_t value = 0;

	return region_get(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX, 0,
			  &value, 2) ||
	       value != TESTDEV_VENDOR_ID;
}

static int bar_register(FIXTURE_DATA(device) *self)
{
	uint32_t value;

	return region_get(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX, 0x10,
			  &value, 4);
}

TEST_F(device, with_wait_accesses_wait_until_the_server_is_back)
{
	pid_t pid[7];
	int i;

	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(0, eventfd_wait(self->err, 0));
	pid[0] = WAITING_CHILD(load_is_id(self));
	pid[1] = WAITING_CHILD(store_mem(self, 9));
	pid[2] = WAITING_CHILD(pread_is_id(self));
	pid[3] = WAITING_CHILD(config_is_id(self));
	pid[4] = WAITING_CHILD(bar_register(self));
	pid[5] = WAITING_CHILD(ioctl(self->dev.device, VFIO_DEVICE_RESET));
	pid[6] = WAITING_CHILD(set_vector(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	for (i = 0; i < 7; i++) {
		TH_LOG("access %d", i);
		EXPECT_EQ(0, task_wait_end(pid[i], SOON_MS));
	}
	check_served(_metadata, self);
	EXPECT_EQ(1, testdev_num(&self->td, "irq-enabled %u 5",
				 VFIO_PCI_MSIX_IRQ_INDEX));
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

TEST_F(device, with_wait_accesses_fail_after_the_time)
{
	long long start;
	uint32_t value;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "reconnect_timeout_ms", "700"));
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	start = clock_ms();
	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(-EIO, get_mem(self, &value));
	EXPECT_LE(700, clock_ms() - start);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
	/* Later accesses do not wait. */
	start = clock_ms();
	EXPECT_EQ(0xffffffff, self->bar[MEM / 4]);
	EXPECT_GT(700, clock_ms() - start);
	/* As with fail, the device works again after a reset. */
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	ASSERT_EQ(0, wait_state(self, "resuming"));
	EXPECT_EQ(-EIO, get_mem(self, &value));
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	check_served(_metadata, self);
	EXPECT_EQ(0, eventfd_wait(self->err, 0));
}

TEST_F(device, waiting_access_can_be_killed)
{
	pid_t pid;

	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	pid = WAITING_CHILD(load_is_id(self));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, task_wait_end(pid, 5000));
	pid = WAITING_CHILD(set_vector(self));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, task_wait_end(pid, 5000));
}

#define WQ_CPUMASK "/sys/devices/virtual/workqueue/cpumask"
#define RT_RUNTIME "/proc/sys/kernel/sched_rt_runtime_us"

/* Occupies a processor so that no other task runs there. */
static pid_t hog_start(int cpu)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t cpus;
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid) {
		CPU_ZERO(&cpus);
		CPU_SET(cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
		    sched_setscheduler(0, SCHED_FIFO, &param) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			;
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &c, 1) != 1)
		pid = -ECHILD;
	close(ready[0]);
	return pid;
}

static int feature_get(FIXTURE_DATA(device) *self)
{
	struct {
		struct vfio_device_feature head;
		uint8_t data[TESTDEV_FEATURE_SIZE];
	} feature = {
		.head.argsz = sizeof(feature),
		.head.flags = VFIO_DEVICE_FEATURE_GET | TESTDEV_FEATURE,
	};

	return ioctl(self->dev.device, VFIO_DEVICE_FEATURE, &feature) ? errno :
									0;
}

/* The first thread that sees the loss; the works that report it have not run. */
static int load_then(FIXTURE_DATA(device) *self, int next)
{
	if (self->bar[MEM / 4] != 0xffffffff)
		return 1;
	if (next == 0)
		return feature_get(self);
	if (next == 1)
		return ioctl(self->dev.device, VFIO_DEVICE_RESET) ? errno : 0;
	return -set_vector(self);
}

/*
 * All works of the kernel wait for a processor that is busy, so that the device is not
 * yet in the state lost.
 */
TEST_F(device, access_that_is_first_after_the_loss_waits)
{
	char runtime[32], mask[32];
	cpu_set_t cpus;
	pid_t pid, hog;
	int next;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_EQ(0, file_read(RT_RUNTIME, runtime, sizeof(runtime)));
	ASSERT_EQ(0, file_read(WQ_CPUMASK, mask, sizeof(mask)));
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	for (next = 0; next < 3; next++) {
		TH_LOG("access %d", next);
		ASSERT_EQ(0, testdev_cmd(&self->td, "hold read"));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			sched_setaffinity(0, sizeof(cpus), &cpus);
			_exit(load_then(self, next));
		}
		ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
		ASSERT_EQ(0, file_write(RT_RUNTIME, "-1"));
		ASSERT_EQ(0, file_write(WQ_CPUMASK, "2"));
		hog = hog_start(1);
		ASSERT_LT(0, hog);
		kill(self->td.pid, SIGKILL);
		EXPECT_EQ(0, task_wait_in(pid, "vuser_conn_wait", SOON_MS));
		kill(hog, SIGKILL);
		EXPECT_EQ(SIGKILL, task_wait_end(hog, SOON_MS));
		EXPECT_EQ(0, file_write(WQ_CPUMASK, mask));
		EXPECT_EQ(0, file_write(RT_RUNTIME, runtime));
		ASSERT_EQ(0, lose(self));
		ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
		EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
		check_served(_metadata, self);
	}
}

/* The server may have carried out a read that it did not answer. */
TEST_F(device, read_on_the_wire_is_not_sent_again)
{
	struct testdev_access acc;
	long long i, nr;
	pid_t pid;

	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	ASSERT_EQ(0, testdev_cmd(&self->td, "hold read"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(self->bar[MEM / 4] != 0xffffffff);
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	testdev_kill(&self->td);
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	EXPECT_EQ(0, wait_state(self, "open"));
	nr = testdev_log_count(&self->td);
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(0, testdev_log_get(&self->td, i, &acc));
		EXPECT_FALSE(acc.region == BAR(0) && acc.offset == MEM);
	}
}

/* on_loss = ones --------------------------------------------------------------- */

TEST_F(device, with_ones_loads_give_ones_and_stores_vanish)
{
	uint32_t value = 0;

	ASSERT_EQ(0, set_policy(self, "ones", "no"));
	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(0xffffffff, self->bar[MEM / 4]);
	self->bar[MEM / 4] = 1;
	EXPECT_EQ(0, get_mem(self, &value));
	EXPECT_EQ(0xffffffff, value);
	EXPECT_EQ(0, region_put(self->dev.device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(0, eventfd_wait(self->err, 0));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

/* state_kept ------------------------------------------------------------------- */

TEST_F(device, with_state_kept_the_device_is_not_reset_and_err_is_quiet)
{
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(0, testdev_num(&self->td, "count reset"));
	EXPECT_EQ(0, eventfd_wait(self->err, QUIET_MS));
}

TEST_F(device, without_state_kept_the_device_is_reset)
{
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(1, testdev_num(&self->td, "count reset"));
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

HELPER_MAIN
