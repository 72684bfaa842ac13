// SPDX-License-Identifier: GPL-2.0
/* The whole device over a socket, driven by libvuser's client. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include <linux/vfio.h>
#include <vuser/client.h>
#include <vuser/pci.h>

#include "../device.h"
#include "../regs.h"
#include "tap.h"

#define TIMEOUT_MS	10000

/* What the client maps: with a file at MAPPED, without one at FAR. */
#define MAPPED		0x10000000ull
#define MAPPED_SIZE	0x400000
#define FAR		0x40000000ull
#define FAR_SIZE	0x200000
#define HOLE		0x70000000ull

/* In each of them */
#define RING		0x0
#define CMP		0x8000
#define SRC		0x10000
#define DST		0x100000

static char path[64];
static struct vuser_client *client;
static uint8_t *mapped;
static int mapped_fd;
static uint8_t far_memory[FAR_SIZE];
static unsigned int far_reads, far_writes;

/* The server, in a thread of its own. */

struct server {
	pthread_t thread;
	struct ioat_device *device;
	sd_event *event;
	int quit;
};

static int on_quit(sd_event_source *s, int fd, uint32_t events, void *data)
{
	(void)fd;
	(void)events;
	(void)data;
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static void *server_thread(void *arg)
{
	struct server *s = arg;

	sd_event_loop(s->event);
	return NULL;
}

static void server_start(struct server *s, bool no_fd_dma)
{
	struct ioat_device_options options = { .no_fd_dma = no_fd_dma };
	int ret;

	s->quit = eventfd(0, EFD_CLOEXEC);
	ret = sd_event_new(&s->event);
	if (ret >= 0)
		ret = sd_event_add_io(s->event, NULL, s->quit, POLLIN, on_quit,
				      NULL);
	if (ret >= 0)
		ret = ioat_device_new(&options, &s->device);
	if (ret >= 0)
		ret = ioat_device_serve(s->device, path, s->event);
	if (ret < 0 || pthread_create(&s->thread, NULL, server_thread, s))
		tap_bail("cannot start the server: %s", strerror(-ret));
}

static void server_stop(struct server *s)
{
	eventfd_write(s->quit, 1);
	pthread_join(s->thread, NULL);
	ioat_device_free(s->device);
	sd_event_unref(s->event);
	close(s->quit);
}

/* The client's memory. */

static void *client_memory(uint64_t iova, size_t count)
{
	if (iova >= FAR && count <= FAR_SIZE && iova - FAR <= FAR_SIZE - count)
		return far_memory + (iova - FAR);
	/* With --no-fd-dma this one is asked for too. */
	if (iova >= MAPPED && count <= MAPPED_SIZE &&
	    iova - MAPPED <= MAPPED_SIZE - count)
		return mapped + (iova - MAPPED);
	return NULL;
}

static int far_read(void *data, uint64_t iova, void *buf, size_t count)
{
	void *p = client_memory(iova, count);

	(void)data;
	if (!p)
		return -EFAULT;
	memcpy(buf, p, count);
	far_reads++;
	return 0;
}

static int far_write(void *data, uint64_t iova, const void *buf, size_t count)
{
	void *p = client_memory(iova, count);

	(void)data;
	if (!p)
		return -EFAULT;
	memcpy(p, buf, count);
	far_writes++;
	return 0;
}

static void memory_init(void)
{
	mapped_fd = memfd_create("test-ioat-server", MFD_CLOEXEC);
	if (mapped_fd < 0 || ftruncate(mapped_fd, MAPPED_SIZE))
		tap_bail("memfd: %s", strerror(errno));
	mapped = mmap(NULL, MAPPED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      mapped_fd, 0);
	if (mapped == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
}

static void memory_fill(void)
{
	size_t i;

	for (i = 0; i < MAPPED_SIZE; i++)
		mapped[i] = i * 13 + (i >> 8);
	for (i = 0; i < FAR_SIZE; i++)
		far_memory[i] = i * 17 + (i >> 8) + 3;
	memset(mapped + CMP, 0, 64);
	far_reads = 0;
	far_writes = 0;
}

/* The driver. */

static uint64_t rd(uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	if (vuser_client_read(client, VFIO_PCI_BAR0_REGION_INDEX, offset,
			      &value, size))
		tap_bail("cannot read register %#x", offset);
	return value;
}

static void wr(uint32_t offset, uint32_t size, uint64_t value)
{
	if (vuser_client_post(client, VFIO_PCI_BAR0_REGION_INDEX, offset,
			      &value, size))
		tap_bail("cannot write register %#x", offset);
}

static uint32_t config_rd(uint32_t offset, uint32_t size)
{
	uint32_t value = 0;

	if (vuser_client_read(client, VFIO_PCI_CONFIG_REGION_INDEX, offset,
			      &value, size))
		tap_bail("cannot read configuration %#x", offset);
	return value;
}

static void config_wr(uint32_t offset, uint32_t size, uint32_t value)
{
	if (vuser_client_write(client, VFIO_PCI_CONFIG_REGION_INDEX, offset,
			       &value, size))
		tap_bail("cannot write configuration %#x", offset);
}

static bool until_state(unsigned int state)
{
	const struct timespec pause = { .tv_nsec = 50000 };
	int i;

	for (i = 0; i < 200000; i++) {
		if ((rd(IOAT_CHANSTS, 8) & IOAT_CHANSTS_STATE) == state)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void bus_master(bool on)
{
	config_wr(PCI_COMMAND, 2,
		  PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0));
}

static void connect_client(void)
{
	static const struct vuser_client_ops ops = {
		.dma_read = far_read,
		.dma_write = far_write,
	};
	int ret = vuser_client_new(path, NULL, TIMEOUT_MS, &ops, NULL, &client);

	if (ret)
		tap_bail("cannot connect: %s", strerror(-ret));
}

static void map_memory(void)
{
	uint32_t rw = VFIO_USER_F_DMA_REGION_READ | VFIO_USER_F_DMA_REGION_WRITE;

	if (vuser_client_dma_map(client, MAPPED, MAPPED_SIZE, rw, mapped_fd,
				 0) ||
	    vuser_client_dma_map(client, FAR, FAR_SIZE, rw, -1, 0))
		tap_bail("cannot map memory");
	bus_master(true);
}

static void put_desc(unsigned int i, uint32_t control, uint64_t src,
		     uint64_t dst, uint32_t size)
{
	struct ioat_desc desc = {
		.size = size,
		.control = control,
		.src = src,
		.dst = dst,
		.next = MAPPED + RING + (i + 1) * 64,
	};

	memcpy(mapped + RING + i * 64, &desc, sizeof(desc));
}

static void put_loop(uint64_t src, uint64_t dst, uint32_t size)
{
	uint64_t self = MAPPED + RING;

	put_desc(0, 0, src, dst, size);
	memcpy(mapped + RING + 24, &self, sizeof(self));
}

static void start(uint16_t count)
{
	wr(IOAT_CHAINADDR, 8, MAPPED + RING);
	wr(IOAT_DMACOUNT, 2, count);
}

static uint64_t completion(void)
{
	return *(volatile uint64_t *)(mapped + CMP);
}

/* Tests, each with a client of its own. */

static void begin(void)
{
	memory_fill();
	connect_client();
	map_memory();
}

static void end(void)
{
	vuser_client_free(client);
	client = NULL;
}

static void test_description(void)
{
	const struct vuser_description *d;
	const struct vuser_region *r;

	begin();
	d = vuser_client_description(client);
	r = &d->regions[VFIO_PCI_BAR0_REGION_INDEX];
	tap_ok((d->flags & VFIO_DEVICE_FLAGS_PCI) &&
		       (d->flags & VFIO_DEVICE_FLAGS_RESET),
	       "a PCI device that can reset");
	tap_ok(r->size == 0x10000 && r->fd == -1 && r->nr_io_fds == 0 &&
		       r->flags == (VFIO_REGION_INFO_FLAG_READ |
				    VFIO_REGION_INFO_FLAG_WRITE),
	       "BAR 0 is trapped");
	tap_ok(d->regions[VFIO_PCI_CONFIG_REGION_INDEX].size == 4096,
	       "configuration space has 4 KiB");
	tap_ok(d->irqs[VFIO_PCI_MSIX_IRQ_INDEX].count == 1 &&
		       d->irqs[VFIO_PCI_MSI_IRQ_INDEX].count == 0 &&
		       d->irqs[VFIO_PCI_INTX_IRQ_INDEX].count == 0,
	       "one MSI-X vector");
	tap_ok(rd(IOAT_CBVER, 1) == 0x33 &&
		       config_rd(PCI_VENDOR_ID, 4) == 0x20218086,
	       "registers and configuration answer");
	end();
}

static void test_work(bool messages)
{
	uint64_t pattern = 0x0123456789abcdefull;
	const char *how = messages ? "messages only" : "mapped";
	bool ok;

	begin();
	wr(IOAT_CHANCMP, 8, MAPPED + CMP);
	put_desc(0, IOAT_DESC_COMPLETION, MAPPED + SRC, MAPPED + DST, 65536);
	put_desc(1, IOAT_DESC_COMPLETION | 1u << 24, pattern,
		 MAPPED + DST + 65536, 4099);
	put_desc(2, IOAT_DESC_COMPLETION | IOAT_DESC_NULL, 0, 0, 8);
	put_desc(3, IOAT_DESC_COMPLETION, FAR + SRC, MAPPED + DST + 0x20000,
		 65536);
	put_desc(4, IOAT_DESC_COMPLETION, MAPPED + SRC, FAR + DST, 65536);
	put_desc(5, IOAT_DESC_COMPLETION, FAR + SRC, FAR + DST + 65536, 65536);
	start(6);
	tap_ok(until_state(IOAT_IDLE) &&
		       completion() == MAPPED + RING + 5 * 64 + IOAT_IDLE &&
		       rd(IOAT_CHANERR, 4) == 0,
	       "a chain of six, %s", how);
	tap_ok(!memcmp(mapped + SRC, mapped + DST, 65536), "copy, %s", how);
	ok = !memcmp(mapped + DST + 65536, &pattern, 8) &&
	     !memcmp(mapped + DST + 65536 + 4096, &pattern, 3) &&
	     !memcmp(mapped + DST + 65536, mapped + DST + 65544, 4088) &&
	     mapped[DST + 65536 + 4099] ==
		     (uint8_t)((DST + 65536 + 4099) * 13 +
			       ((DST + 65536 + 4099) >> 8));
	tap_ok(ok, "fill, %s", how);
	tap_ok(!memcmp(far_memory + SRC, mapped + DST + 0x20000, 65536),
	       "copy from memory without an fd, %s", how);
	tap_ok(!memcmp(mapped + SRC, far_memory + DST, 65536),
	       "copy to memory without an fd, %s", how);
	tap_ok(!memcmp(far_memory + SRC, far_memory + DST + 65536, 65536),
	       "copy between such, %s", how);
	tap_ok(far_reads && far_writes, "by messages, %s", how);
	if (!messages) {
		far_reads = 0;
		far_writes = 0;
		start(3);
		tap_ok(until_state(IOAT_IDLE) && !far_reads && !far_writes,
		       "mapped memory needs no message");
	}
	end();
}

static bool wait_eventfd(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	eventfd_t value;

	return poll(&p, 1, TIMEOUT_MS) == 1 && !eventfd_read(fd, &value) &&
	       value == 1;
}

static void test_interrupt(void)
{
	uint32_t flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t value;

	begin();
	tap_ok(!vuser_client_set_irqs(client, flags, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				      1, NULL, &fd),
	       "vector 0 gets an eventfd");
	put_loop(MAPPED + SRC, MAPPED + DST, 4096);
	start(1);
	tap_ok(until_state(IOAT_IDLE) && eventfd_read(fd, &value),
	       "silent without bit 0");
	put_desc(0, IOAT_DESC_INT, MAPPED + SRC, MAPPED + DST, 8);
	wr(IOAT_INTRCTRL, 1, IOAT_INTRCTRL_MSIX);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_ABORT);
	start(1);
	tap_ok(wait_eventfd(fd), "the interrupt arrives");
	start(1);
	tap_ok(until_state(IOAT_IDLE) && eventfd_read(fd, &value),
	       "once per rearm");
	end();
	close(fd);
}

static void recover(void)
{
	wr(IOAT_CHANERR, 4, rd(IOAT_CHANERR, 4));
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
}

static void test_errors(void)
{
	begin();
	wr(IOAT_CHANCMP, 8, MAPPED + CMP);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_ERR_CMP);
	put_desc(0, 0, HOLE, MAPPED + DST, 64);
	start(1);
	tap_ok(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_SOURCE &&
		       completion() == IOAT_HALTED,
	       "source unmapped");
	tap_ok(config_rd(IOAT_PCI_CHANERR_INT, 4) == IOAT_ERR_SOURCE,
	       "CHANERR_INT shows it");
	config_wr(IOAT_PCI_CHANERR_INT, 4, IOAT_ERR_SOURCE);
	tap_ok(config_rd(IOAT_PCI_CHANERR_INT, 4) == 0, "and can be cleared");
	recover();
	put_desc(0, 0, MAPPED + SRC, MAPPED + MAPPED_SIZE - 32, 64);
	start(1);
	tap_ok(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_DESTINATION,
	       "the end of a region");
	recover();
	put_desc(0, 0, FAR + FAR_SIZE - 32, MAPPED + DST, 64);
	start(1);
	tap_ok(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_SOURCE,
	       "the end of one without an fd");
	recover();
	bus_master(false);
	put_desc(0, 0, MAPPED + SRC, MAPPED + DST, 64);
	start(1);
	tap_ok(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_CHAIN,
	       "no bus master, no DMA");
	bus_master(true);
	recover();
	start(1);
	tap_ok(until_state(IOAT_IDLE), "and all is well again");
	end();
}

static void test_borders(void)
{
	uint32_t rw = VFIO_USER_F_DMA_REGION_READ | VFIO_USER_F_DMA_REGION_WRITE;
	const uint64_t base = 0x20000000;
	unsigned int i;

	begin();
	/* Four regions of one page each, in the reverse order of the file. */
	for (i = 0; i < 4; i++)
		if (vuser_client_dma_map(client, base + i * 4096, 4096, rw,
					 mapped_fd, 0x200000 + (3 - i) * 4096))
			tap_bail("cannot map a page");
	put_desc(0, 0, MAPPED + SRC, base + 1, 4 * 4096 - 2);
	start(1);
	tap_ok(until_state(IOAT_IDLE) && !rd(IOAT_CHANERR, 4),
	       "a copy over three borders");
	tap_ok(!memcmp(mapped + 0x200000 + 3 * 4096 + 1, mapped + SRC, 4095) &&
		       !memcmp(mapped + 0x200000 + 2 * 4096,
			       mapped + SRC + 4095, 4096) &&
		       !memcmp(mapped + 0x200000 + 4096,
			       mapped + SRC + 4095 + 4096, 4096) &&
		       !memcmp(mapped + 0x200000, mapped + SRC + 4095 + 8192,
			       4095),
	       "came out where it belongs");
	end();
}

static void test_readonly(void)
{
	const uint64_t base = 0x20000000;

	begin();
	if (vuser_client_dma_map(client, base, 65536,
				 VFIO_USER_F_DMA_REGION_READ, mapped_fd, SRC))
		tap_bail("cannot map read-only");
	put_desc(0, 0, base, MAPPED + DST, 64);
	start(1);
	tap_ok(until_state(IOAT_IDLE), "read-only memory can be read");
	put_desc(0, 0, MAPPED + SRC, base, 64);
	start(1);
	tap_ok(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_DESTINATION,
	       "and not written");
	end();
}

static void test_unmap(void)
{
	uint32_t rw = VFIO_USER_F_DMA_REGION_READ | VFIO_USER_F_DMA_REGION_WRITE;
	const uint64_t base = 0x20000000;
	unsigned int i;
	bool ok = true;

	begin();
	for (i = 0; i < 20 && ok; i++) {
		if (vuser_client_dma_map(client, base, 65536, rw, mapped_fd,
					 0x300000))
			tap_bail("cannot map");
		put_loop(MAPPED + SRC, base, 65536);
		start(65535);
		ok = !vuser_client_dma_unmap(client, base, 65536) &&
		     until_state(IOAT_HALTED) &&
		     rd(IOAT_CHANERR, 4) == IOAT_ERR_DESTINATION;
		recover();
	}
	tap_ok(ok, "unmapped while it is copied to, 20 times");
	end();
}

static void test_truncate(void)
{
	uint32_t rw = VFIO_USER_F_DMA_REGION_READ | VFIO_USER_F_DMA_REGION_WRITE;
	int fd = memfd_create("test-ioat-short", MFD_CLOEXEC);
	const uint64_t base = 0x20000000;

	begin();
	if (fd < 0 || ftruncate(fd, 65536) ||
	    vuser_client_dma_map(client, base, 65536, rw, fd, 0))
		tap_bail("cannot map");
	put_loop(MAPPED + SRC, base, 65536);
	if (ftruncate(fd, 0))
		tap_bail("ftruncate");
	start(1);
	tap_ok(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_WRITE,
	       "a file cut short under the device");
	end();
	close(fd);
}

static bool is_reset(void)
{
	return rd(IOAT_CHANSTS, 8) == IOAT_HALTED && !rd(IOAT_CHANERR, 4) &&
	       !rd(IOAT_CHAINADDR, 8) && !rd(IOAT_CHANCMP, 8) &&
	       !config_rd(PCI_COMMAND, 2) && !rd(IOAT_INTRCTRL, 1);
}

static uint32_t find_pcie_control(void)
{
	uint32_t cap = config_rd(PCI_CAPABILITY_LIST, 1);

	while (cap && config_rd(cap, 1) != PCI_CAP_ID_EXP)
		cap = config_rd(cap + 1, 1);
	return cap + PCI_EXP_DEVCTL;
}

static void test_resets(void)
{
	unsigned int i;
	bool ok = true;

	begin();
	put_loop(MAPPED + SRC, MAPPED + DST, 65536);
	for (i = 0; i < 20 && ok; i++) {
		bus_master(true);
		wr(IOAT_CHANCMP, 8, MAPPED + CMP);
		start(65535);
		ok = !vuser_client_reset(client) && is_reset();
	}
	tap_ok(ok, "DEVICE_RESET while it copies, 20 times");
	bus_master(true);
	start(65535);
	config_wr(find_pcie_control(), 2, PCI_EXP_DEVCTL_BCR_FLR);
	tap_ok(is_reset(), "function level reset while it copies");

	put_loop(FAR + SRC, MAPPED + DST, 65536);
	for (i = 0; i < 20 && ok; i++) {
		bus_master(true);
		start(65535);
		ok = !vuser_client_reset(client) && is_reset();
	}
	tap_ok(ok, "DEVICE_RESET while messages are on their way, 20 times");
	bus_master(true);
	put_loop(MAPPED + SRC, MAPPED + DST, 64);
	start(1);
	tap_ok(until_state(IOAT_IDLE) && !rd(IOAT_CHANERR, 4),
	       "it works afterwards");
	end();
}

static void test_clients(void)
{
	unsigned int i;
	bool ok = true;

	for (i = 0; i < 20 && ok; i++) {
		begin();
		wr(IOAT_CHANCMP, 8, MAPPED + CMP);
		put_loop((i & 1 ? FAR : MAPPED) + SRC, MAPPED + DST, 65536);
		start(65535);
		ok = (rd(IOAT_CHANSTS, 8) & IOAT_CHANSTS_STATE) == IOAT_ACTIVE;
		end();
		connect_client();
		ok = ok && is_reset();
		end();
	}
	tap_ok(ok, "clients that go while it copies: the next one finds it reset");
	begin();
	put_loop(MAPPED + SRC, MAPPED + DST, 65536);
	start(1);
	tap_ok(until_state(IOAT_IDLE) &&
		       !memcmp(mapped + SRC, mapped + DST, 65536),
	       "and the last one can work");
	end();
}

int main(void)
{
	struct server server;

	snprintf(path, sizeof(path), "/tmp/test-ioat-%d.sock", getpid());
	memory_init();

	server_start(&server, false);
	test_description();
	test_work(false);
	test_interrupt();
	test_errors();
	test_borders();
	test_readonly();
	test_unmap();
	test_truncate();
	test_resets();
	test_clients();
	server_stop(&server);
	tap_ok(access(path, F_OK) < 0 && errno == ENOENT,
	       "the socket is gone at the end");

	server_start(&server, true);
	test_work(true);
	test_resets();
	server_stop(&server);

	munmap(mapped, MAPPED_SIZE);
	close(mapped_fd);
	return tap_done();
}
