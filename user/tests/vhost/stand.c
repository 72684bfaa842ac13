// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include <vuser/sock.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

/* Replace the file descriptor in @where with a copy of the received one. */
static void keep(int *where, struct fake *fake)
{
	if (*where >= 0)
		close(*where);
	*where = fake->nr_fds ? dup(fake->fds[0]) : -1;
}

/* The thread that writes the state to be saved, or reads the state to be loaded. */
static void *move_state(void *arg)
{
	struct stand *stand = arg;
	ssize_t n = 1;

	while (stand->saving && stand->moved < stand->state_len && n > 0) {
		n = write(stand->state_fd, stand->state + stand->moved,
			  stand->state_len - stand->moved);
		stand->moved += n > 0 ? n : 0;
	}
	while (!stand->saving && n > 0) {
		n = read(stand->state_fd, stand->loaded + stand->moved,
			 sizeof(stand->loaded) - stand->moved);
		stand->moved += n > 0 ? n : 0;
	}
	close(stand->state_fd);
	return NULL;
}

static void end_state(struct stand *stand)
{
	if (stand->moving)
		pthread_join(stand->mover, NULL);
	stand->moving = false;
}

static void start_state(struct stand *stand, struct fake *fake)
{
	end_state(stand);
	stand->state_features = stand->features;
	stand->saving = fake->msg.payload.device_state.direction ==
			VHOST_USER_STATE_SAVE;
	stand->state_fd = fake->fds[0];
	stand->moved = 0;
	stand->moving = true;
	fake->fds[0] = -1;
	require(!pthread_create(&stand->mover, NULL, move_state, stand));
}

/* Record the requests about ring 0 and reply correctly. */
static enum fake_action on_request(struct fake *fake)
{
	struct stand *stand = (struct stand *)fake->data;
	const union vhost_user_payload *payload = &fake->msg.payload;

	if (stand->refuse && fake->msg.hdr.request == stand->refuse) {
		fake->reply.payload.u64 = stand->refuse_value ?: 1;
		return FAKE_SEND;
	}
	switch (fake->msg.hdr.request) {
	case VHOST_USER_SET_VRING_BASE:
		stand->base = payload->state.num;
		break;
	case VHOST_USER_GET_VRING_BASE:
		fake->reply.payload.state = payload->state;
		fake->reply.payload.state.num = stand->stopped_at;
		return FAKE_SEND;
	case VHOST_USER_REM_MEM_REG:
		stand->stopped = fake->seen[VHOST_USER_GET_VRING_BASE];
		break;
	case VHOST_USER_SET_PROTOCOL_FEATURES:
		stand->protocol = payload->u64;
		break;
	case VHOST_USER_SET_FEATURES:
		stand->features = payload->u64;
		break;
	case VHOST_USER_SET_VRING_KICK:
		keep(&stand->kick, fake);
		break;
	case VHOST_USER_SET_VRING_ERR:
		stand->announced |= 1 << (payload->u64 & 31);
		if (!(payload->u64 & VHOST_USER_VRING_MASK))
			keep(&stand->err, fake);
		break;
	case VHOST_USER_SET_INFLIGHT_FD:
		keep(&stand->inflight, fake);
		stand->inflight_size = payload->inflight.mmap_size;
		stand->announced_before_inflight = stand->announced;
		break;
	case VHOST_USER_GET_INFLIGHT_FD:
		stand->announced_before_inflight = stand->announced;
		break;
	case VHOST_USER_SET_VRING_CALL:
		keep(&stand->call, fake);
		stand->calls++;
		break;
	case VHOST_USER_ADD_MEM_REG:
		keep(&stand->memory, fake);
		stand->region = payload->mem_reg.region;
		break;
	case VHOST_USER_SET_MEM_TABLE:
		keep(&stand->memory, fake);
		stand->region = payload->memory.regions[0];
		break;
	case VHOST_USER_SET_CONFIG:
		stand->set_config = payload->config;
		break;
	case VHOST_USER_SET_STATUS:
		stand->status = payload->u64;
		break;
	case VHOST_USER_SET_DEVICE_STATE_FD:
		start_state(stand, fake);
		break;
	case VHOST_USER_CHECK_DEVICE_STATE:
		end_state(stand);
		fake->reply.payload.u64 = stand->state_bad;
		return FAKE_SEND;
	case VHOST_USER_SET_LOG_BASE:
		keep(&stand->log, fake);
		stand->log_size = payload->log.size;
		break;
	case VHOST_USER_GET_SHARED_OBJECT:
		fake->reply.payload.shared = payload->shared;
		fake->reply_fd = stand->object < 0 ? -1 : dup(stand->object);
		return FAKE_SEND;
	case VHOST_USER_SET_VRING_ADDR:
		stand->addr = payload->addr;
		break;
	case VHOST_USER_GET_CONFIG:
		fake->reply.payload.config = payload->config;
		memcpy(fake->reply.payload.config.data,
		       stand->config + payload->config.offset,
		       payload->config.size);
		return FAKE_SEND;
	}
	return FAKE_DEFAULT;
}

struct stand *stand_new(void)
{
	static unsigned int number;
	struct stand *stand = calloc(1, sizeof(*stand));
	int front;

	require(stand);
	front = fake_init(&stand->fake);
	close(front);
	close(stand->fake.fd);
	stand->fake.hook = on_request;
	stand->fake.data = stand;
	stand->kick = stand->call = stand->err = stand->memory = stand->fd = -1;
	stand->stop = stand->log = stand->sock = -1;
	stand->inflight = stand->object = -1;
	snprintf(stand->path, sizeof(stand->path), "/tmp/stand-%d-%u.sock",
		 getpid(), number++);
	/* vuser-vhost ignores SIGPIPE, too. */
	signal(SIGPIPE, SIG_IGN);
	unlink(stand->path);
	return stand;
}

static void start_listening(struct stand *stand)
{
	stand->listener = vuser_sock_listen(stand->path);
	require(stand->listener >= 0);
}

/* Later connections are refused. */
static void stop_listening(struct stand *stand)
{
	close(stand->listener);
	unlink(stand->path);
}

static void *accept_front(void *arg)
{
	struct stand *stand = arg;
	struct pollfd pfd = { .fd = stand->listener, .events = POLLIN };

	poll(&pfd, 1, -1);
	stand->fake.fd = accept4(stand->listener, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
	fake_start(&stand->fake);
	return NULL;
}

int stand_device(struct stand *stand, const struct vhost_device_options *opt)
{
	struct vhost_device_options options = *opt;
	pthread_t acceptor;
	int ret;

	options.backend = stand->path;
	start_listening(stand);
	require(!pthread_create(&acceptor, NULL, accept_front, stand));
	ret = vhost_device_new(&options, &stand->device);
	pthread_join(acceptor, NULL);
	stop_listening(stand);
	return ret;
}

static int on_stop(sd_event_source *source, int fd, uint32_t revents,
		   void *data)
{
	(void)fd;
	(void)revents;
	(void)data;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

struct loop {
	struct stand *stand;
	int fd;
};

static void *run_loop(void *arg)
{
	struct loop *loop = arg;
	struct stand *stand = loop->stand;
	sd_event *event = NULL;

	if (sd_event_new(&event) < 0 ||
	    sd_event_add_io(event, NULL, stand->stop, EPOLLIN, on_stop, NULL) <
		    0 ||
	    vhost_device_serve_fd(stand->device, loop->fd, event))
		abort();
	free(loop);
	sd_event_loop(event);
	vhost_device_free(stand->device);
	stand->device = NULL;
	sd_event_unref(event);
	return NULL;
}

void stand_serve(struct stand *stand)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int pair[2];

	require(loop &&
		!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    0, pair));
	stand->stop = eventfd(0, EFD_CLOEXEC);
	stand->sock = dup(pair[1]);
	loop->stand = stand;
	loop->fd = pair[0];
	require(!pthread_create(&stand->thread, NULL, run_loop, loop));
	require(!vuser_client_new_fd(pair[1], NULL, 20000, NULL, NULL,
				     &stand->client));
}

void stand_lose_backend(struct stand *stand)
{
	shutdown(stand->fake.fd, SHUT_RDWR);
}

void stand_new_backend(struct stand *stand)
{
	fake_stop(&stand->fake);
	memset(stand->fake.seen, 0, sizeof(stand->fake.seen));
	start_listening(stand);
	accept_front(stand);
	stop_listening(stand);
}

static void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

void stand_free(struct stand *stand)
{
	vuser_client_free(stand->client);
	close_if(stand->sock);
	if (stand->stop >= 0) {
		eventfd_write(stand->stop, 1);
		pthread_join(stand->thread, NULL);
	}
	vhost_device_free(stand->device);
	/* The back end's thread ends when the front end disconnects. */
	fake_stop(&stand->fake);
	check(!stand->fake.rule);
	end_state(stand);
	close_if(stand->kick);
	close_if(stand->call);
	close_if(stand->err);
	close_if(stand->memory);
	close_if(stand->log);
	close_if(stand->inflight);
	close_if(stand->stop);
	close_if(stand->fd);
	free(stand);
}

uint64_t stand_read(struct stand *stand, uint64_t offset, uint32_t count)
{
	uint64_t value = 0;

	check_eq(vuser_client_read(stand->client, VFIO_PCI_BAR0_REGION_INDEX,
				   offset, &value, count),
		 0);
	return value;
}

void stand_write(struct stand *stand, uint64_t offset, uint32_t count,
		 uint64_t value)
{
	check_eq(vuser_client_write(stand->client, VFIO_PCI_BAR0_REGION_INDEX,
				    offset, &value, count),
		 0);
}

/* Create the device and the client, and start the event loop. */
static struct stand *serve(struct stand *stand, const char *type)
{
	struct vhost_device_options options = { .queue_size = 256 };

	require(!vhost_type_find(type, &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	return stand;
}

struct stand *stand_setup_default(const char *type)
{
	return serve(stand_new(), type);
}

struct stand *stand_setup(const char *type, uint64_t features,
			  uint64_t protocol)
{
	struct stand *stand = stand_new();

	stand->fake.features = features;
	stand->fake.protocol = protocol;
	return serve(stand, type);
}

void stand_start(struct stand *stand, uint64_t features)
{
	stand_features(stand, features | VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0xf);
}

void stand_map(struct stand *stand)
{
	stand->fd = memfd_create("client", MFD_CLOEXEC);
	require(stand->fd >= 0 && !ftruncate(stand->fd, 2 * STAND_SIZE));
	stand_map_again(stand);
}

void stand_map_again(struct stand *stand)
{
	check_eq(vuser_client_dma_map(stand->client, STAND_IOVA, STAND_SIZE,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      stand->fd, STAND_SIZE),
		 0);
}

void stand_unmap(struct stand *stand, uint64_t iova, uint64_t size)
{
	check_eq(vuser_client_dma_unmap(stand->client, iova, size), 0);
}

void stand_features(struct stand *stand, uint64_t features)
{
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	stand_write(stand, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_GF, 4, (uint32_t)features);
	stand_write(stand, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_GF, 4, features >> 32);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_STATUS, 1), 0xb);
}

void stand_queue(struct stand *stand, uint64_t desc, uint64_t driver,
		 uint64_t device, uint16_t vector)
{
	stand_queue_at(stand, 0, desc, driver, device, vector);
}

void stand_queue_at(struct stand *stand, uint16_t index, uint64_t desc,
		    uint64_t driver, uint64_t device, uint16_t vector)
{
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_MSIX, 2, vector);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_DESCLO, 8, desc);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, driver);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_USEDLO, 8, device);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

uint8_t stand_status(struct stand *stand)
{
	return stand_read(stand, VIRTIO_PCI_COMMON_STATUS, 1);
}

void stand_driver_ok(struct stand *stand)
{
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
}

uint8_t stand_isr(struct stand *stand)
{
	return stand_read(stand, VHOST_BAR_ISR, 1);
}

int stand_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	require(fd >= 0);
	return fd;
}

void stand_set_irq(struct stand *stand, uint32_t index, uint32_t start, int fd)
{
	check_eq(vuser_client_set_irqs(stand->client,
				       VFIO_IRQ_SET_DATA_EVENTFD |
					       VFIO_IRQ_SET_ACTION_TRIGGER,
				       index, start, 1, NULL, &fd),
		 0);
}

void stand_msix(struct stand *stand, uint32_t vector, int fd)
{
	stand_set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, vector, fd);
}

uint64_t stand_event(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	eventfd_t count = 0;

	if (poll(&pfd, 1, timeout_ms) == 1)
		eventfd_read(fd, &count);
	return count;
}
