// SPDX-License-Identifier: GPL-2.0
/*
 * The complete server against a client that sends any messages on both sockets,
 * connects again after a disconnect, and replies to the server or not.  The
 * server has a device with registers, shared memory and ioeventfds.  There is
 * one thread, and it never waits for time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/pci.h>
#include <vuser/server.h>

#include "stream.h"

#define REGION_SIZE 0x4000

/* Registers of region 0: writing an address to REG_DMA starts a transfer. */
#define REG_DMA	    0x100
#define REG_DMA_LEN 0x108

#define LOG_PAGE 4096

/* Options in the first byte of the input. */
#define OPT_NO_TWIN	   0x01
#define OPT_NO_WRITE_MULTI 0x02
#define OPT_MINOR_0	   0x04
#define OPT_NO_DMA_FDS	   0x08
#define OPT_HIDE	   0x10 /* the library implements migration as well */
#define OPT_SMALL_XFER	   0x20
#define OPT_FEW_MAPS	   0x40
#define OPT_HELLO	   0x80

static struct {
	struct vuser_server *server;
	struct vuser_pci pci;
	uint8_t regs[REGION_SIZE];
	uint8_t buf[REGION_SIZE];
	bool connected;
	bool library; /* the library implements migration */
	bool logging;
	enum vfio_device_mig_state state;
	unsigned int maps;
} dev;

static int memory_fd, io_fd;
static struct fuzz_in input;
static struct stream_peer client, twin;

static void connected(void *data)
{
	(void)data;
	FUZZ_CHECK(!dev.connected);
	dev.connected = true;
}

static void disconnected(void *data, int error)
{
	(void)data;
	FUZZ_CHECK(dev.connected && error <= 0);
	dev.connected = false;
	dev.state = VFIO_DEVICE_STATE_RUNNING;
}

static int reset(void *data)
{
	(void)data;
	vuser_pci_reset(&dev.pci);
	memset(dev.regs, 0, sizeof(dev.regs));
	dev.state = VFIO_DEVICE_STATE_RUNNING;
	return 0;
}

static int dma_map(void *data, const struct vuser_dma_region *region)
{
	(void)data;
	FUZZ_CHECK(region->size);
	if (region->iova == 0x666000)
		return -EIO;
	dev.maps++;
	return 0;
}

static void dma_unmap(void *data, const struct vuser_dma_region *region)
{
	(void)data;
	FUZZ_CHECK(region->size && dev.maps);
	dev.maps--;
}

static void irq_state(void *data, uint32_t index, uint32_t start,
		      uint32_t count)
{
	(void)data;
	while (count--)
		vuser_irq_trigger(dev.server, index, start + count);
}

static ssize_t feature(void *data, uint32_t flags, void *buf, size_t len,
		       size_t size)
{
	(void)data;
	FUZZ_CHECK(len <= size);
	memset((char *)buf + len, 1, size - len);
	return flags & 1 ? -ENOTTY : (ssize_t)size;
}

/* Change one step; some steps fail. */
static int migrate(void *data, enum vfio_device_mig_state from,
		   enum vfio_device_mig_state to)
{
	(void)data;
	FUZZ_CHECK(from == dev.state && from != to);
	FUZZ_CHECK(from == VFIO_DEVICE_STATE_STOP ||
		   to == VFIO_DEVICE_STATE_STOP);
	if (dev.regs[0] == to)
		return -EIO;
	dev.state = to;
	return 0;
}

static int log_start(void *data, uint64_t *page_size)
{
	(void)data;
	FUZZ_CHECK(!dev.logging);
	*page_size = LOG_PAGE;
	if (dev.regs[0] == 'l')
		return -EIO;
	dev.logging = true;
	return 0;
}

static void log_stop(void *data)
{
	(void)data;
	FUZZ_CHECK(dev.logging);
	dev.logging = false;
}

/* Check that the whole bitmap is writable and zeroed. */
static int log_report(void *data, uint64_t iova, uint64_t len,
		      uint64_t page_size, uint64_t *bitmap)
{
	uint64_t bit;

	(void)data;
	FUZZ_CHECK(dev.logging && len && !(iova % LOG_PAGE));
	FUZZ_CHECK(iova + (len - 1) >= iova && !(len % LOG_PAGE));
	for (bit = 0; bit <= (len - 1) / page_size; bit++) {
		FUZZ_CHECK(!(bitmap[bit / 64] & 1ULL << bit % 64));
		bitmap[bit / 64] |= 1ULL << bit % 64;
	}
	return 0;
}

static ssize_t mig_read(void *data, void *buf, size_t count)
{
	(void)data;
	FUZZ_CHECK(!dev.library || dev.state == VFIO_DEVICE_STATE_STOP_COPY);
	memset(buf, 'm', count);
	return count > 100 ? 100 : count;
}

static int mig_write(void *data, const void *buf, size_t count)
{
	(void)data;
	FUZZ_CHECK(!dev.library || dev.state == VFIO_DEVICE_STATE_RESUMING);
	free(fuzz_copy(buf, count));
	return 0;
}

static void log_line(void *data, int level, const char *line)
{
	(void)data;
	(void)level;
	FUZZ_CHECK(strlen(line) < 256);
}

static const struct vuser_server_ops ops = {
	.struct_size = sizeof(ops),
	.connected = connected,
	.disconnected = disconnected,
	.reset = reset,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.irq_state = irq_state,
	.feature = feature,
	.migrate = migrate,
	.log_start = log_start,
	.log_stop = log_stop,
	.log_report = log_report,
	.mig_read = mig_read,
	.mig_write = mig_write,
	.log = log_line,
};

/* Access the client's memory through a pointer if possible, and by copying. */
static void transfer(uint64_t iova, uint32_t len)
{
	struct vuser_dma_ref ref;

	len %= sizeof(dev.buf);
	if (!vuser_dma_get(dev.server, iova, len, PROT_READ, &ref)) {
		memcpy(dev.buf, ref.ptr, len);
		vuser_dma_put(dev.server, &ref);
	}
	if (!vuser_dma_read(dev.server, iova, dev.buf, len))
		vuser_dma_write(dev.server, iova + len, dev.buf, len);
}

static int read_region(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	(void)data;
	FUZZ_CHECK(count && offset + count <= REGION_SIZE);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return vuser_pci_read(&dev.pci, offset, buf, count);
	memcpy(buf, dev.regs + offset, count);
	return 0;
}

static int write_region(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	uint32_t len;
	uint64_t iova;

	(void)data;
	FUZZ_CHECK(count && offset + count <= REGION_SIZE);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return vuser_pci_write(&dev.pci, offset, buf, count);
	memcpy(dev.regs + offset, buf, count);
	if (index == 0 && offset == REG_DMA && count == sizeof(iova)) {
		memcpy(&iova, buf, sizeof(iova));
		memcpy(&len, dev.regs + REG_DMA_LEN, sizeof(len));
		transfer(iova, len);
	}
	return offset == 0x200 ? -EIO : 0;
}

static void add_regions(void)
{
	const uint32_t rw = VFIO_REGION_INFO_FLAG_READ |
			    VFIO_REGION_INFO_FLAG_WRITE;
	const struct vfio_user_sparse_area areas[] = {
		{ 0x1000, 0x1000 },
		{ 0x3000, 0x1000 },
	};
	struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = REGION_SIZE,
		.flags = rw,
		.access_max = 8,
		.read = read_region,
		.write = write_region,
		.fd = -1,
	};

	FUZZ_CHECK(!vuser_server_set_region(dev.server, 0, &region));
	region.access_max = 0;
	FUZZ_CHECK(!vuser_server_set_region(dev.server, 2, &region));
	FUZZ_CHECK(!vuser_server_add_ioeventfd(dev.server, 2, 0x1000, 4, 0, 0,
					       io_fd));
	FUZZ_CHECK(!vuser_server_add_ioeventfd(dev.server, 2, 0x1004, 2,
					       VFIO_USER_IOEVENTFD_DATAMATCH, 7,
					       io_fd));
	region.flags = VFIO_REGION_INFO_FLAG_READ;
	region.has_type = true;
	region.type = 1;
	FUZZ_CHECK(!vuser_server_set_region(dev.server, 9, &region));
	region.flags = rw;
	region.fd = memory_fd;
	region.areas = areas;
	region.nr_areas = 2;
	FUZZ_CHECK(!vuser_server_set_region(dev.server, 1, &region));
	FUZZ_CHECK(!vuser_pci_config_region(&dev.pci, &region));
	region.read = read_region;
	region.write = write_region;
	FUZZ_CHECK(!vuser_server_set_region(
		dev.server, VFIO_PCI_CONFIG_REGION_INDEX, &region));
}

static void add_device(uint8_t opt)
{
	const struct vuser_pci_ids ids = {
		.struct_size = sizeof(ids),
		.vendor = 0x5655,
		.device = 1,
	};
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
		.no_twin = opt & OPT_NO_TWIN,
		.no_write_multi = opt & OPT_NO_WRITE_MULTI,
		.use_minor = opt & OPT_MINOR_0,
		.no_dma_fds = opt & OPT_NO_DMA_FDS,
		.hide_max_dma_maps = opt & OPT_HIDE,
		.migration = opt & OPT_HIDE,
		.dma_logging = opt & OPT_HIDE,
		.max_data_xfer_size = opt & OPT_SMALL_XFER ? 100 : 0x8000,
		.max_dma_maps = opt & OPT_FEW_MAPS ? 2 : 0,
		.dma_timeout_ms = -1,
	};

	memset(&dev, 0, sizeof(dev));
	dev.library = config.migration;
	dev.state = VFIO_DEVICE_STATE_RUNNING;
	FUZZ_CHECK(!vuser_pci_init(&dev.pci, VUSER_PCI_CFG_SIZE, &ids));
	FUZZ_CHECK(!vuser_pci_set_bar(&dev.pci, 0, REGION_SIZE, 0));
	vuser_pci_seal(&dev.pci);
	FUZZ_CHECK(!vuser_server_new(&ops, &config, NULL, &dev.server));
	add_regions();
	FUZZ_CHECK(!vuser_server_set_irqs(dev.server, VFIO_PCI_INTX_IRQ_INDEX,
					  VFIO_IRQ_INFO_EVENTFD |
						  VFIO_IRQ_INFO_MASKABLE |
						  VFIO_IRQ_INFO_AUTOMASKED,
					  1));
	FUZZ_CHECK(!vuser_server_set_irqs(
		dev.server, VFIO_PCI_MSIX_IRQ_INDEX,
		VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE, 4));
}

/* The client's end of the twin socket arrives with the reply to VERSION. */
static void drain(void)
{
	stream_drain(&client);
	if (twin.fd < 0 && client.twin >= 0) {
		stream_peer_init(&twin, client.twin);
		client.twin = -1;
	}
	if (twin.fd >= 0)
		stream_drain(&twin);
}

static void send_record(const struct record *rec)
{
	bool on_twin = rec->flags & RECORD_TWIN && twin.fd >= 0;

	stream_send(on_twin ? &twin : &client, rec);
}

/* The server waits for the client: send the next message, or hang up. */
static bool on_wait(void)
{
	struct record rec;

	drain();
	if (stream_next(&input, &rec)) {
		send_record(&rec);
		return true;
	}
	shutdown(client.fd, SHUT_WR);
	if (twin.fd >= 0)
		shutdown(twin.fd, SHUT_WR);
	return false;
}

static void hang_up(void)
{
	stream_peer_close(&client);
	stream_peer_close(&twin);
}

/*
 * Replaces the library's function, whose asynchronous I/O takes milliseconds
 * per run.  The fd must be open.
 */
struct vu_event_port;
void __wrap_vu_event_signal(struct vu_event_port *port, int fd);

void __wrap_vu_event_signal(struct vu_event_port *port, int fd)
{
	(void)port;
	FUZZ_CHECK(fcntl(fd, F_GETFD) >= 0);
}

static void process(void)
{
	struct pollfd pfd = {
		.fd = vuser_server_fd(dev.server),
		.events = POLLIN,
	};

	do {
		FUZZ_CHECK(!vuser_server_process(dev.server));
	} while (poll(&pfd, 1, 0) == 1);
}

static void connect_client(uint8_t opt)
{
	static const uint8_t hello[] =
		"\0\0\1\0{\"capabilities\":{\"max_msg_fds\":8,"
		"\"twin_socket\":{\"supported\":true},"
		"\"write_multiple\":true}}";
	const struct record rec = {
		.command = VFIO_USER_VERSION,
		.len = sizeof(hello),
		.data = hello,
	};
	int fds[2];

	FUZZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	FUZZ_CHECK(!vuser_server_serve(dev.server, fds[1]));
	stream_peer_init(&client, fds[0]);
	if (opt & OPT_HELLO)
		stream_send(&client, &rec);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stream_init();
	stream_peer_init(&client, -1);
	stream_peer_init(&twin, -1);
	memory_fd = memfd_create("device", MFD_CLOEXEC);
	FUZZ_CHECK(!ftruncate(memory_fd, REGION_SIZE));
	io_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record rec;
	uint8_t opt;

	input = (struct fuzz_in) { data, size };
	opt = fuzz_u8(&input);
	fuzz_fds_begin();
	add_device(opt);
	connect_client(opt);
	stream_on_wait = on_wait;
	while (stream_next(&input, &rec)) {
		send_record(&rec);
		if (rec.flags & RECORD_MORE)
			continue;
		process();
		drain();
		if (!client.closed)
			continue;
		hang_up();
		FUZZ_CHECK(!vuser_server_connected(dev.server));
		connect_client(opt);
	}
	if (size % 2) {
		hang_up();
		process();
		FUZZ_CHECK(!vuser_server_connected(dev.server));
		FUZZ_CHECK(!dev.maps && !dev.connected && !dev.logging);
	}
	vuser_server_free(dev.server);
	stream_on_wait = NULL;
	hang_up();
	FUZZ_CHECK(!dev.maps && !dev.connected && !dev.logging);
	fuzz_fds_end();
	return 0;
}
