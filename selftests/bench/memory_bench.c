// SPDX-License-Identifier: GPL-2.0
/*
 * Measures stores to shared areas, stores that signal an ioeventfd, interrupts,
 * and DMA maps.  The server is vuser-testdev.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vuser/client.h>

#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/res.h"
#include "lib/testdev.h"
#include "lib/vfio.h"
#include "row.h"

#define SAMPLES 12000
/* Stores per sample: one store is shorter than reading the clock. */
#define BATCH 1000

static void *map_bar(int device, unsigned int bar, size_t size)
{
	void *p = region_mmap(device, VFIO_PCI_BAR0_REGION_INDEX + bar, 0, size,
			      PROT_READ | PROT_WRITE);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/*
 * One function for both kinds of memory: two copies of the loop could differ in
 * speed because of their placement.
 */
static __attribute__((noinline)) double batch_ns(volatile uint32_t *word)
{
	uint64_t start = now_ns();
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		*word = i;
	return (double)(now_ns() - start) / BATCH;
}

static void bench_shared(int device)
{
	volatile uint32_t *shared = map_bar(device, 4, TESTDEV_BAR4_SIZE);
	volatile uint32_t *own = mem_anon(4096);
	struct samples a, b;
	unsigned int i;

	samples_init(&a, SAMPLES);
	samples_init(&b, SAMPLES);
	batch_ns(shared);
	batch_ns(own);
	for (i = 0; i < SAMPLES; i++) {
		samples_add(&a, batch_ns(shared));
		samples_add(&b, batch_ns(own));
	}
	munmap((void *)shared, TESTDEV_BAR4_SIZE);
	row_print("store to a shared area : to private memory",
		  samples_median(&a), "ns", samples_median(&b), 1.2);
}

static void bench_ioeventfd(int device)
{
	volatile uint8_t *bar = map_bar(device, 3, TESTDEV_BAR3_SIZE);
	volatile uint32_t *doorbell = (volatile void *)(bar + TESTDEV_DB_ANY);
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1, start;
	struct samples a, b;
	unsigned int i;

	samples_init(&a, SAMPLES);
	samples_init(&b, SAMPLES);
	for (i = 0; i < SAMPLES; i++) {
		start = now_ns();
		*doorbell = i;
		samples_add(&a, now_ns() - start);
		start = now_ns();
		if (write(fd, &one, sizeof(one)) != sizeof(one))
			die("eventfd");
		samples_add(&b, now_ns() - start);
	}
	close(fd);
	munmap((void *)bar, TESTDEV_BAR3_SIZE);
	row_print("store that matches an ioeventfd : write to an eventfd",
		  samples_median(&a), "ns", samples_median(&b), 2.7);
}

/*
 * A thread that sleeps until an eventfd is signalled, and records when it woke
 * up.
 */
struct sleeper {
	int fd;
	uint64_t woken;
	sem_t awake;
	pthread_t thread;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;
	uint64_t count;

	while (read(s->fd, &count, sizeof(count)) == sizeof(count)) {
		s->woken = now_ns();
		sem_post(&s->awake);
	}
	return NULL;
}

static void sleeper_start(struct sleeper *s)
{
	s->fd = eventfd(0, 0);
	if (s->fd < 0 || sem_init(&s->awake, 0, 0) ||
	    pthread_create(&s->thread, NULL, sleeper_run, s))
		die("a thread that waits");
}

static void sleeper_end(struct sleeper *s)
{
	pthread_cancel(s->thread); /* read() is a cancellation point */
	pthread_join(s->thread, NULL);
	sem_destroy(&s->awake);
	close(s->fd);
}

/*
 * The time from just before the server's write until the consumer's thread
 * runs.  The thread sleeps by then, because the command must first reach the
 * server's process.
 */
static double irq_ns(struct testdev *td, struct sleeper *s)
{
	long long fired = testdev_num(td, "irq %u 0", VFIO_PCI_MSIX_IRQ_INDEX);

	if (fired < 0)
		die("interrupt");
	while (sem_wait(&s->awake))
		;
	return s->woken - (uint64_t)fired;
}

static void bench_irq(struct testdev *td, int device, struct testdev *other)
{
	struct vuser_client *client;
	struct sleeper with, without;
	struct samples a, b;
	unsigned int i;

	sleeper_start(&with);
	sleeper_start(&without);
	if (vuser_client_new(other->socket, NULL, 10000, NULL, NULL, &client))
		die("connect to the other server");
	if (vuser_client_set_irqs(
		    client,
		    VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		    VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, NULL, &without.fd) ||
	    irq_set_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &with.fd))
		die("SET_IRQS");
	samples_init(&a, SAMPLES);
	samples_init(&b, SAMPLES);
	for (i = 0; i < SAMPLES; i++) {
		samples_add(&a, irq_ns(td, &with));
		samples_add(&b, irq_ns(other, &without));
	}
	irq_disable(device, VFIO_PCI_MSIX_IRQ_INDEX);
	vuser_client_free(client);
	sleeper_end(&with);
	sleeper_end(&without);
	row_print("interrupt to wake-up : the same without vuser",
		  samples_median(&a), "ns", samples_median(&b), 1.1);
}

/* Uses the available huge pages, at most 1 GiB. */
static void bench_map(int container)
{
	size_t size = 1ul << 30;
	char name[64];
	uint64_t start, map, unmap;
	long pages = res_meminfo("HugePages_Free");
	void *mem;

	if (pages <= 0) {
		fprintf(stderr, "no huge pages: MAP_DMA is not measured\n");
		return;
	}
	if (size > (size_t)pages << 21)
		size = (size_t)pages << 21;
	mem = mem_hugetlb(size, NULL);
	if (!mem)
		die("huge pages");
	memset(mem, 1, size);
	start = now_ns();
	if (dma_map(container, mem, 0, size, DMA_RW))
		die("MAP_DMA");
	map = now_ns() - start;
	start = now_ns();
	if (dma_unmap(container, 0, size, 0, NULL))
		die("UNMAP_DMA");
	unmap = now_ns() - start;
	snprintf(name, sizeof(name), "MAP_DMA of %zu MiB of hugetlb",
		 size >> 20);
	row_print(name, map / 1e3, "us", 0, 0);
	snprintf(name, sizeof(name), "UNMAP_DMA of %zu MiB of hugetlb",
		 size >> 20);
	row_print(name, unmap / 1e3, "us", 0, 0);
}

static int bench(int argc, char **argv)
{
	struct testdev td = { 0 }, other = { 0 };
	struct vfio_dev dev = VFIO_DEV_INIT;

	(void)argc;
	(void)argv;
	if (testdev_start(&td, NULL))
		die("start the server");
	uuid_new(other.uuid);
	if (testdev_serve(&other, NULL))
		die("start the other server");
	if (testdev_cmd(&td, "log-stop") || testdev_cmd(&other, "log-stop"))
		die("log-stop");
	if (vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU))
		die("open the device");
	bench_ioeventfd(dev.device);
	bench_shared(dev.device);
	bench_irq(&td, dev.device, &other);
	bench_map(dev.container);
	vfio_dev_close(&dev);
	testdev_stop(&td);
	testdev_kill(&other);
	return 0;
}

int main(int argc, char **argv)
{
	return helper_run(argc, argv, bench);
}
