// SPDX-License-Identifier: GPL-2.0
/*
 * The description of a server's device: its memory, and the check of its contents.
 *
 * netlink/desc.c parses the description and checks its form.  vuser_desc_check()
 * then checks that the values are valid.  Nothing uses a description before this
 * check.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/overflow.h>
#include <linux/pci_regs.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <uapi/linux/vfio_user.h>

#include "server/desc.h"
#include "vuser.h"

/**
 * vuser_desc_alloc() - allocate an empty description
 *
 * Context: process; may sleep.
 * Return: the description with one reference, or NULL if memory ran out.
 */
struct vuser_desc *vuser_desc_alloc(void)
{
	struct vuser_desc *desc;

	desc = kvzalloc(sizeof(*desc), GFP_KERNEL);
	if (desc) {
		kref_init(&desc->ref);
		desc->server_uid = INVALID_UID;
		desc->server_gid = INVALID_GID;
	}
	return desc;
}

static void vuser_desc_region_release(struct vuser_region *region)
{
	u32 i;

	for (i = 0; i < region->nr_areas; i++)
		if (region->areas[i].file)
			fput(region->areas[i].file);
	for (i = 0; i < region->nr_ioeventfds; i++)
		if (region->ioeventfds[i].ctx)
			eventfd_ctx_put(region->ioeventfds[i].ctx);
	kvfree(region->areas);
	kvfree(region->ioeventfds);
}

static void vuser_desc_release(struct kref *ref)
{
	struct vuser_desc *desc = container_of(ref, struct vuser_desc, ref);
	u32 i;

	for (i = 0; i < VUSER_MAX_REGIONS; i++)
		vuser_desc_region_release(&desc->regions[i]);
	if (desc->intx_file)
		fput(desc->intx_file);
	put_pid(desc->server_pid);
	kfree(desc->config);
	kvfree(desc);
}

/**
 * vuser_desc_get() - take a reference
 * @desc: the description; another reference keeps it alive during the call
 *
 * Context: any.
 */
void vuser_desc_get(struct vuser_desc *desc)
{
	kref_get(&desc->ref);
}

/**
 * vuser_desc_put() - drop a reference
 * @desc: the description
 *
 * The last reference frees the description and drops its references to files and
 * eventfds.
 *
 * Context: process; may sleep.
 */
void vuser_desc_put(struct vuser_desc *desc)
{
	kref_put(&desc->ref, vuser_desc_release);
}

static int vuser_desc_area_cmp(const void *a, const void *b)
{
	const struct vuser_area *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/*
 * Sorts the areas and checks that each is page aligned and inside of the region,
 * and that they do not overlap.
 */
static int vuser_desc_areas_check(struct vuser_region *region)
{
	u64 end = 0, size = PAGE_ALIGN(region->size), area_end, file_end;
	struct vuser_area *area;
	u32 i;

	sort(region->areas, region->nr_areas, sizeof(*region->areas),
	     vuser_desc_area_cmp, NULL);
	for (i = 0; i < region->nr_areas; i++) {
		area = &region->areas[i];
		if (!area->size || !PAGE_ALIGNED(area->offset) ||
		    !PAGE_ALIGNED(area->size) ||
		    !PAGE_ALIGNED(area->file_offset))
			return -EINVAL;
		if (area->offset < end ||
		    check_add_overflow(area->offset, area->size, &area_end) ||
		    check_add_overflow(area->file_offset, area->size,
				       &file_end) ||
		    area_end > size || file_end > MAX_LFS_FILESIZE)
			return -EINVAL;
		end = area_end;
	}
	return 0;
}

static int vuser_desc_ioeventfds_check(struct vuser_region *region)
{
	struct vuser_ioeventfd *io;
	u32 i;

	for (i = 0; i < region->nr_ioeventfds; i++) {
		io = &region->ioeventfds[i];
		if (io->size > 8 || (io->size && !is_power_of_2(io->size)))
			return -EINVAL;
		if (io->offset >= region->size ||
		    io->size > region->size - io->offset)
			return -EINVAL;
		if (io->flags & ~(VFIO_USER_IOEVENTFD_DATAMATCH |
				  VFIO_USER_IOEVENTFD_PIO))
			return -EINVAL;
	}
	return 0;
}

static int vuser_desc_region_check(struct vuser_region *region)
{
	int ret;

	if (region->size > VUSER_OFFSET_MASK + 1)
		return -EINVAL;
	if (!region->size && (region->nr_areas || region->nr_ioeventfds))
		return -EINVAL;
	ret = vuser_desc_areas_check(region);
	return ret ? ret : vuser_desc_ioeventfds_check(region);
}

/**
 * vuser_desc_find_cap() - find a PCI capability in the copy of configuration space
 * @desc: the description
 * @id: PCI_CAP_ID_*
 * @size: bytes of the capability that the caller reads
 *
 * A list that does not end is followed for as many steps as capabilities fit.
 *
 * Context: any.
 * Return: the offset of the capability; 0 if the device has none, or if the
 * capability does not lie between the header and the end of the copy, within the
 * first 256 bytes.
 */
u32 vuser_desc_find_cap(const struct vuser_desc *desc, u8 id, u32 size)
{
	u32 pos, n = (PCI_CFG_SPACE_SIZE - PCI_STD_HEADER_SIZEOF) / 4;
	u32 end = min_t(u32, desc->config_size, PCI_CFG_SPACE_SIZE);

	if (end < PCI_STD_HEADER_SIZEOF ||
	    !(desc->config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return 0;
	pos = desc->config[PCI_CAPABILITY_LIST] & ~3;
	while (n-- && pos >= PCI_STD_HEADER_SIZEOF && pos + 2 <= end) {
		if (desc->config[pos + PCI_CAP_LIST_ID] == id)
			return pos + size <= end ? pos : 0;
		pos = desc->config[pos + PCI_CAP_LIST_NEXT] & ~3;
	}
	return 0;
}

/* The index of the region that holds the MSI-X table. */
static u32 vuser_desc_msix_region(const struct vuser_desc *desc)
{
	u32 pos = vuser_desc_find_cap(desc, PCI_CAP_ID_MSIX,
				      PCI_CAP_MSIX_SIZEOF);
	u32 bir;

	if (!pos)
		return VUSER_MAX_REGIONS;
	bir = desc->config[pos + PCI_MSIX_TABLE] & PCI_MSIX_TABLE_BIR;
	return bir <= VFIO_PCI_BAR5_REGION_INDEX ? bir : VUSER_MAX_REGIONS;
}

/**
 * vuser_desc_check() - check the values of a description
 * @desc: the description, not yet used by another thread.  The areas are sorted
 *	on return; unknown flags are dropped, configuration space is never posted,
 *	@max_msg_fds is at least 1, and @msix_region is set
 *
 * Context: process.
 * Return: 0, or -EINVAL if a value is not valid.
 */
int vuser_desc_check(struct vuser_desc *desc)
{
	u32 i;
	int ret;

	if (!(desc->flags & VFIO_DEVICE_FLAGS_PCI) ||
	    desc->nr_regions <= VFIO_PCI_CONFIG_REGION_INDEX ||
	    desc->nr_regions > VUSER_MAX_REGIONS ||
	    desc->nr_irqs > VUSER_MAX_IRQ_INDEXES ||
	    desc->config_size > VUSER_CONFIG_MAX)
		return -EINVAL;
	for (i = 0; i < desc->nr_regions; i++) {
		ret = vuser_desc_region_check(&desc->regions[i]);
		if (ret)
			return ret;
		desc->regions[i].flags &= VFIO_REGION_INFO_FLAG_READ |
					  VFIO_REGION_INFO_FLAG_WRITE |
					  VFIO_REGION_INFO_FLAG_MMAP;
	}
	for (i = 0; i < desc->nr_irqs; i++)
		if (desc->irqs[i].count > VUSER_MAX_IRQS)
			return -EINVAL;
	/*
	 * Programs identify the device by its PCI header, so configuration
	 * space must have at least the header.
	 */
	if (desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].size <
	    PCI_STD_HEADER_SIZEOF ||
	    desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].nr_areas)
		return -EINVAL;

	/* Writes to configuration space are never posted on PCI. */
	desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].posted = false;
	desc->flags &= VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	desc->max_msg_fds = max_t(u32, desc->max_msg_fds, 1);
	desc->msix_region = vuser_desc_msix_region(desc);
	return 0;
}
