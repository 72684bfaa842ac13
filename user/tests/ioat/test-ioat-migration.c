// SPDX-License-Identifier: GPL-2.0
/* The state of the device moves between two servers, at any moment of a chain. */
#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>
#include <vuser/client.h>
#include <vuser/pci.h>

#include "../../devices/ioat/device.h"
#include "../../devices/ioat/migration.h"
#include "../../devices/ioat/regs.h"
#include "expect.h"

#define TIMEOUT_MS 10000
/* Time in which a device would do what it must not do. */
#define NEVER_MS 50
#define DMA_RW	 (VFIO_USER_DMA_MAP_READ | VFIO_USER_DMA_MAP_WRITE)
#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define PRE_COPY VFIO_DEVICE_STATE_PRE_COPY

#define NR    4096 /* descriptors of the chain, which is a loop */
#define BYTES 4096
#define IOVA  0x10000000ull
#define RING  0x0
#define CMP   0x60000
#define DATA  0x80000
#define SIZE  0x100000
/* Two buffers at DATA. */
#define HALF   (BYTES + 16)
#define RESULT (2 * HALF)

/**
 * struct side - a server in its own thread, and the client that is connected to it
 * @thread: thread of the server
 * @device: the device
 * @event: event loop of @thread
 * @quit: ends the event loop
 * @path: path of the socket
 * @client: client, or NULL
 */
struct side {
	pthread_t thread;
	struct ioat_device *device;
	sd_event *event;
	int quit;
	char path[64];
	struct vuser_client *client;
};

static struct side sides[2];
/* The side with the running device. */
static struct side *side;
static uint8_t *memory;
static int memory_fd;
static int irq;
static bool by_messages;

static int on_quit(sd_event_source *s, int fd, uint32_t events, void *data)
{
	(void)fd;
	(void)events;
	(void)data;
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static void *loop(void *arg)
{
	sd_event_loop(((struct side *)arg)->event);
	return NULL;
}

static void serve(struct side *s, unsigned int nr)
{
	struct ioat_device_options options = { .no_fd_dma = by_messages };

	snprintf(s->path, sizeof(s->path), "/tmp/test-ioat-migration-%d-%u",
		 getpid(), nr);
	s->quit = eventfd(0, EFD_CLOEXEC);
	if (sd_event_new(&s->event) < 0 ||
	    sd_event_add_io(s->event, NULL, s->quit, POLLIN, on_quit, NULL) <
		    0 ||
	    ioat_device_new(&options, &s->device) ||
	    ioat_device_serve(s->device, s->path, s->event) < 0 ||
	    pthread_create(&s->thread, NULL, loop, s))
		bail("cannot start a server");
}

static void serve_no_more(struct side *s)
{
	vuser_client_free(s->client);
	s->client = NULL;
	eventfd_write(s->quit, 1);
	pthread_join(s->thread, NULL);
	ioat_device_free(s->device);
	sd_event_unref(s->event);
	close(s->quit);
}

/* The client's memory, and what the client gives to each server. */

static int dma_read(void *data, uint64_t iova, void *buf, size_t count)
{
	(void)data;
	if (iova < IOVA || iova - IOVA > SIZE - count)
		return -EFAULT;
	memcpy(buf, memory + (iova - IOVA), count);
	return 0;
}

static int dma_write(void *data, uint64_t iova, const void *buf, size_t count)
{
	(void)data;
	if (iova < IOVA || iova - IOVA > SIZE - count)
		return -EFAULT;
	memcpy(memory + (iova - IOVA), buf, count);
	return 0;
}

static void connect_to(struct side *s)
{
	static const struct vuser_client_ops ops = {
		.struct_size = sizeof(ops),
		.dma_read = dma_read,
		.dma_write = dma_write,
	};
	uint32_t flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER;

	if (vuser_client_new(s->path, NULL, TIMEOUT_MS, &ops, NULL,
			     &s->client) ||
	    vuser_client_dma_map(s->client, IOVA, SIZE, DMA_RW, memory_fd, 0) ||
	    vuser_client_set_irqs(s->client, flags, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				  1, NULL, &irq))
		bail("cannot connect to a server");
}

static void setup(void)
{
	unsigned int i;

	memory_fd = memfd_create("test-ioat-migration", MFD_CLOEXEC);
	if (memory_fd < 0 || ftruncate(memory_fd, SIZE))
		bail("memfd: %s", strerror(errno));
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd,
		      0);
	if (memory == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (i = 0; i < 2; i++)
		serve(&sides[i], i);
	side = &sides[0];
	connect_to(side);
}

static void teardown(void)
{
	serve_no_more(&sides[0]);
	serve_no_more(&sides[1]);
	munmap(memory, SIZE);
	close(memory_fd);
	close(irq);
	by_messages = false;
}

/* The driver. */

static uint64_t rd(uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	if (vuser_client_read(side->client, VFIO_PCI_BAR0_REGION_INDEX, offset,
			      &value, size))
		bail("cannot read register %#x", offset);
	return value;
}

static void wr(uint32_t offset, uint32_t size, uint64_t value)
{
	if (vuser_client_write(side->client, VFIO_PCI_BAR0_REGION_INDEX, offset,
			       &value, size))
		bail("cannot write register %#x", offset);
}

static void bus_master(void)
{
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (vuser_client_write(side->client, VFIO_PCI_CONFIG_REGION_INDEX,
			       PCI_COMMAND, &command, sizeof(command)))
		bail("cannot write configuration space");
}

static void put_desc(unsigned int i, uint32_t control, uint64_t src,
		     uint64_t dst)
{
	struct ioat_desc desc = {
		.size = BYTES,
		.control = control,
		.src = src,
		.dst = dst,
		.next = IOVA + RING + (i + 1) * IOAT_DESC_ALIGN,
	};

	memcpy(memory + RING + i * IOAT_DESC_ALIGN, &desc, sizeof(desc));
}

/*
 * The descriptors copy between two buffers, with other offsets each time: one that is left
 * out, or carried out after a later one, changes the result.
 */
static void put_chain(uint8_t *result, unsigned int count)
{
	const uint64_t first = IOVA + RING;
	unsigned int i, from, to;

	for (i = 0; i < RESULT; i++)
		memory[DATA + i] = rand();
	memcpy(result, memory + DATA, RESULT);
	for (i = 0; i < NR; i++) {
		from = (i % 2 ? HALF : 0) + i % 3;
		to = (i % 2 ? 0 : HALF) + i % 7;
		put_desc(i, i == NR - 1 ? IOAT_DESC_COMPLETION : 0,
			 IOVA + DATA + from, IOVA + DATA + to);
	}
	memcpy(memory + RING + (NR - 1) * IOAT_DESC_ALIGN +
		       offsetof(struct ioat_desc, next),
	       &first, sizeof(first));
	for (i = 0; i < count; i++) {
		from = (i % NR % 2 ? HALF : 0) + i % NR % 3;
		to = (i % NR % 2 ? 0 : HALF) + i % NR % 7;
		memcpy(result + to, result + from, BYTES);
	}
}

static unsigned int state(void)
{
	return rd(IOAT_CHANSTS, 8) & IOAT_CHANSTS_STATE;
}

static bool until_state(unsigned int wanted)
{
	const struct timespec pause = { .tv_nsec = 50000 };
	int i;

	for (i = 0; i < TIMEOUT_MS * 20; i++) {
		if (state() == wanted)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool interrupted(void)
{
	eventfd_t count;

	return !eventfd_read(irq, &count);
}

/* Wait for an interrupt: it comes after the state that the driver can read. */
static bool until_interrupted(void)
{
	struct pollfd pfd = { .fd = irq, .events = POLLIN };

	return poll(&pfd, 1, TIMEOUT_MS) == 1 && interrupted();
}

/* The migration. */

static int set_state(struct side *s, uint32_t to)
{
	struct vfio_device_feature_mig_state mig = { .device_state = to };
	ssize_t ret;

	ret = vuser_client_feature(s->client,
				   VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				   &mig, sizeof(mig), sizeof(mig));
	return ret < 0 ? ret : 0;
}

/* Read the stream in pieces of @piece bytes; return its size. */
static size_t read_stream(void *buf, size_t size, size_t piece)
{
	size_t len = 0;
	ssize_t got;

	do {
		if (piece > size - len)
			piece = size - len;
		got = vuser_client_mig_read(side->client, (char *)buf + len,
					    piece);
		check(got >= 0);
		len += got > 0 ? got : 0;
	} while (got > 0 && (size_t)got == piece && len < size);
	return len;
}

static void write_stream(struct side *to, const void *buf, size_t len,
			 size_t piece)
{
	size_t pos;

	for (pos = 0; pos < len; pos += piece) {
		if (piece > len - pos)
			piece = len - pos;
		check_eq(vuser_client_mig_write(to->client,
						(const char *)buf + pos, piece),
			 0);
	}
}

static struct side *other(void)
{
	return side == &sides[0] ? &sides[1] : &sides[0];
}

static void migrate(size_t piece)
{
	char buf[2 * sizeof(struct ioat_stream)];
	struct side *to = other();
	size_t len;

	connect_to(to);
	check_eq(set_state(side, COPY), 0);
	len = read_stream(buf, sizeof(buf), piece);
	check_eq(len, sizeof(struct ioat_stream));
	check_eq(set_state(to, RESUMING), 0);
	write_stream(to, buf, len, piece);
	check_eq(set_state(to, STOP), 0);
	vuser_client_free(side->client);
	side->client = NULL;
	side = to;
	check_eq(set_state(side, RUNNING), 0);
}

/* The tests. */

static void chain_moves(unsigned int rounds)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	uint8_t result[RESULT];
	unsigned int moves = 0;

	setup();
	bus_master();
	put_chain(result, rounds * NR);
	wr(IOAT_CHANCMP, 8, IOVA + CMP);
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	wr(IOAT_DMACOUNT, 2, rounds * NR);
	do {
		nanosleep(&pause, NULL);
		migrate(moves % 2 ? 100 : 65536);
		moves++;
	} while (state() == IOAT_ACTIVE);
	check_eq(state(), IOAT_IDLE);
	check(moves > 2);
	check_eq(rd(IOAT_CHANERR, 4), 0);
	check(!memcmp(memory + DATA, result, sizeof(result)));
	check_eq(*(uint64_t *)(memory + CMP),
		 (IOVA + RING + (NR - 1) * IOAT_DESC_ALIGN) | IOAT_IDLE);
	/* The chain goes on. */
	wr(IOAT_DMACOUNT, 2, rounds * NR + 1);
	check(until_state(IOAT_IDLE));
	teardown();
}

TEST(chain_goes_on_at_the_other_server)
{
	chain_moves(15);
}

TEST(chain_goes_on_at_the_other_server_by_messages)
{
	by_messages = true;
	chain_moves(1);
}

TEST(stopped_device_does_not_access_memory)
{
	uint8_t result[RESULT], before[RESULT];

	setup();
	bus_master();
	put_chain(result, 0);
	check_eq(set_state(side, STOP), 0);
	memcpy(before, memory + DATA, sizeof(before));
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	wr(IOAT_DMACOUNT, 2, 8);
	check_eq(state(), IOAT_ACTIVE);
	check_eq(rd(IOAT_DMACOUNT, 2), 8);
	poll(NULL, 0, NEVER_MS);
	check(!memcmp(before, memory + DATA, sizeof(before)));
	check_eq(set_state(side, RUNNING), 0);
	check(until_state(IOAT_IDLE));
	teardown();
}

TEST(registers_and_configuration_space_move)
{
	setup();
	bus_master();
	wr(IOAT_CHANERRMASK, 4, 0x50);
	wr(IOAT_CHANCMP, 8, IOVA + CMP);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_ERR_CMP);
	wr(IOAT_CHAINADDR, 8, 0x1234);
	check_eq(state(), IOAT_HALTED);
	migrate(4096);
	check_eq(state(), IOAT_HALTED);
	check_eq(rd(IOAT_CHANERR, 4), IOAT_ERR_CHAIN);
	check_eq(rd(IOAT_CHANERRMASK, 4), 0x50);
	check_eq(rd(IOAT_CHANCMP, 8), IOVA + CMP);
	check_eq(rd(IOAT_CHANCTRL, 2), IOAT_CHANCTRL_ERR_CMP);
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	check_eq(state(), IOAT_SUSPENDED);
	migrate(4096);
	check_eq(state(), IOAT_SUSPENDED);
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	check_eq(state(), IOAT_ARMED);
	teardown();
}

TEST(interrupt_that_the_driver_has_not_rearmed_is_raised_again)
{
	setup();
	bus_master();
	put_desc(0, IOAT_DESC_INT, IOVA + DATA, IOVA + DATA + BYTES);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	wr(IOAT_DMACOUNT, 2, 1);
	check(until_state(IOAT_IDLE));
	check(until_interrupted());
	migrate(4096);
	check_eq(rd(IOAT_ATTNSTATUS, 4), 1);
	check_eq(set_state(side, STOP), 0);
	check(interrupted());
	check_eq(set_state(side, RUNNING), 0);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	check_eq(set_state(side, STOP), 0);
	interrupted();
	check_eq(set_state(side, RUNNING), 0);
	migrate(4096);
	check_eq(set_state(side, STOP), 0);
	check(!interrupted());
	teardown();
}

TEST(reset_and_disconnect_end_the_pause)
{
	setup();
	check_eq(set_state(side, RESUMING), 0);
	check_eq(vuser_client_reset(side->client), 0);
	bus_master();
	put_desc(0, 0, IOVA + DATA, IOVA + DATA + BYTES);
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	wr(IOAT_DMACOUNT, 2, 1);
	check(until_state(IOAT_IDLE));
	check_eq(set_state(side, STOP), 0);
	vuser_client_free(side->client);
	connect_to(side);
	bus_master();
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	wr(IOAT_DMACOUNT, 2, 1);
	check(until_state(IOAT_IDLE));
	teardown();
}

/* The destination gets the header while the device runs, and the rest after the stop. */
TEST(header_of_the_state_moves_before_the_device_stops)
{
	char buf[2 * sizeof(struct ioat_stream)];
	uint8_t result[RESULT];
	size_t len;

	setup();
	bus_master();
	put_chain(result, 2 * NR);
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	check_eq(set_state(side, PRE_COPY), 0);
	check_eq(read_stream(buf, sizeof(buf), 7), IOAT_STREAM_HEADER);
	check_eq(read_stream(buf, sizeof(buf), 4096), 0);
	/* The device runs. */
	wr(IOAT_DMACOUNT, 2, NR);
	check(until_state(IOAT_IDLE));
	connect_to(other());
	check_eq(set_state(other(), RESUMING), 0);
	write_stream(other(), buf, IOAT_STREAM_HEADER, 5);
	wr(IOAT_DMACOUNT, 2, 2 * NR);
	check_eq(set_state(side, COPY), 0);
	len = read_stream(buf, sizeof(buf), 4096);
	check_eq(len, sizeof(struct ioat_stream) - IOAT_STREAM_HEADER);
	write_stream(other(), buf, len, 4096);
	check_eq(set_state(other(), RUNNING), 0);
	vuser_client_free(side->client);
	side->client = NULL;
	side = other();
	check(until_state(IOAT_IDLE));
	check(!memcmp(memory + DATA, result, sizeof(result)));
	teardown();
}

/* In a P2P state the device has registers, but does not access memory. */
static void wait_p2p(uint32_t p2p, uint32_t run)
{
	uint8_t before[RESULT], result[RESULT];

	put_chain(result, NR);
	check_eq(set_state(side, p2p), 0);
	memcpy(before, memory + DATA, sizeof(before));
	wr(IOAT_DMACOUNT, 2, rd(IOAT_DMACOUNT, 2) + NR);
	check_eq(state(), IOAT_ACTIVE);
	poll(NULL, 0, NEVER_MS);
	check(!memcmp(before, memory + DATA, sizeof(before)));
	check_eq(set_state(side, run), 0);
	check(until_state(IOAT_IDLE));
	check(!memcmp(memory + DATA, result, sizeof(result)));
}

TEST(device_waits_in_the_states_between_running_and_stopped)
{
	char buf[2 * sizeof(struct ioat_stream)];

	setup();
	bus_master();
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	wait_p2p(VFIO_DEVICE_STATE_RUNNING_P2P, RUNNING);
	check_eq(set_state(side, PRE_COPY), 0);
	check_eq(read_stream(buf, sizeof(buf), 7), IOAT_STREAM_HEADER);
	wait_p2p(VFIO_DEVICE_STATE_PRE_COPY_P2P, PRE_COPY);
	/* The header does not come again. */
	check_eq(set_state(side, VFIO_DEVICE_STATE_PRE_COPY_P2P), 0);
	check_eq(read_stream(buf, sizeof(buf), 4096), 0);
	check_eq(set_state(side, COPY), 0);
	check_eq(read_stream(buf, sizeof(buf), 4096),
		 sizeof(struct ioat_stream) - IOAT_STREAM_HEADER);
	teardown();
}

TEST(migration_that_is_given_up_in_pre_copy_changes_nothing)
{
	char buf[2 * sizeof(struct ioat_stream)];
	uint8_t result[RESULT];

	setup();
	bus_master();
	put_chain(result, NR);
	wr(IOAT_CHAINADDR, 8, IOVA + RING);
	wr(IOAT_DMACOUNT, 2, NR);
	check_eq(set_state(side, PRE_COPY), 0);
	check_eq(set_state(side, RUNNING), 0);
	check(until_state(IOAT_IDLE));
	check(!memcmp(memory + DATA, result, sizeof(result)));
	/* A reset ends PRE_COPY. The next stream starts at its header. */
	check_eq(set_state(side, PRE_COPY), 0);
	check_eq(vuser_client_reset(side->client), 0);
	check_eq(set_state(side, COPY), 0);
	check_eq(read_stream(buf, sizeof(buf), 4096),
		 sizeof(struct ioat_stream));
	teardown();
}

TEST(header_of_another_version_is_refused_when_it_arrives)
{
	struct ioat_stream stream;

	setup();
	check_eq(set_state(side, PRE_COPY), 0);
	check_eq(read_stream(&stream, sizeof(stream), 4096),
		 IOAT_STREAM_HEADER);
	check_eq(set_state(side, RUNNING), 0);
	check_eq(set_state(side, RESUMING), 0);
	stream.version++;
	check_eq(vuser_client_mig_write(side->client, &stream, 12), 0);
	check_eq(vuser_client_mig_write(side->client, &stream.size, 4),
		 -EINVAL);
	teardown();
}

TEST(size_of_the_state_is_known)
{
	struct vfio_device_feature_mig_data_size size = { 0 };

	setup();
	check(vuser_client_feature(side->client,
				   VFIO_DEVICE_FEATURE_GET |
					   VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
				   &size, 0, sizeof(size)) > 0);
	check_eq(size.stop_copy_length, sizeof(struct ioat_stream));
	teardown();
}

/* Load a stream; return the result of the last step. The device is reset afterwards. */
static int try_stream(const void *buf, size_t len)
{
	int ret = set_state(side, RESUMING);

	check_eq(ret, 0);
	ret = vuser_client_mig_write(side->client, buf, len);
	if (!ret)
		ret = set_state(side, RUNNING);
	/* A register of each part can be read. */
	rd(IOAT_CHANSTS, 8);
	rd(IOAT_CHANERR, 4);
	check_eq(vuser_client_reset(side->client), 0);
	check_eq(state(), IOAT_HALTED);
	return ret;
}

TEST(streams_that_do_not_match_are_refused)
{
	struct ioat_stream good, bad;
	uint8_t more[sizeof(good) + 1] = { 0 };

	setup();
	bus_master();
	check_eq(set_state(side, COPY), 0);
	check_eq(read_stream(&good, sizeof(good), 65536), sizeof(good));
	check_eq(set_state(side, RUNNING), 0);
	check_eq(try_stream(&good, sizeof(good)), 0);
	check_eq(try_stream(&good, sizeof(good) - 1), -EINVAL);
	memcpy(more, &good, sizeof(good));
	check_eq(try_stream(more, sizeof(more)), -EINVAL);
#define REFUSED(member, value)                                    \
	do {                                                      \
		bad = good;                                       \
		bad.member = value;                               \
		check_eq(try_stream(&bad, sizeof(bad)), -EINVAL); \
	} while (0)
	REFUSED(magic, 0);
	REFUSED(version, IOAT_STREAM_VERSION + 1);
	REFUSED(size, sizeof(good) - 1);
	REFUSED(state, 5);
	REFUSED(flags, IOAT_STREAM_FLAGS + 1);
	REFUSED(chancmp, 1);
	REFUSED(cfg[PCI_VENDOR_ID], 0);
	teardown();
}

TEST(stream_with_any_values_does_no_harm)
{
	struct ioat_stream good, bad;
	unsigned int i, accepted = 0;
	size_t j;

	setup();
	bus_master();
	check_eq(set_state(side, COPY), 0);
	check_eq(read_stream(&good, sizeof(good), 65536), sizeof(good));
	check_eq(set_state(side, RUNNING), 0);
	for (i = 0; i < 500; i++) {
		bad = good;
		for (j = 16; j < offsetof(struct ioat_stream, cfg); j++)
			if (!(rand() % 8))
				((uint8_t *)&bad)[j] = rand();
		if (i % 4) {
			bad.state = rand() % 5;
			bad.flags &= IOAT_STREAM_FLAGS;
			bad.chancmp &= ~7ull;
			bad.next = IOVA + (rand() % SIZE & ~63);
		}
		accepted += !try_stream(&bad, sizeof(bad));
	}
	check(accepted > 100);
	teardown();
}
