/* SPDX-License-Identifier: GPL-2.0 */
/* An open device, which another process uses, and a server that may replace its own. */
#ifndef SELFTESTS_REPLACED_H
#define SELFTESTS_REPLACED_H

#include <linux/vuser.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "clock.h"
#include "consumer.h"
#include "control.h"
#include "helper.h"
#include "mem.h"
#include "replace.h"
#include "task.h"

#define PAGE 0x1000UL
#define IOVA 0x10000UL
/* Far from the fixture's memory: another dma region. */
#define FAR    0x40000000UL
#define MEM    TESTDEV_REG_MEMORY
#define VECTOR 3
#define MSIX   VFIO_PCI_MSIX_IRQ_INDEX

/* The results of the loads of another process. */
struct load {
	atomic_bool stop;
	atomic_ulong good;
	atomic_ulong bad;
};

/* A device, another server of the same device, and a process that uses the device. */
FIXTURE(device)
{
	struct testdev td, next;
	struct vfio_dev dev;
	struct nlt nl;
	volatile uint32_t *bar;
	struct load *load;
	pid_t loader;
	pid_t helper;
	char *mem;
	long locked;
	int err;
	int msix;
};

/* Loads until the test stops it. */
static inline void use(FIXTURE_DATA(device) *self)
{
	while (!self->load->stop) {
		if (self->bar[TESTDEV_REG_ID / 4] == TESTDEV_ID)
			self->load->good++;
		else
			self->load->bad++;
	}
	_exit(0);
}

static inline int serve_next(FIXTURE_DATA(device) *self,
			     const char *const *args)
{
	memset(&self->next, 0, sizeof(self->next));
	/* The path of the socket is made from the UUID. */
	uuid_new(self->next.uuid);
	return testdev_serve(&self->next, args);
}

static const char *const migration[] = { "--migration", NULL };

FIXTURE_SETUP(device)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	self->helper = helper_start();
	ASSERT_LT(0, self->helper);
	ASSERT_EQ(0, nlt_open(&self->nl));
	ASSERT_EQ(0, nlt_enable_ext_ack(&self->nl));
	new_eventfds(&self->err, 1);
	new_eventfds(&self->msix, 1);
	self->mem = mem_anon(4 * PAGE);
	ASSERT_NE(NULL, self->mem);
	mem_fill(self->mem, 4 * PAGE, 1);
	self->load = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->load);
	ASSERT_EQ(0, testdev_start(&self->td, migration));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "3000"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	self->bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, self->bar);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_ERR_IRQ_INDEX,
				      0, 1, &self->err));
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, IOVA, 4 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, MSIX, VECTOR, 1,
				      &self->msix));
	self->bar[MEM / 4] = 7;
	ASSERT_EQ(0, serve_next(self, migration));
	self->loader = fork();
	ASSERT_LE(0, self->loader);
	if (!self->loader)
		use(self);
}

static inline void close_device(FIXTURE_DATA(device) *self)
{
	if (self->bar)
		munmap((void *)self->bar, TESTDEV_BAR0_SIZE);
	self->bar = NULL;
	vfio_dev_close(&self->dev);
}

static inline int stop_loader(FIXTURE_DATA(device) *self)
{
	pid_t pid = self->loader;

	self->loader = 0;
	self->load->stop = true;
	return pid ? task_wait_end(pid, SOON_MS) : 0;
}

FIXTURE_TEARDOWN(device)
{
	EXPECT_EQ(0, stop_loader(self));
	close_device(self);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
	testdev_stop(&self->next);
	helper_kill(self->helper);
	nlt_close(&self->nl);
	close(self->err);
	close(self->msix);
}

/* Control ---------------------------------------------------------------------- */

static inline int replace_with(FIXTURE_DATA(device) *self, const char *path,
			       bool no_state)
{
	return replace_ask(&self->nl, self->td.uuid, path, no_state);
}

static inline int replace(FIXTURE_DATA(device) *self, const char *path)
{
	return replace_with(self, path, true);
}

static inline int wait_result(FIXTURE_DATA(device) *self,
			      struct replace_result *result)
{
	return replace_wait(&self->nl, self->td.uuid, SOON_MS, result);
}

/* The accesses of the other process. */
static inline bool used_again(FIXTURE_DATA(device) *self)
{
	unsigned long good = self->load->good;
	long long deadline = clock_ms() + SOON_MS;

	while (self->load->good == good && clock_ms() < deadline)
		usleep(1000);
	return self->load->good != good;
}

/* The server has what the consumer gave. */
static inline void check_served_by(struct __test_metadata *_metadata,
				   FIXTURE_DATA(device) *self,
				   struct testdev *td)
{
	uint32_t value = 0;

	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_TRUE(used_again(self));
	self->bar[MEM / 4 + 1] = 77;
	EXPECT_EQ(0, region_get(self->dev.device, BAR(0), MEM + 4, &value, 4));
	EXPECT_EQ(77, value);
	EXPECT_EQ(77, testdev_num(td, "peek 0 0x%x 4", MEM + 4));
	EXPECT_EQ(mem_sum(self->mem, 4 * PAGE),
		  testdev_num(td, "dma-sum 0x%lx %lu", IOVA, 4 * PAGE));
	eventfd_wait(self->msix, 0);
	EXPECT_LT(0, testdev_num(td, "irq %u %u", MSIX, VECTOR));
	/* The kernel repeats an interrupt for a new server: there may be two. */
	EXPECT_LE(1, eventfd_wait(self->msix, SOON_MS));
}

/* The server in use still serves the device, with its state, and nothing was lost. */
static inline void check_goes_on(struct __test_metadata *_metadata,
				 FIXTURE_DATA(device) *self)
{
	EXPECT_EQ(7, self->bar[MEM / 4]);
	check_served_by(_metadata, self, &self->td);
	EXPECT_EQ(0, self->load->bad);
	EXPECT_EQ(0, testdev_num(&self->td, "count reset") - 1);
	EXPECT_EQ(0, eventfd_wait(self->err, 0));
}

#define EXPECT_FAILS_WITH(text)                                   \
	do {                                                      \
		struct replace_result result_;                    \
                                                                  \
		ASSERT_EQ(0, wait_result(self, &result_));        \
		EXPECT_EQ(VUSER_REPLACING_FAILED, result_.state); \
		EXPECT_NE(NULL, strstr(result_.error, text))      \
		TH_LOG("%s", result_.error);                      \
		EXPECT_STREQ(self->td.socket, result_.endpoint);  \
	} while (0)

#endif /* SELFTESTS_REPLACED_H */
