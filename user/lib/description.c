// SPDX-License-Identifier: BSD-3-Clause
/* The result of a handshake: built from replies, freed as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vuser/client.h>

#include "description.h"
#include "../libbase/fd.h"

struct vuser_description *vu_description_new(void)
{
	struct vuser_description *desc = calloc(1, sizeof(*desc));
	int i;

	if (!desc)
		return NULL;
	desc->sock = -1;
	desc->twin = -1;
	for (i = 0; i < VUSER_MAX_REGIONS; i++)
		desc->regions[i].fd = -1;
	return desc;
}

static void region_free(struct vuser_region *region)
{
	uint32_t i;

	vu_fd_close(region->fd);
	free(region->areas);
	free(region->io_fds);
	for (i = 0; i < region->nr_fds; i++)
		vu_fd_close(region->fds[i]);
	free(region->fds);
}

void vuser_description_free(struct vuser_description *desc)
{
	int i;

	if (!desc)
		return;
	for (i = 0; i < VUSER_MAX_REGIONS; i++)
		region_free(&desc->regions[i]);
	vu_fd_close(desc->sock);
	vu_fd_close(desc->twin);
	free(desc);
}

int vu_description_twin(struct vuser_description *desc, bool offered,
			struct vuser_msg *msg)
{
	int fd;

	if (!desc->caps.twin_supported)
		return 0;
	if (!offered || desc->caps.twin_fd_index < 0)
		return -EPROTO;
	fd = vuser_msg_take_fd(msg, desc->caps.twin_fd_index);
	if (fd < 0)
		return -EPROTO;
	if (!vu_fd_is_unix(fd)) {
		vu_fd_close(fd);
		return -EPROTO;
	}
	desc->twin = fd;
	return 0;
}

/* Only whole pages can be mapped: accesses to the rest of an area are trapped. */
static int add_area(struct vuser_region *region, uint64_t offset, uint64_t size,
		    uint64_t base)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	struct vuser_area *area;

	if (offset % page || base % page)
		return 0;
	size -= size % page;
	if (!size)
		return 0;
	if (base > INT64_MAX || offset > INT64_MAX - base ||
	    size > INT64_MAX - base - offset)
		return -EPROTO;
	area = &region->areas[region->nr_areas++];
	area->offset = offset;
	area->size = size;
	area->file_offset = base + offset;
	return 0;
}

static int add_areas(struct vuser_region *region,
		     const struct vfio_user_region_info *info,
		     const struct vuser_region_caps *caps)
{
	uint32_t i, max = caps->has_sparse ? caps->nr_areas : 1;
	int ret = 0;

	region->areas = calloc(max ?: 1, sizeof(*region->areas));
	if (!region->areas)
		return -ENOMEM;
	if (!caps->has_sparse)
		return add_area(region, 0, info->size, info->offset);
	for (i = 0; i < caps->nr_areas && !ret; i++)
		ret = add_area(region, caps->areas[i].offset,
			       caps->areas[i].size, info->offset);
	return ret;
}

int vu_description_region(struct vuser_description *desc, uint32_t index,
			  const struct vfio_user_region_info *info,
			  const struct vuser_region_caps *caps,
			  struct vuser_msg *msg)
{
	const uint32_t rw = VFIO_REGION_INFO_FLAG_READ |
			    VFIO_REGION_INFO_FLAG_WRITE;
	struct vuser_region *region = &desc->regions[index];
	int ret;

	region->size = info->size;
	region->flags = info->flags & rw;
	/*
	 * libvfio-user reports no flags for configuration space that it implements
	 * itself.  A PCI device always has one that can be read and written.
	 */
	if (desc->flags & VFIO_DEVICE_FLAGS_PCI &&
	    index == VFIO_PCI_CONFIG_REGION_INDEX && region->size &&
	    !region->flags)
		region->flags = rw;
	region->has_type = caps->has_type;
	region->type = caps->type;
	region->subtype = caps->subtype;
	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP) || !msg->nr_fds)
		return 0;
	ret = add_areas(region, info, caps);
	if (ret || !region->nr_areas)
		return ret;
	region->fd = vuser_msg_take_fd(msg, 0);
	region->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

/* Whether KVM can signal the eventfd. All other accesses are trapped. */
static bool io_fd_usable(const struct vfio_user_io_fd *io)
{
	const uint32_t known = VFIO_USER_IOEVENTFD_DATAMATCH |
			       VFIO_USER_IOEVENTFD_PIO;

	if (io->type != VFIO_USER_IO_FD_TYPE_IOEVENTFD || io->flags & ~known)
		return false;
	return io->size <= 8 && !(io->size & (io->size - 1));
}

int vu_description_io_fds(struct vuser_description *desc, uint32_t index,
			  const struct vfio_user_io_fd *io_fds, uint32_t count,
			  struct vuser_msg *msg)
{
	struct vuser_region *region = &desc->regions[index];
	uint32_t i, nr_fds = msg->nr_fds;
	struct vuser_io_fd *io;

	if (!count || !nr_fds)
		return 0;
	region->io_fds = calloc(count, sizeof(*region->io_fds));
	region->fds = calloc(nr_fds, sizeof(*region->fds));
	if (!region->io_fds || !region->fds)
		return -ENOMEM;
	for (i = 0; i < nr_fds; i++)
		region->fds[i] = vuser_msg_take_fd(msg, i);
	region->nr_fds = nr_fds;
	for (i = 0; i < count; i++) {
		if (!io_fd_usable(&io_fds[i]))
			continue;
		io = &region->io_fds[region->nr_io_fds++];
		io->offset = io_fds[i].offset;
		io->size = io_fds[i].size;
		io->flags = io_fds[i].flags;
		io->datamatch = io_fds[i].data;
		io->fd = region->fds[io_fds[i].fd_index];
	}
	return 0;
}
