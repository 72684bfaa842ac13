// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer that is killed while it waits for the server, at each place where
 * it can wait; and a consumer that closes with work in flight.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/fuse.h"
#include "lib/mem.h"
#include "lib/task.h"

#define PAGE 0x1000UL

/* The limit for a wait that a timeout of one second ends, on a slow machine. */
#define BOUND_MS 8000

/*
 * Checks that the device can be opened, replies, and has no memory mapped.
 */
static void check_usable(struct __test_metadata *_metadata, struct testdev *td)
{
	struct vfio_dev dev;
	uint32_t id = 0;

	ASSERT_EQ(0, mdev_wait(td->uuid, "state", "attached", SOON_MS));
	EXPECT_EQ(0, testdev_num(td, "dma-count"));
	EXPECT_EQ(0,
		  testdev_num(td, "irq-enabled %u 0", VFIO_PCI_MSIX_IRQ_INDEX));
	ASSERT_EQ(0, vfio_dev_open(&dev, td->uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, region_get(dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
	vfio_dev_close(&dev);
}

/* The actions during which the consumer is killed; @dev is open. */
static void do_pread(struct vfio_dev *dev)
{
	uint32_t id;

	region_get(dev->device, BAR(0), TESTDEV_REG_ID, &id, 4);
}

static void do_load(struct vfio_dev *dev)
{
	volatile uint32_t *bar =
		region_mmap(dev->device, BAR(0), 0, PAGE, PROT_READ);

	(void)bar[TESTDEV_REG_ID / 4];
}

static void do_config_write(struct vfio_dev *dev)
{
	uint16_t command = 4;

	region_put(dev->device, VFIO_PCI_CONFIG_REGION_INDEX, 4, &command, 2);
}

static void do_store(struct vfio_dev *dev)
{
	volatile uint32_t *bar = region_mmap(dev->device, BAR(2), 0, PAGE,
					     PROT_READ | PROT_WRITE);

	bar[0] = 1;
}

static void do_reset(struct vfio_dev *dev)
{
	ioctl(dev->device, VFIO_DEVICE_RESET);
}

static void do_set_irqs(struct vfio_dev *dev)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	irq_set_eventfds(dev->device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd);
}

static void do_dma_map(struct vfio_dev *dev)
{
	dma_map(dev->container, mem_anon(PAGE), 0, PAGE, DMA_RW);
}

static void do_dma_map_file(struct vfio_dev *dev)
{
	dma_map(dev->container, mem_memfd(PAGE, NULL), 0, PAGE, DMA_RW);
}

static void do_dma_unmap(struct vfio_dev *dev)
{
	dma_map(dev->container, mem_anon(PAGE), 0, PAGE, DMA_RW);
	dma_unmap(dev->container, 0, PAGE, 0, NULL);
}

static void do_feature(struct vfio_dev *dev)
{
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_PROBE |
			 VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
	};

	ioctl(dev->device, VFIO_DEVICE_FEATURE, &feature);
}

/* Sets up the container, as a consumer does before it opens the device. */
static int join_container(struct vfio_dev *dev)
{
	*dev = (struct vfio_dev)VFIO_DEV_INIT;
	dev->container = container_open();
	dev->group = group_open(shared.uuid);
	if (dev->container < 0 || dev->group < 0 ||
	    group_attach(dev->group, dev->container))
		return -ENODEV;
	return ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ?
		       -errno :
		       0;
}

static int join_with_map(struct vfio_dev *dev)
{
	int ret = join_container(dev);

	return ret ? ret :
		     dma_map(dev->container, mem_anon(PAGE), 0, PAGE, DMA_RW);
}

static void do_open(struct vfio_dev *dev)
{
	dev->device = group_device(dev->group, shared.uuid);
}

static int open_device(struct vfio_dev *dev)
{
	return vfio_dev_open(dev, shared.uuid, VFIO_TYPE1v2_IOMMU);
}

FIXTURE(killed)
{
	pid_t pid;
};

FIXTURE_VARIANT(killed)
{
	const char *hold; /* the command whose reply is held back */
	int (*before)(struct vfio_dev *dev); /* NULL: open_device() */
	void (*act)(struct vfio_dev *dev);
};

FIXTURE_VARIANT_ADD(killed, pread) { .hold = "read", .act = do_pread };
FIXTURE_VARIANT_ADD(killed, load) { .hold = "read", .act = do_load };
FIXTURE_VARIANT_ADD(killed, config_write) {
	.hold = "write",
	.act = do_config_write,
};
FIXTURE_VARIANT_ADD(killed, store) { .hold = "write", .act = do_store };
FIXTURE_VARIANT_ADD(killed, reset) { .hold = "reset", .act = do_reset };
FIXTURE_VARIANT_ADD(killed, feature) { .hold = "feature", .act = do_feature };
FIXTURE_VARIANT_ADD(killed, set_irqs) {
	.hold = "set-irqs",
	.act = do_set_irqs,
};
FIXTURE_VARIANT_ADD(killed, dma_map) { .hold = "dma-map", .act = do_dma_map };
FIXTURE_VARIANT_ADD(killed, dma_map_file) {
	.hold = "dma-map",
	.act = do_dma_map_file,
};
FIXTURE_VARIANT_ADD(killed, dma_unmap) {
	.hold = "dma-unmap",
	.act = do_dma_unmap,
};
FIXTURE_VARIANT_ADD(killed, open) {
	.hold = "reset",
	.before = join_container,
	.act = do_open,
};
FIXTURE_VARIANT_ADD(killed, open_asks_for_migration) {
	.hold = "feature",
	.before = join_container,
	.act = do_open,
};
FIXTURE_VARIANT_ADD(killed, open_with_map) {
	.hold = "dma-map",
	.before = join_with_map,
	.act = do_open,
};

FIXTURE_SETUP(killed)
{
	int to[2];
	char c;

	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, mdev_set(shared.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, pipe(to));
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		struct vfio_dev dev;

		if ((variant->before ?: open_device)(&dev))
			_exit(1);
		if (testdev_cmd(&shared, "hold %s", variant->hold) ||
		    write(to[1], "", 1) != 1)
			_exit(2);
		variant->act(&dev);
		_exit(0);
	}
	close(to[1]);
	ASSERT_EQ(1, read(to[0], &c, 1));
	close(to[0]);
	ASSERT_EQ(0, testdev_cmd(&shared, "held 1"));
}

FIXTURE_TEARDOWN(killed)
{
	testdev_cmd(&shared, "restore");
	EXPECT_EQ(0, mdev_set(shared.uuid, "request_timeout_ms", "10000"));
	EXPECT_EQ(0, mdev_set(shared.uuid, "close_timeout_ms", "10000"));
}

/* A reply that arrives after the kill is dropped. */
TEST_F(killed, late_reply_to_a_killed_consumer_is_dropped)
{
	int status;

	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	/* The close may wait for the same server: release it. */
	ASSERT_EQ(0, testdev_cmd(&shared, "release"));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	check_usable(_metadata, &shared);
}

/*
 * No reply arrives: the kill ends the wait, and the close ends after
 * close_timeout_ms, long before request_timeout_ms.
 */
TEST_F(killed, missing_reply_does_not_delay_the_kill)
{
	static const char *const all[] = {
		"dma-map", "dma-unmap", "set-irqs", "read", "write", "reset",
	};
	unsigned int i;
	int status;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		ASSERT_EQ(0, testdev_cmd(&shared, "hold %s", all[i]));
	ASSERT_EQ(0, mdev_set(shared.uuid, "close_timeout_ms", "1000"));
	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	status = task_wait_end(self->pid, BOUND_MS);
	EXPECT_LE(0, status);
	EXPECT_TRUE(WIFSIGNALED(status));
	ASSERT_EQ(0, testdev_cmd(&shared, "release"));
	if (status < 0) {
		waitpid(self->pid, NULL, 0);
	}
	check_usable(_metadata, &shared);
}

/* Before 6.2, no signal ends the wait of a long-term pin for a page. */
static bool pin_is_killable(void)
{
	int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 2);
}

/* The consumer waits for a page of a FUSE file system that is not filled. */
TEST(kill_ends_the_wait_for_a_page)
{
	struct fuse fuse = { .readahead = true };
	int status, file, to[2];
	pid_t pid;
	char c;

	if (!pin_is_killable())
		SKIP(return,
			   "before 6.2, a kill does not end the wait of a pin");
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, fuse_start(&fuse));
	file = fuse_open(&fuse);
	ASSERT_LE(0, file);
	fuse_hold(&fuse);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct vfio_dev dev;
		void *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE, file, 0);

		if (mem == MAP_FAILED || open_device(&dev) ||
		    write(to[1], "", 1) != 1)
			_exit(1);
		dma_map(dev.container, mem, 0, PAGE, DMA_RW);
		_exit(0);
	}
	ASSERT_EQ(1, read(to[0], &c, 1));
	fuse_wait(&fuse);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	status = task_wait_end(pid, BOUND_MS);
	EXPECT_LE(0, status);
	EXPECT_TRUE(WIFSIGNALED(status));
	fuse_release(&fuse);
	if (status < 0)
		waitpid(pid, NULL, 0);
	close(file);
	fuse_stop(&fuse);
	check_usable(_metadata, &shared);
}

/*
 * A device is closed while another process is in MAP_DMA: the close ends after
 * its own timeout, and does not wait for the other process's message.
 */
TEST(close_during_a_map_ends_by_its_timeout)
{
	struct vfio_dev dev;
	struct testdev td;
	long long start;
	int to[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, testdev_start(&td, NULL));
	ASSERT_EQ(0, mdev_set(td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, mdev_set(td.uuid, "close_timeout_ms", "1000"));
	ASSERT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&td, "hold dma-map"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(dev.device);
		if (write(to[1], "", 1) != 1)
			_exit(1);
		_exit(dma_map(dev.container, mem_anon(PAGE), 0, PAGE, DMA_RW) ?
			      2 :
			      0);
	}
	ASSERT_EQ(1, read(to[0], &c, 1));
	ASSERT_EQ(0, testdev_cmd(&td, "held 1"));
	start = clock_ms();
	close(dev.device);
	EXPECT_LE(900, clock_ms() - start);
	EXPECT_GT(BOUND_MS, clock_ms() - start);
	/* The map succeeds, since it belongs to the container. */
	EXPECT_EQ(0, task_wait_end(pid, BOUND_MS));
	dev.device = -1;
	vfio_dev_close(&dev);
	EXPECT_EQ(0, testdev_cmd(&td, "release"));
	check_usable(_metadata, &td);
	testdev_stop(&td);
}

static volatile sig_atomic_t nr_signals;

static void count_signal(int sig)
{
	nr_signals++;
}

/* The handler runs when the read returns, with the value that was read. */
TEST(handled_signal_does_not_end_a_wait)
{
	struct sigaction sa = { .sa_handler = count_signal };
	struct vfio_dev dev;
	uint32_t id = 0;
	int to[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "hold read"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (sigaction(SIGUSR1, &sa, NULL) || write(to[1], "", 1) != 1)
			_exit(1);
		if (region_get(dev.device, BAR(0), TESTDEV_REG_ID, &id, 4))
			_exit(2);
		if (id != TESTDEV_ID)
			_exit(3);
		_exit(nr_signals == 1 ? 0 : 4);
	}
	ASSERT_EQ(1, read(to[0], &c, 1));
	ASSERT_EQ(0, testdev_cmd(&shared, "held 1"));
	kill(pid, SIGUSR1);
	kill(pid, SIGSTOP);
	kill(pid, SIGCONT);
	ASSERT_EQ(0, testdev_cmd(&shared, "release"));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	vfio_dev_close(&dev);
	close(to[0]);
	close(to[1]);
}

/*
 * The server never replies: the close of a killed consumer ends by its timeout,
 * and the device is lost, then attached again.
 */
TEST(stuck_server_is_lost_at_close)
{
	int status, to[2];
	struct testdev td;
	long long start;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, testdev_start(&td, NULL));
	ASSERT_EQ(0, mdev_set(td.uuid, "close_timeout_ms", "1000"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct vfio_dev dev;

		if (vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU) ||
		    dma_map(dev.container, mem_anon(PAGE), 0, PAGE, DMA_RW) ||
		    testdev_cmd(&td, "hold reset") ||
		    testdev_cmd(&td, "hold dma-unmap") ||
		    testdev_cmd(&td, "hold read") || write(to[1], "", 1) != 1)
			_exit(1);
		do_pread(&dev);
		_exit(0);
	}
	/* Only one process at a time may use the control socket. */
	ASSERT_EQ(1, read(to[0], &c, 1));
	ASSERT_EQ(0, testdev_cmd(&td, "held 1"));
	start = clock_ms();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	/*
	 * One timeout covers the whole close; the rest of the limit is for a
	 * slow machine.
	 */
	EXPECT_GT(8000, clock_ms() - start);
	EXPECT_EQ(0, testdev_cmd(&td, "release"));
	/* The helper connects again. */
	check_usable(_metadata, &td);
	testdev_stop(&td);
}

/* A server that does not reply in time is lost; no caller waits for ever. */
TEST(server_that_does_not_reply_is_lost)
{
	struct vfio_dev dev;
	struct testdev td;
	long long start;
	uint32_t id = 0;

	ASSERT_EQ(0, testdev_start(&td, NULL));
	ASSERT_EQ(0, mdev_set(td.uuid, "request_timeout_ms", "1000"));
	ASSERT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&td, "hold dma-map"));
	start = clock_ms();
	EXPECT_GT(0, dma_map(dev.container, mem_anon(PAGE), 0, PAGE, DMA_RW));
	EXPECT_LE(900, clock_ms() - start);
	EXPECT_GT(8000, clock_ms() - start);
	/* Further calls fail at once. */
	start = clock_ms();
	EXPECT_GT(0, region_get(dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	vfio_dev_close(&dev);
	EXPECT_GT(8000, clock_ms() - start);
	EXPECT_EQ(0, testdev_cmd(&td, "release"));
	check_usable(_metadata, &td);
	testdev_stop(&td);
}

/* Threads that use the device while another thread closes all files. */
struct worker {
	struct vfio_dev dev;
	volatile uint32_t *bar;
	int stop;
};

static void *reads(void *arg)
{
	struct worker *w = arg;
	uint32_t id;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		if (pread(w->dev.device, &id, 4, TESTDEV_REG_ID) != 4)
			break;
	}
	return NULL;
}

static void *loads(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED))
		(void)w->bar[TESTDEV_REG_ID / 4];
	return NULL;
}

static void *maps(void *arg)
{
	struct worker *w = arg;
	char *mem = mem_anon(PAGE);

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		if (dma_map(w->dev.container, mem, 0, PAGE, DMA_RW) ||
		    dma_unmap(w->dev.container, 0, PAGE, 0, NULL))
			break;
	}
	return NULL;
}

static void *interrupts(void *arg)
{
	struct worker *w = arg;
	int fd = eventfd(0, EFD_CLOEXEC);

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		if (irq_set_eventfds(w->dev.device, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				     1, &fd) ||
		    irq_disable(w->dev.device, VFIO_PCI_MSIX_IRQ_INDEX))
			break;
	}
	return NULL;
}

static void work(struct worker *w)
{
	void *(*const what[])(void *) = { reads, loads, maps, interrupts };
	pthread_t threads[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, what[i], w);
}

TEST(busy_consumer_can_be_killed)
{
	int status, i, to[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, testdev_cmd(&shared, "log-stop"));
	for (i = 0; i < 5; i++) {
		long long maps_before = testdev_num(&shared, "count dma-map");

		ASSERT_EQ(0, pipe(to));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			struct worker w = {};

			if (vfio_dev_open(&w.dev, shared.uuid,
					  VFIO_TYPE1v2_IOMMU))
				_exit(1);
			w.bar = region_mmap(w.dev.device, BAR(0), 0, PAGE,
					    PROT_READ);
			work(&w);
			if (write(to[1], "", 1) != 1)
				_exit(1);
			pause();
			_exit(0);
		}
		ASSERT_EQ(1, read(to[0], &c, 1));
		/* Wait until the threads have started to work. */
		ASSERT_EQ(0, testdev_cmd(&shared, "wait dma-map %lld",
					 maps_before + 10));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		close(to[0]);
		close(to[1]);
		check_usable(_metadata, &shared);
	}
}

/* One thread closes the files while others use them. */
TEST(busy_device_can_be_closed)
{
	struct worker w = {};
	int i;

	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, testdev_cmd(&shared, "log-stop"));
	for (i = 0; i < 5; i++) {
		pthread_t threads[3];
		long long before = testdev_num(&shared, "count dma-map");

		ASSERT_EQ(0, vfio_dev_open(&w.dev, shared.uuid,
					   VFIO_TYPE1v2_IOMMU));
		__atomic_store_n(&w.stop, 0, __ATOMIC_RELAXED);
		ASSERT_EQ(0, pthread_create(&threads[0], NULL, reads, &w));
		ASSERT_EQ(0, pthread_create(&threads[1], NULL, maps, &w));
		ASSERT_EQ(0, pthread_create(&threads[2], NULL, interrupts, &w));
		ASSERT_EQ(0, testdev_cmd(&shared, "wait dma-map %lld",
					 before + 5));
		/* Close the descriptors that the threads use. */
		close(w.dev.device);
		close(w.dev.group);
		close(w.dev.container);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		pthread_join(threads[2], NULL);
		check_usable(_metadata, &shared);
	}
}

SHARED_MAIN(NULL)
