// SPDX-License-Identifier: GPL-2.0
/*
 * The device that the server offers while it behaves well.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/socket.h>

#include "server.h"

#define RW (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)

static const char version_plain[] =
	"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}";
static const char version_twin[] =
	"{\"capabilities\":{\"max_msg_fds\":8,"
	"\"twin_socket\":{\"supported\":true,\"fd_index\":0}}}";

static void put(struct message *reply, const void *data, size_t len)
{
	memcpy(reply->data + reply->len, data, len);
	reply->len += len;
}

static void good_version(struct server *s)
{
	struct vfio_user_version head = { .minor = VFIO_USER_MINOR };
	int pair[2];

	put(&s->reply, &head, sizeof(head));
	if (!s->twin ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		put(&s->reply, version_plain, sizeof(version_plain));
		return;
	}
	put(&s->reply, version_twin, sizeof(version_twin));
	s->twin_fd = pair[0];
	s->reply.fds[0] = pair[1];
	s->reply.nr_fds = 1;
}

static void good_info(struct server *s)
{
	struct vfio_user_device_info info = {
		.argsz = sizeof(info),
		.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
		.num_regions = VFIO_PCI_CONFIG_REGION_INDEX + 1,
		.num_irqs = VFIO_PCI_MSIX_IRQ_INDEX + 1,
	};

	put(&s->reply, &info, sizeof(info));
}

static void good_region(struct server *s)
{
	struct vfio_user_region_info info = { .argsz = sizeof(info) };
	struct {
		struct vfio_user_cap_sparse_mmap cap;
		struct vfio_user_sparse_area area;
	} sparse = {
		.cap.header = { VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 },
		.cap.nr_areas = 1,
		.area = { 0, HOSTILE_AREA_SIZE },
	};

	memcpy(&info.index, s->cmd.data + 8, sizeof(info.index));
	switch (info.index) {
	case VFIO_PCI_BAR0_REGION_INDEX:
		info.size = HOSTILE_BAR0_SIZE;
		info.flags = RW;
		break;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		info.size = HOSTILE_CONFIG;
		info.flags = RW;
		break;
	case VFIO_PCI_BAR2_REGION_INDEX:
		info.size = HOSTILE_BAR2_SIZE;
		info.flags = RW | VFIO_REGION_INFO_FLAG_MMAP |
			     VFIO_REGION_INFO_FLAG_CAPS;
		info.argsz += sizeof(sparse);
		info.cap_offset = sizeof(info);
		put(&s->reply, &info, sizeof(info));
		put(&s->reply, &sparse, sizeof(sparse));
		s->reply.fds[0] = fcntl(s->area_fd, F_DUPFD_CLOEXEC, 0);
		s->reply.nr_fds = 1;
		return;
	}
	put(&s->reply, &info, sizeof(info));
}

static void good_io_fds(struct server *s)
{
	struct vfio_user_region_io_fds info = { .argsz = sizeof(info) };

	memcpy(&info.index, s->cmd.data + 8, sizeof(info.index));
	put(&s->reply, &info, sizeof(info));
}

static void good_irq(struct server *s)
{
	struct vfio_user_irq_info info = {
		.argsz = sizeof(info),
		.flags = VFIO_IRQ_INFO_EVENTFD,
	};

	memcpy(&info.index, s->cmd.data + 8, sizeof(info.index));
	if (info.index == VFIO_PCI_MSIX_IRQ_INDEX)
		info.count = HOSTILE_NR_MSIX;
	put(&s->reply, &info, sizeof(info));
}

static void good_read(struct server *s)
{
	static const uint8_t config[HOSTILE_CONFIG] = { 0x36, 0x1b, 0x01 };
	const uint32_t id = HOSTILE_ID;
	struct vfio_user_region_access acc;

	memcpy(&acc, s->cmd.data, sizeof(acc));
	put(&s->reply, &acc, sizeof(acc));
	memset(s->reply.data + s->reply.len, 0, acc.count);
	if (acc.region == VFIO_PCI_CONFIG_REGION_INDEX &&
	    acc.offset + acc.count <= sizeof(config))
		memcpy(s->reply.data + s->reply.len, config + acc.offset,
		       acc.count);
	else if (!acc.offset && acc.count == sizeof(id))
		memcpy(s->reply.data + s->reply.len, &id, sizeof(id));
	s->reply.len += acc.count;
}

static void good_feature(struct server *s)
{
	struct vfio_user_device_feature head;

	memcpy(&head, s->cmd.data, sizeof(head));
	put(&s->reply, &head, sizeof(head));
	memset(s->reply.data + s->reply.len, 0, head.argsz - sizeof(head));
	s->reply.len = head.argsz;
}

bool good_reply(struct server *s)
{
	struct message *reply = &s->reply;

	reply->hdr = s->cmd.hdr;
	reply->hdr.flags = VFIO_USER_FLAGS_TYPE_REPLY;
	reply->hdr.error_no = 0;
	reply->len = 0;
	reply->nr_fds = 0;
	switch (s->cmd.hdr.command) {
	case VFIO_USER_VERSION:
		good_version(s);
		break;
	case VFIO_USER_DEVICE_GET_INFO:
		good_info(s);
		break;
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		good_region(s);
		break;
	case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
		good_io_fds(s);
		break;
	case VFIO_USER_DEVICE_GET_IRQ_INFO:
		good_irq(s);
		break;
	case VFIO_USER_REGION_READ:
		good_read(s);
		break;
	case VFIO_USER_REGION_WRITE:
		put(reply, s->cmd.data, sizeof(struct vfio_user_region_access));
		break;
	case VFIO_USER_DMA_UNMAP:
		put(reply, s->cmd.data, sizeof(struct vfio_user_dma_unmap));
		break;
	case VFIO_USER_DEVICE_FEATURE:
		good_feature(s);
		break;
	}
	return !(s->cmd.hdr.flags & VFIO_USER_FLAGS_NO_REPLY);
}
