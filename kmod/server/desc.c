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

/* Of the header of configuration space: what programs identify a device by. */
static const struct vuser_desc_id {
	u8 pos;
	u8 size;
} vuser_desc_ids[] = {
	{ PCI_VENDOR_ID, 4 },
	{ PCI_CLASS_REVISION, 4 },
	{ PCI_SUBSYSTEM_VENDOR_ID, 4 },
};

static bool vuser_desc_same_ids(const struct vuser_desc *a, const struct vuser_desc *b)
{
	const struct vuser_desc_id *id;
	size_t i;

	if (a->config_size != b->config_size)
		return false;
	for (i = 0; i < ARRAY_SIZE(vuser_desc_ids); i++) {
		id = &vuser_desc_ids[i];
		if (id->pos + id->size <= a->config_size &&
		    memcmp(a->config + id->pos, b->config + id->pos, id->size))
			return false;
	}
	return true;
}

static bool vuser_desc_same_areas(const struct vuser_region *a,
				  const struct vuser_region *b)
{
	u32 i;

	if (a->nr_areas != b->nr_areas)
		return false;
	for (i = 0; i < a->nr_areas; i++)
		if (a->areas[i].offset != b->areas[i].offset ||
		    a->areas[i].size != b->areas[i].size ||
		    !a->areas[i].file != !b->areas[i].file)
			return false;
	return true;
}

static const char *vuser_desc_region_differs(const struct vuser_region *a,
					     const struct vuser_region *b)
{
	if (a->size != b->size)
		return "a region has another size";
	if (a->flags != b->flags)
		return "a region can be read, written or mapped otherwise";
	if (a->has_type != b->has_type || a->type != b->type ||
	    a->subtype != b->subtype)
		return "a region has another type";
	if (!vuser_desc_same_areas(a, b))
		return "other parts of a region are shared areas";
	return NULL;
}

static bool vuser_desc_same_irqs(const struct vuser_desc *a, const struct vuser_desc *b)
{
	u32 i;

	if (a->nr_irqs != b->nr_irqs || !a->intx_file != !b->intx_file)
		return false;
	for (i = 0; i < a->nr_irqs; i++)
		if (a->irqs[i].flags != b->irqs[i].flags ||
		    a->irqs[i].count != b->irqs[i].count)
			return false;
	return true;
}

/**
 * vuser_desc_differs() - compare a device with the device as opened
 * @opened: the description of the device when the consumer opened it
 * @desc: the description of another server's device
 *
 * Compares what a consumer can ask for, which must not change while the device is open.
 * Limits and files of the server may change.
 *
 * Context: any.
 * Return: NULL, or what differs, as a text that is constant.
 */
const char *vuser_desc_differs(const struct vuser_desc *opened,
			       const struct vuser_desc *desc)
{
	const char *why = NULL;
	u32 i;

	if (opened->flags != desc->flags)
		return "the flags of the device differ";
	if (opened->nr_regions != desc->nr_regions)
		return "it has another number of regions";
	for (i = 0; i < opened->nr_regions && !why; i++)
		why = vuser_desc_region_differs(&opened->regions[i],
						&desc->regions[i]);
	if (!why && !vuser_desc_same_irqs(opened, desc))
		why = "its interrupts differ";
	if (!why && !vuser_desc_same_ids(opened, desc))
		why = "its PCI IDs differ";
	if (!why && opened->msix_region != desc->msix_region)
		why = "its MSI-X table is in another region";
	return why;
}
