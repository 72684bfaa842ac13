// SPDX-License-Identifier: GPL-2.0
/*
 * A server restarts while a consumer has the device open: the DMA map, the shared areas,
 * and what a lost server that runs on can do.
 */
#include <signal.h>
#include <sys/utsname.h>

#include "lib/restart.h"
#include "lib/task.h"

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

/* The server of a consumer is stopped, and does not answer the consumer's MAP_DMA. */
static int map_with_stopped_server(FIXTURE_DATA(device) *self, char *more)
{
	int ret;

	kill(self->td.pid, SIGSTOP);
	ret = dma_map(self->dev.container, more, 0x200000, 4 * PAGE, DMA_RW);
	testdev_kill(&self->td);
	return ret;
}

TEST_F(device,
       mapping_that_a_stopped_server_does_not_answer_reaches_the_next_one)
{
	char *more = mem_anon(4 * PAGE);

	ASSERT_NE(NULL, more);
	mem_fill(more, 4 * PAGE, 5);
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "1000"));
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	EXPECT_EQ(0, map_with_stopped_server(self, more));
	ASSERT_EQ(0, wait_state(self, "lost"));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(mem_sum(more, 4 * PAGE),
		  testdev_num(&self->td, "dma-sum 0x200000 %lu", 4 * PAGE));
	EXPECT_EQ(0,
		  dma_unmap(self->dev.container, 0x200000, 4 * PAGE, 0, NULL));
	munmap(more, 4 * PAGE);
}

TEST_F(device,
       mapping_that_a_stopped_server_does_not_answer_fails_if_accesses_fail)
{
	char *more = mem_anon(4 * PAGE);

	ASSERT_NE(NULL, more);
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "1000"));
	ASSERT_EQ(0, set_policy(self, "fail", "no"));
	EXPECT_EQ(-ETIMEDOUT, map_with_stopped_server(self, more));
	/* The mapping was undone, so its range is free. */
	EXPECT_EQ(0, dma_map(self->dev.container, more, 0x200000, 4 * PAGE,
			     DMA_RW));
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
	eventfd_wait(self->msix, 0);
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
