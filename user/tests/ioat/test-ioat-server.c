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

#include "../../devices/ioat/device.h"
#include "../../devices/ioat/regs.h"
#include "expect.h"

#define TIMEOUT_MS 10000
#define DMA_RW	   (VFIO_USER_DMA_MAP_READ | VFIO_USER_DMA_MAP_WRITE)

/* The client's dma regions: with a file at MAPPED, without one at FAR. */
#define MAPPED	    0x10000000ull
#define MAPPED_SIZE 0x400000
#define FAR	    0x40000000ull
#define FAR_SIZE    0x200000
#define HOLE	    0x70000000ull

/* Some tests map a part of MAPPED's file here as well. */
#define EXTRA	     0x20000000ull
#define EXTRA_SIZE   65536
#define EXTRA_OFFSET 0x300000

/* Offsets in each of these regions. */
#define RING 0x0
#define CMP  0x8000
#define SRC  0x10000
#define DST  0x100000

static char path[64];
static struct vuser_client *client;
static uint8_t *mapped;
static int mapped_fd;
static uint8_t far_memory[FAR_SIZE];
static unsigned int far_reads, far_writes;

/* The server, in its own thread. */

struct server {
	pthread_t thread;
	struct ioat_device *device;
	sd_event *event;
	int quit;
};

/* While @pinging is set, the client's DMA messages need the server's event loop. */
static bool pinging, pong_missing;
static int ping_fd = -1, pong_fd = -1;

static int on_ping(sd_event_source *s, int fd, uint32_t events, void *data)
{
	eventfd_t count;

	(void)s;
	(void)events;
	(void)data;
	eventfd_read(fd, &count);
	eventfd_write(pong_fd, 1);
	return 0;
}

/*
 * Have the event loop answer twice: it has handled all earlier messages when it answers
 * for the second time.
 */
static void ping(void)
{
	struct pollfd pfd = { .fd = pong_fd, .events = POLLIN };
	eventfd_t count;
	int i;

	for (i = 0; i < 2 && !pong_missing; i++) {
		eventfd_write(ping_fd, 1);
		if (poll(&pfd, 1, TIMEOUT_MS / 10) == 1)
			eventfd_read(pong_fd, &count);
		else
			pong_missing = true;
	}
}

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
	ping_fd = eventfd(0, EFD_CLOEXEC);
	pong_fd = eventfd(0, EFD_CLOEXEC);
	if (ret >= 0)
		ret = sd_event_add_io(s->event, NULL, ping_fd, POLLIN, on_ping,
				      NULL);
	if (ret >= 0)
		ret = ioat_device_new(&options, &s->device);
	if (ret >= 0)
		ret = ioat_device_serve(s->device, path, s->event);
	if (ret < 0 || pthread_create(&s->thread, NULL, server_thread, s))
		bail("cannot start the server: %s", strerror(-ret));
}

static void server_stop(struct server *s)
{
	eventfd_write(s->quit, 1);
	pthread_join(s->thread, NULL);
	ioat_device_free(s->device);
	sd_event_unref(s->event);
	close(s->quit);
	close(ping_fd);
	close(pong_fd);
}

/* The client's memory. */

static bool within(uint64_t iova, size_t count, uint64_t start, size_t size)
{
	return iova >= start && count <= size && iova - start <= size - count;
}

/* Without --no-fd-dma the device sends messages for FAR only. */
static void *client_memory(uint64_t iova, size_t count)
{
	if (within(iova, count, FAR, FAR_SIZE))
		return far_memory + (iova - FAR);
	if (within(iova, count, MAPPED, MAPPED_SIZE))
		return mapped + (iova - MAPPED);
	if (within(iova, count, EXTRA, EXTRA_SIZE))
		return mapped + EXTRA_OFFSET + (iova - EXTRA);
	return NULL;
}

static int far_read(void *data, uint64_t iova, void *buf, size_t count)
{
	void *p = client_memory(iova, count);

	(void)data;
	if (!p)
		return -EFAULT;
	if (pinging)
		ping();
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
		bail("memfd: %s", strerror(errno));
	mapped = mmap(NULL, MAPPED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      mapped_fd, 0);
	if (mapped == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
}

static void memory_fini(void)
{
	munmap(mapped, MAPPED_SIZE);
	close(mapped_fd);
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
		bail("cannot read register %#x", offset);
	return value;
}

static void wr(uint32_t offset, uint32_t size, uint64_t value)
{
	if (vuser_client_post(client, VFIO_PCI_BAR0_REGION_INDEX, offset,
			      &value, size))
		bail("cannot write register %#x", offset);
}

static uint32_t config_rd(uint32_t offset, uint32_t size)
{
	uint32_t value = 0;

	if (vuser_client_read(client, VFIO_PCI_CONFIG_REGION_INDEX, offset,
			      &value, size))
		bail("cannot read configuration space at %#x", offset);
	return value;
}

static void config_wr(uint32_t offset, uint32_t size, uint32_t value)
{
	if (vuser_client_write(client, VFIO_PCI_CONFIG_REGION_INDEX, offset,
			       &value, size))
		bail("cannot write configuration space at %#x", offset);
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
		.struct_size = sizeof(ops),
		.dma_read = far_read,
		.dma_write = far_write,
	};
	int ret = vuser_client_new(path, NULL, TIMEOUT_MS, &ops, NULL, &client);

	if (ret)
		bail("cannot connect: %s", strerror(-ret));
}

static void map_memory(void)
{
	if (vuser_client_dma_map(client, MAPPED, MAPPED_SIZE, DMA_RW, mapped_fd,
				 0) ||
	    vuser_client_dma_map(client, FAR, FAR_SIZE, DMA_RW, -1, 0))
		bail("cannot map memory");
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

/* The tests; each has its own client. */

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

static void try_description(void)
{
	const struct vuser_description *d;
	const struct vuser_region *r;

	begin();
	d = vuser_client_description(client);
	r = &d->regions[VFIO_PCI_BAR0_REGION_INDEX];
	expect((d->flags & VFIO_DEVICE_FLAGS_PCI) &&
		       (d->flags & VFIO_DEVICE_FLAGS_RESET),
	       "the device is a PCI device that can be reset");
	expect(r->size == 0x10000 && r->fd == -1 && r->nr_io_fds == 0 &&
		       r->flags == (VFIO_REGION_INFO_FLAG_READ |
				    VFIO_REGION_INFO_FLAG_WRITE),
	       "BAR 0 is trapped");
	expect(d->regions[VFIO_PCI_CONFIG_REGION_INDEX].size == 4096,
	       "configuration space has 4 KiB");
	expect(d->irqs[VFIO_PCI_MSIX_IRQ_INDEX].count == 1 &&
		       d->irqs[VFIO_PCI_MSI_IRQ_INDEX].count == 0 &&
		       d->irqs[VFIO_PCI_INTX_IRQ_INDEX].count == 0,
	       "there is one MSI-X vector");
	expect(rd(IOAT_CBVER, 1) == 0x33 &&
		       config_rd(PCI_VENDOR_ID, 4) == 0x20218086,
	       "registers and configuration space are readable");
	end();
}

static void try_chain(bool messages)
{
	uint64_t pattern = 0x0123456789abcdefull;
	const char *how = messages ? "only messages" : "mapped";
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
	expect(until_state(IOAT_IDLE) &&
		       completion() == MAPPED + RING + 5 * 64 + IOAT_IDLE &&
		       rd(IOAT_CHANERR, 4) == 0,
	       "a chain of six descriptors completes, %s", how);
	expect(!memcmp(mapped + SRC, mapped + DST, 65536), "a copy, %s", how);
	ok = !memcmp(mapped + DST + 65536, &pattern, 8) &&
	     !memcmp(mapped + DST + 65536 + 4096, &pattern, 3) &&
	     !memcmp(mapped + DST + 65536, mapped + DST + 65544, 4088) &&
	     mapped[DST + 65536 + 4099] ==
		     (uint8_t)((DST + 65536 + 4099) * 13 +
			       ((DST + 65536 + 4099) >> 8));
	expect(ok, "a fill, %s", how);
	expect(!memcmp(far_memory + SRC, mapped + DST + 0x20000, 65536),
	       "a copy from memory without an fd, %s", how);
	expect(!memcmp(mapped + SRC, far_memory + DST, 65536),
	       "a copy to memory without an fd, %s", how);
	expect(!memcmp(far_memory + SRC, far_memory + DST + 65536, 65536),
	       "a copy within memory without an fd, %s", how);
	expect(far_reads && far_writes, "the device sent messages, %s", how);
	if (!messages) {
		far_reads = 0;
		far_writes = 0;
		start(3);
		expect(until_state(IOAT_IDLE) && !far_reads && !far_writes,
		       "mapped memory needs no messages");
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

static void try_interrupt(void)
{
	uint32_t flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t value;

	begin();
	expect(!vuser_client_set_irqs(client, flags, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				      1, NULL, &fd),
	       "vector 0 gets an eventfd");
	put_loop(MAPPED + SRC, MAPPED + DST, 4096);
	start(1);
	expect(until_state(IOAT_IDLE) && eventfd_read(fd, &value),
	       "no interrupt without bit 0");
	put_desc(0, IOAT_DESC_INT, MAPPED + SRC, MAPPED + DST, 8);
	wr(IOAT_INTRCTRL, 1, IOAT_INTRCTRL_MSIX);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_ABORT);
	start(1);
	expect(wait_eventfd(fd), "the interrupt arrives");
	start(1);
	expect(until_state(IOAT_IDLE) && eventfd_read(fd, &value),
	       "one interrupt per rearm");
	end();
	close(fd);
}

static void recover(void)
{
	wr(IOAT_CHANERR, 4, rd(IOAT_CHANERR, 4));
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
}

static void try_errors(void)
{
	begin();
	wr(IOAT_CHANCMP, 8, MAPPED + CMP);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_ERR_CMP);
	put_desc(0, 0, HOLE, MAPPED + DST, 64);
	start(1);
	expect(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_SOURCE &&
		       completion() == IOAT_HALTED,
	       "a source that is not mapped halts the channel");
	expect(config_rd(IOAT_PCI_CHANERR_INT, 4) == IOAT_ERR_SOURCE,
	       "CHANERR_INT shows the error");
	config_wr(IOAT_PCI_CHANERR_INT, 4, IOAT_ERR_SOURCE);
	expect(config_rd(IOAT_PCI_CHANERR_INT, 4) == 0,
	       "CHANERR_INT can be cleared");
	recover();
	put_desc(0, 0, MAPPED + SRC, MAPPED + MAPPED_SIZE - 32, 64);
	start(1);
	expect(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_DESTINATION,
	       "the end of a region halts the channel");
	recover();
	put_desc(0, 0, FAR + FAR_SIZE - 32, MAPPED + DST, 64);
	start(1);
	expect(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_SOURCE,
	       "the end of a region without an fd halts the channel");
	recover();
	bus_master(false);
	put_desc(0, 0, MAPPED + SRC, MAPPED + DST, 64);
	start(1);
	expect(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) ==
			       (IOAT_ERR_CHAIN | IOAT_ERR_COMPLETION),
	       "without bus mastering there is no DMA, not even the completion");
	bus_master(true);
	recover();
	start(1);
	expect(until_state(IOAT_IDLE), "the channel works again");
	end();
}

static void try_boundaries(void)
{
	unsigned int i;

	begin();
	/* Four regions of one page each, in the reverse order of the file. */
	for (i = 0; i < 4; i++)
		if (vuser_client_dma_map(client, EXTRA + i * 4096, 4096, DMA_RW,
					 mapped_fd, 0x200000 + (3 - i) * 4096))
			bail("cannot map a page");
	put_desc(0, 0, MAPPED + SRC, EXTRA + 1, 4 * 4096 - 2);
	start(1);
	expect(until_state(IOAT_IDLE) && !rd(IOAT_CHANERR, 4),
	       "a copy across three region boundaries completes");
	expect(!memcmp(mapped + 0x200000 + 3 * 4096 + 1, mapped + SRC, 4095) &&
		       !memcmp(mapped + 0x200000 + 2 * 4096,
			       mapped + SRC + 4095, 4096) &&
		       !memcmp(mapped + 0x200000 + 4096,
			       mapped + SRC + 4095 + 4096, 4096) &&
		       !memcmp(mapped + 0x200000, mapped + SRC + 4095 + 8192,
			       4095),
	       "each byte is at its place");
	end();
}

static void try_readonly(void)
{
	begin();
	if (vuser_client_dma_map(client, EXTRA, EXTRA_SIZE,
				 VFIO_USER_DMA_MAP_READ, mapped_fd, SRC))
		bail("cannot map read-only");
	put_desc(0, 0, EXTRA, MAPPED + DST, 64);
	start(1);
	expect(until_state(IOAT_IDLE), "read-only memory can be read");
	put_desc(0, 0, MAPPED + SRC, EXTRA, 64);
	start(1);
	expect(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_DESTINATION,
	       "read-only memory cannot be written");
	end();
}

static void try_unmap(void)
{
	unsigned int i;
	bool ok = true;

	begin();
	for (i = 0; i < 20 && ok; i++) {
		if (vuser_client_dma_map(client, EXTRA, EXTRA_SIZE, DMA_RW,
					 mapped_fd, EXTRA_OFFSET))
			bail("cannot map");
		put_loop(MAPPED + SRC, EXTRA, 65536);
		start(65535);
		ok = !vuser_client_dma_unmap(client, EXTRA, EXTRA_SIZE) &&
		     until_state(IOAT_HALTED) &&
		     rd(IOAT_CHANERR, 4) == IOAT_ERR_DESTINATION;
		recover();
	}
	expect(ok, "the destination is unmapped during a copy, 20 times");
	end();
}

static void try_truncate(void)
{
	int fd = memfd_create("test-ioat-short", MFD_CLOEXEC);

	begin();
	if (fd < 0 || ftruncate(fd, 65536) ||
	    vuser_client_dma_map(client, EXTRA, EXTRA_SIZE, DMA_RW, fd, 0))
		bail("cannot map");
	put_loop(MAPPED + SRC, EXTRA, 65536);
	if (ftruncate(fd, 0))
		bail("ftruncate");
	start(1);
	expect(until_state(IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_WRITE,
	       "a destination in a truncated file halts the channel");
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

static void try_resets(void)
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
	expect(ok, "DEVICE_RESET during a copy, 20 times");
	bus_master(true);
	start(65535);
	config_wr(find_pcie_control(), 2, PCI_EXP_DEVCTL_BCR_FLR);
	expect(is_reset(), "function level reset during a copy");

	put_loop(FAR + SRC, MAPPED + DST, 65536);
	for (i = 0; i < 20 && ok; i++) {
		bus_master(true);
		start(65535);
		ok = !vuser_client_reset(client) && is_reset();
	}
	expect(ok, "DEVICE_RESET while the device waits for replies, 20 times");
	bus_master(true);
	put_loop(MAPPED + SRC, MAPPED + DST, 64);
	start(1);
	expect(until_state(IOAT_IDLE) && !rd(IOAT_CHANERR, 4),
	       "the device works afterwards");
	end();
}

/*
 * The client handles the message only after it has sent the reset. Until then the copy
 * thread waits for the client, but the event loop must not.
 */
static void try_reset_during_message(void)
{
	struct pollfd message = { .events = POLLIN };
	bool ok;

	begin();
	put_loop(FAR + SRC, MAPPED + DST, 65536);
	start(65535);
	message.fd = vuser_client_description(client)->twin;
	expect(poll(&message, 1, TIMEOUT_MS) == 1,
	       "the device sends a message");
	pinging = true;
	ok = !vuser_client_reset(client);
	pinging = false;
	expect(ok && is_reset(), "the device is reset");
	expect(!pong_missing, "the event loop did not wait for the message");
	end();
}

static void try_next_client(void)
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
	expect(ok,
	       "a client disconnects during a copy: the next client finds the device reset");
	begin();
	put_loop(MAPPED + SRC, MAPPED + DST, 65536);
	start(1);
	expect(until_state(IOAT_IDLE) &&
		       !memcmp(mapped + SRC, mapped + DST, 65536),
	       "the last client can copy");
	end();
}

static void with_server(bool no_fd_dma, void (*try)(void))
{
	struct server server;

	snprintf(path, sizeof(path), "/tmp/test-ioat-%d.sock", getpid());
	memory_init();
	server_start(&server, no_fd_dma);
	try();
	server_stop(&server);
	expect(access(path, F_OK) < 0 && errno == ENOENT,
	       "the server removes its socket");
	memory_fini();
}

static void try_chain_mapped(void)
{
	try_chain(false);
}

static void try_chain_messages(void)
{
	try_chain(true);
}

TEST(client_gets_the_description_of_the_engine)
{
	with_server(false, try_description);
}

TEST(chain_copies_and_fills_all_kinds_of_memory)
{
	with_server(false, try_chain_mapped);
}

TEST(chain_copies_and_fills_by_messages_without_fds)
{
	with_server(true, try_chain_messages);
}

TEST(interrupt_reaches_the_eventfd_once_per_rearm)
{
	with_server(false, try_interrupt);
}

TEST(error_halts_the_channel_until_recovery)
{
	with_server(false, try_errors);
}

TEST(copy_across_region_boundaries_completes)
{
	with_server(false, try_boundaries);
}

TEST(read_only_region_is_read_and_not_written)
{
	with_server(false, try_readonly);
}

TEST(unmap_during_a_copy_halts_the_channel)
{
	with_server(false, try_unmap);
}

TEST(unmap_during_a_copy_by_messages_halts_the_channel)
{
	with_server(true, try_unmap);
}

TEST(truncated_file_halts_the_channel)
{
	with_server(false, try_truncate);
}

TEST(reset_during_a_copy_resets_the_device)
{
	with_server(false, try_resets);
}

TEST(reset_during_a_copy_by_messages_resets_the_device)
{
	with_server(true, try_resets);
}

TEST(event_loop_continues_while_a_reset_waits_for_a_message)
{
	with_server(false, try_reset_during_message);
}

TEST(device_is_reset_for_the_next_client)
{
	with_server(false, try_next_client);
}

TEST(device_is_reset_for_the_next_client_without_fds)
{
	with_server(true, try_next_client);
}
