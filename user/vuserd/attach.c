// SPDX-License-Identifier: GPL-2.0
/* The description of a device, as attributes of dev-attach. */
#include <errno.h>
#include <linux/vfio.h>
#include <linux/vuser.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../netlink/sock.h"
#include "attach.h"

/* Upper bounds of the size of one nest, in bytes. */
#define SIZE_SCALARS   256
#define SIZE_REGION    96
#define SIZE_AREA      64
#define SIZE_IOEVENTFD 80
#define SIZE_IRQ       48

static size_t message_size(const struct vuser_description *desc,
			   uint32_t config_size)
{
	size_t size = SIZE_SCALARS + config_size;
	uint32_t i;

	for (i = 0; i < desc->nr_regions; i++)
		size += SIZE_REGION + desc->regions[i].nr_areas * SIZE_AREA +
			desc->regions[i].nr_io_fds * SIZE_IOEVENTFD;
	return size + desc->nr_irqs * SIZE_IRQ;
}

static int put_area(struct nl_msg *msg, const struct vuser_area *area, int fd)
{
	struct nlattr *nest = nla_nest_start(msg, VUSER_A_REGION_AREA);

	if (!nest || nla_put_u64(msg, VUSER_A_AREA_OFFSET, area->offset) ||
	    nla_put_u64(msg, VUSER_A_AREA_SIZE, area->size) ||
	    nla_put_s32(msg, VUSER_A_AREA_FD, fd) ||
	    nla_put_u64(msg, VUSER_A_AREA_FILE_OFFSET, area->file_offset))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/*
 * A write is posted (the kernel does not wait for the server's reply) if no
 * other access can overtake it. So writes are not posted if the region is also
 * accessed through shared areas or ioeventfds. Writes to configuration space
 * are not posted on a PCI bus either.
 */
static bool is_posted(const struct vuser_description *desc, uint32_t index)
{
	const struct vuser_region *region = &desc->regions[index];
	bool config = desc->flags & VFIO_DEVICE_FLAGS_PCI &&
		      index == VFIO_PCI_CONFIG_REGION_INDEX;

	return region->flags & VFIO_REGION_INFO_FLAG_WRITE && !config &&
	       !region->nr_areas && !region->nr_io_fds;
}

static int put_region(struct nl_msg *msg, const struct vuser_description *desc,
		      uint32_t index)
{
	const struct vuser_region *region = &desc->regions[index];
	struct nlattr *nest = nla_nest_start(msg, VUSER_A_DEV_REGION);
	uint32_t i;

	if (!nest || nla_put_u32(msg, VUSER_A_REGION_INDEX, index) ||
	    nla_put_u64(msg, VUSER_A_REGION_SIZE, region->size) ||
	    nla_put_u32(msg, VUSER_A_REGION_FLAGS, region->flags))
		return -EMSGSIZE;
	if (region->has_type &&
	    (nla_put_u32(msg, VUSER_A_REGION_TYPE, region->type) ||
	     nla_put_u32(msg, VUSER_A_REGION_SUBTYPE, region->subtype)))
		return -EMSGSIZE;
	if (is_posted(desc, index) && nla_put_flag(msg, VUSER_A_REGION_POSTED))
		return -EMSGSIZE;
	for (i = 0; i < region->nr_areas; i++)
		if (put_area(msg, &region->areas[i], region->fd))
			return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int put_ioeventfd(struct nl_msg *msg, uint32_t region,
			 const struct vuser_io_fd *io)
{
	struct nlattr *nest = nla_nest_start(msg, VUSER_A_DEV_IOEVENTFD);

	if (!nest || nla_put_u32(msg, VUSER_A_IOEVENTFD_REGION, region) ||
	    nla_put_u64(msg, VUSER_A_IOEVENTFD_OFFSET, io->offset) ||
	    nla_put_u32(msg, VUSER_A_IOEVENTFD_SIZE, io->size) ||
	    nla_put_u32(msg, VUSER_A_IOEVENTFD_FLAGS, io->flags) ||
	    nla_put_u64(msg, VUSER_A_IOEVENTFD_DATAMATCH, io->datamatch) ||
	    nla_put_s32(msg, VUSER_A_IOEVENTFD_FD, io->fd))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Whether the kernel must mask INTx, since the server cannot. */
static bool needs_intx_fd(const struct vuser_description *desc)
{
	const struct vuser_irq *irq = &desc->irqs[VFIO_PCI_INTX_IRQ_INDEX];

	return desc->nr_irqs > VFIO_PCI_INTX_IRQ_INDEX && irq->count &&
	       !(irq->flags & VFIO_IRQ_INFO_MASKABLE);
}

static int put_irq(struct nl_msg *msg, uint32_t index,
		   const struct vuser_irq *irq, int intx_fd)
{
	struct nlattr *nest = nla_nest_start(msg, VUSER_A_DEV_IRQ);

	if (!nest || nla_put_u32(msg, VUSER_A_IRQ_INDEX, index) ||
	    nla_put_u32(msg, VUSER_A_IRQ_FLAGS, irq->flags) ||
	    nla_put_u32(msg, VUSER_A_IRQ_COUNT, irq->count))
		return -EMSGSIZE;
	if (index == VFIO_PCI_INTX_IRQ_INDEX && intx_fd >= 0 &&
	    nla_put_s32(msg, VUSER_A_IRQ_FD, intx_fd))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int put_scalars(struct nl_msg *msg, uint32_t id, uint64_t token,
		       const struct vuser_description *desc)
{
	const struct vuser_caps *caps = &desc->caps;

	if (nla_put_u32(msg, VUSER_A_DEV_ID, id) ||
	    nla_put_u64(msg, VUSER_A_DEV_TOKEN, token) ||
	    nla_put_s32(msg, VUSER_A_DEV_SOCKET_FD, desc->sock) ||
	    nla_put_u32(msg, VUSER_A_DEV_MINOR, desc->minor) ||
	    nla_put_u32(msg, VUSER_A_DEV_MAX_MSG_FDS, caps->max_msg_fds) ||
	    nla_put_u32(msg, VUSER_A_DEV_MAX_DATA_XFER_SIZE,
			caps->max_data_xfer_size) ||
	    nla_put_u32(msg, VUSER_A_DEV_FLAGS, desc->flags))
		return -EMSGSIZE;
	if (desc->twin >= 0 &&
	    nla_put_s32(msg, VUSER_A_DEV_TWIN_FD, desc->twin))
		return -EMSGSIZE;
	if (caps->has_max_dma_maps &&
	    nla_put_u32(msg, VUSER_A_DEV_SERVER_MAX_DMA_MAPS,
			caps->max_dma_maps))
		return -EMSGSIZE;
	return 0;
}

static int put_all(struct nl_msg *msg, const struct vuser_description *desc,
		   const uint8_t *config, uint32_t config_size, int intx_fd)
{
	const struct vuser_region *region;
	uint32_t i, j;

	for (i = 0; i < desc->nr_regions; i++)
		if (put_region(msg, desc, i))
			return -EMSGSIZE;
	for (i = 0; i < desc->nr_regions; i++) {
		region = &desc->regions[i];
		for (j = 0; j < region->nr_io_fds; j++)
			if (put_ioeventfd(msg, i, &region->io_fds[j]))
				return -EMSGSIZE;
	}
	for (i = 0; i < desc->nr_irqs; i++)
		if (put_irq(msg, i, &desc->irqs[i], intx_fd))
			return -EMSGSIZE;
	if (config_size &&
	    nla_put(msg, VUSER_A_DEV_CONFIG, config_size, config))
		return -EMSGSIZE;
	return 0;
}

static int send_attach(struct vnl_sock *nl, uint32_t id, uint64_t token,
		       const struct vuser_description *desc,
		       const uint8_t *config, uint32_t config_size, int intx_fd,
		       bool replace)
{
	struct nl_msg *msg;

	msg = vnl_sock_request(nl, VUSER_CMD_DEV_ATTACH, 0,
			       message_size(desc, config_size));
	if (!msg)
		return -ENOMEM;
	if (put_scalars(msg, id, token, desc) ||
	    (replace && nla_put_flag(msg, VUSER_A_DEV_REPLACE)) ||
	    put_all(msg, desc, config, config_size, intx_fd)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return vnl_sock_call(nl, msg, NULL, NULL);
}

int attach(struct vnl_sock *nl, uint32_t id, uint64_t token,
	   const struct vuser_description *desc, const uint8_t *config,
	   uint32_t config_size, bool replace)
{
	int ret, fd = -1;

	if (needs_intx_fd(desc)) {
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd < 0)
			return -errno;
	}
	ret = send_attach(nl, id, token, desc, config, config_size, fd,
			  replace);
	if (fd >= 0)
		close(fd);
	return ret;
}
