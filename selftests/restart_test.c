// SPDX-License-Identifier: GPL-2.0
/*
 * A server restarts while a consumer has the device open: what the consumer sees until
 * the server is back, what the new server gets, and which servers are refused.
 */
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/fault.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/model.h"
#include "lib/task.h"

#define PAGE 0x1000UL
#define MEM  TESTDEV_REG_MEMORY
/* The DMA address of the fixture's memory. */
#define IOVA 0x10000UL
/* The vector of MSI-X that the fixture enables. */
#define VECTOR 3
/* The state of a server that contains no posted store, see VFIO_USER_NO_WRITE. */
#define NO_WRITE 0xffffffff

FIXTURE(device)
{
	struct testdev td;
	struct vfio_dev dev;
	volatile uint32_t *bar;
	char *mem;
	long locked;
	int err;
	int msix;
};

static const char *const no_twin[] = { "--no-twin", NULL };

static void open_device(struct __test_metadata *_metadata,
			FIXTURE_DATA(device) *self)
{
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	self->bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
				PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->bar);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_ERR_IRQ_INDEX,
				      0, 1, &self->err));
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, IOVA, 4 * PAGE,
			     DMA_RW));
}

FIXTURE_SETUP(device)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	new_eventfds(&self->err, 1);
	new_eventfds(&self->msix, 1);
	self->mem = mem_anon(4 * PAGE);
	ASSERT_NE(NULL, self->mem);
	mem_fill(self->mem, 4 * PAGE, 1);
	ASSERT_EQ(0, testdev_start(&self->td, no_twin));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "3000"));
	open_device(_metadata, self);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_MSIX_IRQ_INDEX,
				      VECTOR, 1, &self->msix));
}

static void close_device(FIXTURE_DATA(device) *self)
{
	if (self->bar)
		munmap((void *)self->bar, TESTDEV_BAR0_SIZE);
	self->bar = NULL;
	vfio_dev_close(&self->dev);
}

FIXTURE_TEARDOWN(device)
{
	close_device(self);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
	close(self->err);
	close(self->msix);
}

/* Whether another server has come to this state of the device. */
static int wait_state(FIXTURE_DATA(device) *self, const char *state)
{
	return mdev_wait(self->td.uuid, "state", state, SOON_MS);
}

static int set_policy(FIXTURE_DATA(device) *self, const char *on_loss,
		      const char *kept)
{
	int ret = mdev_set(self->td.uuid, "on_loss", on_loss);

	return ret ? ret : mdev_set(self->td.uuid, "state_kept", kept);
}

static int lose(FIXTURE_DATA(device) *self)
{
	testdev_kill(&self->td);
	return wait_state(self, "lost");
}

/* The error of the device has @text. */
static bool has_error(FIXTURE_DATA(device) *self, const char *text)
{
	long long deadline = clock_ms() + SOON_MS;
	char error[300];

	while (clock_ms() < deadline) {
		if (mdev_get(self->td.uuid, "error", error, sizeof(error)))
			return false;
		if (strstr(error, text))
			return true;
		usleep(10000);
	}
	return false;
}

static int get_mem(FIXTURE_DATA(device) *self, uint32_t *value)
{
	return region_get(self->dev.device, BAR(0), MEM, value, 4);
}

/* The server has what the consumer gave to the lost one. */
static void check_served(struct __test_metadata *_metadata,
			 FIXTURE_DATA(device) *self)
{
	uint32_t value = 0;

	EXPECT_EQ(0, wait_state(self, "open"));
	EXPECT_EQ(TESTDEV_ID, self->bar[TESTDEV_REG_ID / 4]);
	self->bar[MEM / 4] = 77;
	EXPECT_EQ(0, get_mem(self, &value));
	EXPECT_EQ(77, value);
	EXPECT_EQ(mem_sum(self->mem, 4 * PAGE),
		  testdev_num(&self->td, "dma-sum 0x%lx %lu", IOVA, 4 * PAGE));
	EXPECT_EQ(1, testdev_num(&self->td, "irq-enabled %u %u",
				 VFIO_PCI_MSIX_IRQ_INDEX, VECTOR));
	eventfd_wait(self->msix, 0);
	EXPECT_LT(0, testdev_num(&self->td, "irq %u %u",
				 VFIO_PCI_MSIX_IRQ_INDEX, VECTOR));
	EXPECT_EQ(1, eventfd_wait(self->msix, SOON_MS));
}

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

static int set_vector(FIXTURE_DATA(device) *self)
{
	return irq_set_eventfds(self->dev.device, VFIO_PCI_MSIX_IRQ_INDEX, 5, 1,
				&self->msix);
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

/* Posted stores ---------------------------------------------------------------- */

/* A server that knows which store it has made last; its BAR 0 has posted stores. */
static int serve_with_last(FIXTURE_DATA(device) *self, unsigned int last)
{
	char text[16];
	const char *const args[] = { "--no-twin", "--no-io-fds", "--last-write",
				     text, NULL };

	snprintf(text, sizeof(text), "%u", last);
	return testdev_serve(&self->td, args);
}

/* Stores are recorded if state_kept is set when the device is opened. */
static void open_with_last(struct __test_metadata *_metadata,
			   FIXTURE_DATA(device) *self)
{
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	close_device(self);
	testdev_kill(&self->td);
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	ASSERT_EQ(0, wait_state(self, "attached"));
	open_device(_metadata, self);
}

/* The values of the posted stores to MEM that the server got. */
static unsigned int posted(FIXTURE_DATA(device) *self, uint64_t *values,
			   unsigned int max)
{
	long long i, nr = testdev_log_count(&self->td);
	struct testdev_access acc;
	unsigned int found = 0;

	for (i = 0; i < nr && found < max; i++)
		if (!testdev_log_get(&self->td, i, &acc) && acc.dir == 'p' &&
		    acc.region == BAR(0) && acc.offset >= MEM)
			values[found++] = acc.value;
	return found;
}

TEST_F(device, stores_that_the_lost_server_did_not_read_reach_the_next_server)
{
	uint64_t values[8];
	long long last;

	open_with_last(_metadata, self);
	self->bar[MEM / 4] = 1;
	self->bar[MEM / 4 + 1] = 2;
	EXPECT_EQ(2, self->bar[MEM / 4 + 1]);
	last = testdev_num(&self->td, "last-write");
	ASSERT_LT(0, last);
	ASSERT_EQ(0, kill(self->td.pid, SIGSTOP));
	self->bar[MEM / 4] = 3;
	self->bar[MEM / 4 + 1] = 4;
	self->bar[MEM / 4] = 5;
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, last));
	EXPECT_EQ(5, self->bar[MEM / 4]);
	EXPECT_EQ(4, self->bar[MEM / 4 + 1]);
	/* Each once, in their order, before the stores that follow. */
	self->bar[MEM / 4] = 6;
	EXPECT_EQ(6, self->bar[MEM / 4]);
	ASSERT_EQ(4, posted(self, values, 8));
	EXPECT_EQ(3, values[0]);
	EXPECT_EQ(4, values[1]);
	EXPECT_EQ(5, values[2]);
	EXPECT_EQ(6, values[3]);
	EXPECT_EQ(last + 4, testdev_num(&self->td, "last-write"));
	EXPECT_EQ(0, eventfd_wait(self->err, QUIET_MS));
}

TEST_F(device, stores_reach_the_second_server_after_the_first_was_lost_too)
{
	uint64_t values[8];

	open_with_last(_metadata, self);
	ASSERT_EQ(0, kill(self->td.pid, SIGSTOP));
	self->bar[MEM / 4] = 3;
	self->bar[MEM / 4] = 4;
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	EXPECT_EQ(4, self->bar[MEM / 4]);
	/* The state of this server is that of the first one. */
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	EXPECT_EQ(4, self->bar[MEM / 4]);
	ASSERT_EQ(2, posted(self, values, 8));
	EXPECT_EQ(3, values[0]);
}

TEST_F(device, stores_before_a_reset_are_not_repeated)
{
	uint64_t values[8];

	open_with_last(_metadata, self);
	self->bar[MEM / 4] = 3;
	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	EXPECT_EQ(0, self->bar[MEM / 4]);
	EXPECT_EQ(0, posted(self, values, 8));
}

TEST_F(device, server_that_does_not_know_its_last_store_gets_none)
{
	uint64_t values[8];

	open_with_last(_metadata, self);
	ASSERT_EQ(0, kill(self->td.pid, SIGSTOP));
	self->bar[MEM / 4] = 3;
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	EXPECT_EQ(0, self->bar[MEM / 4]);
	EXPECT_EQ(0, posted(self, values, 8));
}

TEST_F(device,
       err_is_signalled_if_the_state_lacks_more_stores_than_are_recorded)
{
	unsigned int i;

	open_with_last(_metadata, self);
	for (i = 0; i < 600; i++)
		self->bar[MEM / 4] = i;
	EXPECT_EQ(599, self->bar[MEM / 4]);
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	EXPECT_EQ(0, self->bar[MEM / 4]);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

/* Interrupts ------------------------------------------------------------------- */

/* The lost server may have swallowed an interrupt. */
TEST_F(device, each_interrupt_is_signalled_once_when_the_server_is_back)
{
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(0, eventfd_wait(self->msix, 0));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	EXPECT_EQ(1, eventfd_wait(self->msix, SOON_MS));
}

FIXTURE(intx)
{
	struct testdev td;
	struct vfio_dev dev;
	int fd;
};

static const char *const plain_intx[] = { "--plain-intx", NULL };

FIXTURE_SETUP(intx)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	new_eventfds(&self->fd, 1);
	ASSERT_EQ(0, testdev_start(&self->td, plain_intx));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_INTX_IRQ_INDEX,
				      0, 1, &self->fd));
}

FIXTURE_TEARDOWN(intx)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
	close(self->fd);
}

static int intx_unmask(int device)
{
	return irq_set(device,
		       VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_DATA_NONE,
		       VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, 0);
}

/* The kernel masks INTx; the mask outlives the server. */
TEST_F(intx, masked_interrupt_comes_from_the_new_server_after_the_unmask)
{
	ASSERT_LT(0,
		  testdev_num(&self->td, "irq %u 0", VFIO_PCI_INTX_IRQ_INDEX));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, plain_intx));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	/* One that the lost server may have swallowed. */
	EXPECT_EQ(0, intx_unmask(self->dev.device));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	EXPECT_EQ(0, intx_unmask(self->dev.device));
	ASSERT_LT(0,
		  testdev_num(&self->td, "irq %u 0", VFIO_PCI_INTX_IRQ_INDEX));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

/* A signal of the new server, before the consumer's reset, is not lost. */
TEST_F(intx, interrupt_before_the_reset_comes_after_it)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "fail"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reset", "never"));
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, plain_intx));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "resuming", SOON_MS));
	while (testdev_num(&self->td, "irq-enabled %u 0",
			   VFIO_PCI_INTX_IRQ_INDEX) != 1)
		usleep(1000);
	ASSERT_LT(0,
		  testdev_num(&self->td, "irq %u 0", VFIO_PCI_INTX_IRQ_INDEX));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

/* Servers that differ ---------------------------------------------------------- */

FIXTURE_VARIANT(differs)
{
	const char *arg;
	const char *why;
};

FIXTURE(differs)
{
	struct testdev td;
	struct vfio_dev dev;
};

FIXTURE_VARIANT_ADD(differs, no_reset) {
	.arg = "--no-reset",
	.why = "the flags of the device differ",
};

FIXTURE_VARIANT_ADD(differs, bar4_size) {
	.arg = "--bar4-size=0x20000",
	.why = "a region has another size",
};

FIXTURE_VARIANT_ADD(differs, plain_intx) {
	.arg = "--plain-intx",
	.why = "its interrupts differ",
};

FIXTURE_VARIANT_ADD(differs, small_msix) {
	.arg = "--small-msix",
	.why = "a region has another size",
};

FIXTURE_VARIANT_ADD(differs, msix_bar) {
	.arg = "--msix-bar=2",
	.why = "its MSI-X table is in another region",
};

FIXTURE_VARIANT_ADD(differs, areas) {
	.arg = "--areas=file",
	.why = "a region can be read, written or mapped otherwise",
};

FIXTURE_SETUP(differs)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "ones"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
}

FIXTURE_TEARDOWN(differs)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

static bool error_has(const char *uuid, const char *text)
{
	long long deadline = clock_ms() + SOON_MS;
	char error[300];

	while (clock_ms() < deadline) {
		if (mdev_get(uuid, "error", error, sizeof(error)))
			return false;
		if (strstr(error, text))
			return true;
		usleep(10000);
	}
	return false;
}

TEST_F(differs, server_that_differs_is_refused_with_the_reason)
{
	const char *const args[] = { variant->arg, NULL };
	char state[32];
	uint32_t id;

	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, args));
	EXPECT_TRUE(error_has(self->td.uuid, variant->why));
	ASSERT_EQ(0, mdev_get(self->td.uuid, "state", state, sizeof(state)));
	EXPECT_STREQ("lost", state);
	/* A server that does not differ is taken afterwards. */
	testdev_kill(&self->td);
	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(0,
		  region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
}

/* Limits of the server are not part of the device. */
TEST_F(device, server_with_other_limits_is_taken)
{
	static const char *const args[] = { "--max-dma-maps=8",
					    "--max-msg-fds=2", "--minor=0",
					    NULL };

	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, args));
	check_served(_metadata, self);
}

/* Losses while the device resumes ---------------------------------------------- */

/* A server at another path, so that it gets its orders before it is attached. */
static int serve_with(struct testdev *td, const char *const *args,
		      const char *order)
{
	struct testdev next = {};
	int ret;

	/* The path of the socket is made from the UUID. */
	uuid_new(next.uuid);
	ret = testdev_serve(&next, args);
	if (!ret)
		ret = testdev_cmd(&next, "%s", order);
	unlink(td->socket);
	strcpy(next.uuid, td->uuid);
	*td = next;
	return ret ? ret : mdev_set(td->uuid, "endpoint", td->socket);
}

static int serve_at(FIXTURE_DATA(device) *self, const char *order)
{
	return serve_with(&self->td, no_twin, order);
}

static void check_loss_in(struct __test_metadata *_metadata,
			  FIXTURE_DATA(device) *self, const char *order)
{
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_at(self, order));
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	EXPECT_EQ(0, wait_state(self, "resuming"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

TEST_F(device, server_that_is_lost_in_its_reset_is_replaced)
{
	check_loss_in(_metadata, self, "hold reset");
}

TEST_F(device, server_that_is_lost_in_its_dma_map_is_replaced)
{
	check_loss_in(_metadata, self, "hold dma-map");
}

TEST_F(device, server_that_is_lost_while_it_gets_interrupts_is_replaced)
{
	check_loss_in(_metadata, self, "hold set-irqs");
}

TEST_F(device, server_that_is_lost_in_its_setup_is_replaced)
{
	check_loss_in(_metadata, self, "hold write");
}

/* The server refuses a step; it is tried again until it does not. */
TEST_F(device, server_that_refuses_dma_is_tried_again)
{
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_at(self, "fail dma-map 12 1"));
	check_served(_metadata, self);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

TEST_F(device, device_can_be_closed_while_it_resumes)
{
	long long start;

	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "close_timeout_ms", "500"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_at(self, "hold dma-map"));
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	start = clock_ms();
	close_device(self);
	EXPECT_GT(2500, clock_ms() - start);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, mdev_remove(self->td.uuid));
}

TEST_F(device, lost_device_that_is_closed_gets_its_server_as_before)
{
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	close_device(self);
	EXPECT_EQ(0, wait_state(self, "created"));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	EXPECT_EQ(0, wait_state(self, "attached"));
}

/* MSI ---------------------------------------------------------------------------- */

/* Only the server knows which vectors of MSI the consumer has masked. */
TEST(with_state_kept_masked_vectors_of_msi_stay_masked)
{
	static const char *const args[] = { "--model", NULL };
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;
	char order[64];
	uint32_t pos;
	int fds[2];

	new_eventfds(fds, 2);
	ASSERT_EQ(0, model_start(&td, NULL));
	ASSERT_EQ(0, mdev_set(td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(td.uuid, "state_kept", "yes"));
	ASSERT_EQ(0, model_open(&td, &dev));
	ASSERT_EQ(0, irq_set_eventfds(dev.device, MSI, 0, 2, fds));
	pos = find_cap(dev.device, PCI_CAP_ID_MSI);
	ASSERT_EQ(0, config_put(dev.device, pos + PCI_MSI_MASK_64, 2, 4));
	EXPECT_EQ(2, in_device(&td, pos + PCI_MSI_MASK_64, 4));
	testdev_kill(&td);
	ASSERT_EQ(0, mdev_wait(td.uuid, "state", "lost", SOON_MS));
	/* The server has kept the register. */
	snprintf(order, sizeof(order), "poke %u %u 4 2", CONFIG,
		 pos + PCI_MSI_MASK_64);
	ASSERT_EQ(0, serve_with(&td, args, order));
	ASSERT_EQ(0, mdev_wait(td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(2, config_get(dev.device, pos + PCI_MSI_MASK_64, 4));
	EXPECT_EQ(2, in_device(&td, pos + PCI_MSI_MASK_64, 4));
	EXPECT_STREQ("none", fire(&td, 1));
	EXPECT_STREQ("msi", fire(&td, 0));
	vfio_dev_close(&dev);
	testdev_stop(&td);
	close(fds[0]);
	close(fds[1]);
}

/* Memory ----------------------------------------------------------------------- */

TEST_F(device, maps_and_unmaps_without_a_server_reach_the_new_one)
{
	char *more = mem_anon(4 * PAGE);

	ASSERT_NE(NULL, more);
	mem_fill(more, 4 * PAGE, 5);
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(0, dma_map(self->dev.container, more, 0x200000, 4 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(mem_sum(more, 4 * PAGE),
		  testdev_num(&self->td, "dma-sum 0x200000 %lu", 4 * PAGE));
	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(0,
		  dma_unmap(self->dev.container, 0x200000, 4 * PAGE, 0, NULL));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_NE(0, testdev_cmd(&self->td, "dma-read 0x200000 8"));
	munmap(more, 4 * PAGE);
}

/*
 * A server that was stopped for twice the time-out, and goes on after another one took
 * its place: neither its files nor its messages reach the consumer.
 */
TEST_F(device, lost_server_that_goes_on_can_do_nothing)
{
	const int timeout = 1000;
	struct testdev old;
	long long stopped;
	uint64_t value;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "1000"));
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "dma_backing", "memory"));
	ASSERT_EQ(0, dma_unmap(self->dev.container, IOVA, 4 * PAGE, 0, NULL));
	ASSERT_EQ(0, testdev_cmd(&self->td, "keep 1"));
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, IOVA, 4 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&self->td, "kept-map 1"));
	memcpy(&value, self->mem, 8);
	EXPECT_EQ(value, testdev_num(&self->td, "kept-peek 0"));
	ASSERT_EQ(0, set_vector(self));
	ASSERT_EQ(0, testdev_cmd(&self->td, "kept-irq"));
	EXPECT_EQ(1, eventfd_wait(self->msix, SOON_MS));
	old = self->td;
	stopped = clock_ms();
	kill(old.pid, SIGSTOP);
	/* The load goes to the stopped server, which is lost after the time-out. */
	EXPECT_EQ(0xffffffff, self->bar[MEM / 4]);
	ASSERT_EQ(0, wait_state(self, "lost"));
	ASSERT_EQ(0, serve_at(self, "log-clear"));
	check_served(_metadata, self);
	while (clock_ms() - stopped < 2 * timeout)
		poll(NULL, 0, 2 * timeout - (clock_ms() - stopped));
	kill(old.pid, SIGCONT);
	/* Its memory fds show no memory of the consumer. */
	EXPECT_EQ(0, testdev_num(&old, "kept-peek 0"));
	EXPECT_EQ(0, testdev_cmd(&old, "kept-poke 0 1"));
	EXPECT_EQ(0, memcmp(&value, self->mem, 8));
	/* Its DMA reaches no memory of the consumer. */
	testdev_cmd(&old, "dma-write 0x%lx ff", IOVA);
	EXPECT_EQ(0, memcmp(&value, self->mem, 8));
	/* Its files of interrupts signal nothing. */
	EXPECT_EQ(0, testdev_cmd(&old, "kept-irq"));
	EXPECT_EQ(0, eventfd_wait(self->msix, QUIET_MS));
	EXPECT_EQ(0, wait_state(self, "open"));
	check_served(_metadata, self);
	testdev_kill(&old);
}

/* Shared areas ----------------------------------------------------------------- */

static bool can_replace_areas(void)
{
	int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 10);
}

static volatile uint32_t *map_area(FIXTURE_DATA(device) *self)
{
	return region_mmap(self->dev.device, BAR(4), 0, TESTDEV_BAR4_SIZE,
			   PROT_READ | PROT_WRITE);
}

TEST_F(device, mappings_of_shared_areas_get_the_new_file)
{
	volatile uint32_t *area = map_area(self), *child;
	int go[2], ready[2];
	pid_t pid;
	char c;

	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	area[0] = 11;
	EXPECT_EQ(11, testdev_num(&self->td, "peek %u 0 4", BAR(4)));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		/* The mapping of the parent, and one of its own. */
		child = map_area(self);
		if (child == MAP_FAILED || child[0] != 11 || area[0] != 11)
			_exit(1);
		if (write(ready[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(2);
		_exit(child[0] != 22 || area[0] != 22 ? 3 : 0);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, lose(self));
	/* Until a server is back, the mappings have the old pages. */
	EXPECT_EQ(11, area[0]);
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	if (!can_replace_areas()) {
		/* The device stays lost, because its old pages are mapped. */
		EXPECT_TRUE(has_error(self, "is gone"));
		EXPECT_EQ(11, area[0]);
		kill(pid, SIGKILL);
		task_wait_end(pid, SOON_MS);
		munmap((void *)area, TESTDEV_BAR4_SIZE);
		return;
	}
	check_served(_metadata, self);
	EXPECT_EQ(0, area[0]);
	ASSERT_EQ(0, testdev_cmd(&self->td, "poke %u 0 4 22", BAR(4)));
	EXPECT_EQ(22, area[0]);
	area[1] = 33;
	EXPECT_EQ(33, testdev_num(&self->td, "peek %u 4 4", BAR(4)));
	EXPECT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	munmap((void *)area, TESTDEV_BAR4_SIZE);
}

/* DMA of another device to an area, which the kernel holds pages of. */
TEST_F(device, dma_of_another_device_does_not_reach_the_old_file)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	volatile uint32_t *area;
	struct testdev other;

	if (!can_replace_areas())
		SKIP(return, "before 6.10 the device stays lost");
	area = map_area(self);
	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(0, testdev_start(&other, NULL));
	ASSERT_EQ(0, vfio_dev_open(&dev, other.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, dma_map(dev.container, (void *)area, 0x400000, 2 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	EXPECT_EQ(0, testdev_cmd(&other, "dma-write 0x400000 0b000000"));
	EXPECT_EQ(11, area[0]);
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(-EFAULT, testdev_cmd(&other, "dma-read 0x400000 4"));
	EXPECT_EQ(-EFAULT, testdev_cmd(&other, "dma-write 0x400000 16000000"));
	/* Mapped again, it is the file of the new server. */
	EXPECT_EQ(0, dma_unmap(dev.container, 0x400000, 2 * PAGE, 0, NULL));
	ASSERT_EQ(0, dma_map(dev.container, (void *)area, 0x400000, 2 * PAGE,
			     DMA_RW));
	EXPECT_EQ(0, testdev_cmd(&other, "dma-write 0x400000 16000000"));
	EXPECT_EQ(22, testdev_num(&self->td, "peek %u 0 4", BAR(4)));
	EXPECT_EQ(22, area[0]);
	vfio_dev_close(&dev);
	testdev_stop(&other);
	munmap((void *)area, TESTDEV_BAR4_SIZE);
}

/* Two devices of one container ------------------------------------------------- */

TEST_F(device, other_device_of_the_container_is_not_concerned)
{
	struct testdev other;
	struct vfio_dev dev = VFIO_DEV_INIT;
	char *more = mem_anon(PAGE);
	uint32_t id = 0;

	ASSERT_NE(NULL, more);
	mem_fill(more, PAGE, 8);
	ASSERT_EQ(0, testdev_start(&other, NULL));
	ASSERT_EQ(0, vfio_dev_join(&dev, other.uuid, self->dev.container));
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(0, region_get(dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
	EXPECT_EQ(0,
		  dma_map(self->dev.container, more, 0x300000, PAGE, DMA_RW));
	EXPECT_EQ(mem_sum(more, PAGE),
		  testdev_num(&other, "dma-sum 0x300000 %lu", PAGE));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(mem_sum(more, PAGE),
		  testdev_num(&self->td, "dma-sum 0x300000 %lu", PAGE));
	vfio_dev_close(&dev);
	testdev_stop(&other);
	EXPECT_EQ(0, dma_unmap(self->dev.container, 0x300000, PAGE, 0, NULL));
	munmap(more, PAGE);
}

HELPER_MAIN
