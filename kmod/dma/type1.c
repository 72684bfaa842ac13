// SPDX-License-Identifier: GPL-2.0
/*
 * The VFIO IOMMU backend for vuser devices.  type1 does not tell a device's driver
 * which memory a container maps, but a vfio-user server must know this.  So vuser
 * registers another backend beside type1.  For the consumer, this backend behaves
 * as type1, versions 1 and 2.
 *
 * VFIO's core first tries the backend that was registered last.  If attach_group()
 * fails, the core tries the next backend.  This backend accepts only groups of
 * vuser devices, so a container with another group gets type1.
 *
 * type1 accepts emulated groups as well.  So a container that got type1 for a
 * physical device keeps type1 when a vuser group is added, and the vuser device
 * cannot be opened.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/xarray.h>

#include "dma/backend.h"
#include "dma/domain.h"
#include "dma/domain_log.h"
#include "dma/map.h"
#include "dma/type1.h"
#include "dma/type1_log.h"

static unsigned int dma_entry_limit __read_mostly = U16_MAX;
module_param(dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit,
		 "Maximum number of user DMA mappings per container (65535).");

/**
 * struct vuser_group - a group of vuser devices that is attached to a container
 * @node: entry in vuser_groups
 * @group: the group; VFIO's core holds a reference while it is attached
 * @dom: the domain of the container; the container's cookie holds a reference
 *	while the group is attached
 */
struct vuser_group {
	struct list_head node;
	struct iommu_group *group;
	struct vuser_domain *dom;
};

/* Protects vuser_groups.  Held for short times only, never while waiting. */
static DEFINE_MUTEX(vuser_groups_lock);
static LIST_HEAD(vuser_groups);

/*
 * The domains of all containers, by cookie.
 *
 * VFIO's core passes the value that open() returned to each ioctl().  The core
 * holds no lock during ioctl(), so release() may run at the same time.  Therefore
 * open() returns a cookie instead of a pointer, and an ioctl that finds the domain
 * by its cookie takes a reference.
 */
static DEFINE_XARRAY_ALLOC1(vuser_domains);

/* The function @owns of struct vuser_dma_ops. */
static bool (*vuser_type1_owns)(struct device *dev);

static unsigned long vuser_cookie(void *iommu_data)
{
	return (unsigned long)iommu_data;
}

/* The domain of a cookie, with a reference; NULL after release(). */
static struct vuser_domain *vuser_type1_get_domain(void *iommu_data)
{
	struct vuser_domain *dom;

	xa_lock(&vuser_domains);
	dom = xa_load(&vuser_domains, vuser_cookie(iommu_data));
	if (dom)
		kref_get(&dom->ref);
	xa_unlock(&vuser_domains);
	return dom;
}

/* Containers -------------------------------------------------------------- */

static void *vuser_type1_open(unsigned long arg)
{
	static u32 next;
	struct vuser_domain *dom;
	u32 id;
	int ret;

	if (arg != VFIO_TYPE1_IOMMU && arg != VFIO_TYPE1v2_IOMMU)
		return ERR_PTR(-EINVAL);
	dom = vuser_domain_alloc(arg == VFIO_TYPE1v2_IOMMU,
				 READ_ONCE(dma_entry_limit));
	if (!dom)
		return ERR_PTR(-ENOMEM);
	/*
	 * Assign cookies in a cycle, so that a cookie is not reused soon: an
	 * ioctl of a released container may still have its cookie.
	 */
	ret = xa_alloc_cyclic(&vuser_domains, &id, dom, XA_LIMIT(1, INT_MAX),
			      &next, GFP_KERNEL);
	if (ret < 0) {
		vuser_domain_put(dom);
		return ERR_PTR(ret);
	}
	return (void *)(unsigned long)id;
}

static void vuser_type1_release(void *iommu_data)
{
	struct vuser_domain *dom;
	struct vuser_group *group, *next;

	dom = xa_erase(&vuser_domains, vuser_cookie(iommu_data));
	if (WARN_ON(!dom))
		return;
	/*
	 * The core should have detached the groups.  Remove any that is left:
	 * its entry would point to a freed domain.
	 */
	mutex_lock(&vuser_groups_lock);
	list_for_each_entry_safe(group, next, &vuser_groups, node) {
		if (group->dom == dom) {
			list_del(&group->node);
			kfree(group);
		}
	}
	mutex_unlock(&vuser_groups_lock);
	vuser_domain_kill(dom);
}

/* Groups ------------------------------------------------------------------ */

/* The entry of a group, or NULL; under vuser_groups_lock. */
static struct vuser_group *vuser_group_find(struct iommu_group *iommu_group)
{
	struct vuser_group *group;

	list_for_each_entry(group, &vuser_groups, node)
		if (group->group == iommu_group)
			return group;
	return NULL;
}

/* Counts the devices of a group; fails at a device that is not a vuser device. */
static int vuser_group_check_device(struct device *dev, void *data)
{
	unsigned int *count = data;

	++*count;
	return vuser_type1_owns(dev) ? 0 : -ENODEV;
}

static int vuser_type1_attach_group(void *iommu_data,
				    struct iommu_group *iommu_group,
				    enum vfio_group_type type)
{
	struct vuser_group *group;
	unsigned int count = 0;
	int ret;

	if (type != VFIO_EMULATED_IOMMU)
		return -ENODEV;
	ret = iommu_group_for_each_dev(iommu_group, &count,
				       vuser_group_check_device);
	if (ret || !count)
		return ret ?: -ENODEV;

	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return -ENOMEM;
	group->group = iommu_group;
	group->dom = xa_load(&vuser_domains, vuser_cookie(iommu_data));

	mutex_lock(&vuser_groups_lock);
	ret = group->dom && !vuser_group_find(iommu_group) ? 0 : -EINVAL;
	if (!ret)
		list_add(&group->node, &vuser_groups);
	mutex_unlock(&vuser_groups_lock);
	if (ret)
		kfree(group);
	return ret;
}

static void vuser_type1_detach_group(void *iommu_data,
				     struct iommu_group *iommu_group)
{
	struct vuser_group *group;

	mutex_lock(&vuser_groups_lock);
	group = vuser_group_find(iommu_group);
	if (group)
		list_del(&group->node);
	mutex_unlock(&vuser_groups_lock);
	kfree(group);
}

/* ioctls ------------------------------------------------------------------ */

static long vuser_type1_check_extension(struct vuser_domain *dom,
					unsigned long arg)
{
	switch (arg) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		return dom ? 1 : 0;
	default:
		return 0;
	}
}

static int vuser_type1_add_iova_cap(struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	size_t size = struct_size(cap, iova_ranges, 1);
	int ret;

	cap = kzalloc(size, GFP_KERNEL);
	if (!cap)
		return -ENOMEM;
	cap->header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	cap->header.version = 1;
	cap->nr_iovas = 1;
	cap->iova_ranges[0].start = 0;
	cap->iova_ranges[0].end = VUSER_LAST_IOVA;
	ret = vfio_info_add_capability(caps, &cap->header, size);
	kfree(cap);
	return ret;
}

static int vuser_type1_add_avail_cap(struct vfio_info_cap *caps,
				     struct vuser_domain *dom)
{
	struct vfio_iommu_type1_info_dma_avail cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
		.header.version = 1,
		.avail = vuser_domain_avail(dom),
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

/*
 * Copies the capabilities to the buffer, after the struct.  If they do not fit,
 * sets @info->argsz to the size that they need.
 */
static int vuser_type1_put_caps(struct vfio_iommu_type1_info *info,
				struct vfio_info_cap *caps, void __user *arg)
{
	info->flags |= VFIO_IOMMU_INFO_CAPS;
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	if (copy_to_user(arg + sizeof(*info), caps->buf, caps->size))
		return -EFAULT;
	info->cap_offset = sizeof(*info);
	return 0;
}

static int vuser_type1_get_info(struct vuser_domain *dom, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info info = { };
	struct vfio_info_cap caps = { };
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	minsz = min_t(size_t, info.argsz, sizeof(info));

	info.flags = VFIO_IOMMU_INFO_PGSIZES;
	info.iova_pgsizes = PAGE_MASK;
	ret = vuser_type1_log_add_cap(&caps);
	if (!ret)
		ret = vuser_type1_add_avail_cap(&caps, dom);
	if (!ret)
		ret = vuser_type1_add_iova_cap(&caps);
	if (!ret)
		ret = vuser_type1_put_caps(&info, &caps, arg);
	kfree(caps.buf);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

/*
 * VFIO_DMA_MAP_FLAG_VADDR gives a new address to a mapping that has no valid
 * address.  The mappings of this backend always have a valid address, so this
 * fails, with the same errno as in type1.
 */
static int vuser_type1_update_vaddr(struct vuser_domain *dom,
				    const struct vfio_iommu_type1_dma_map *map)
{
	struct vuser_mapping **maps;
	size_t nr;

	maps = vuser_map_snapshot(&dom->map, map->iova,
				  map->iova + map->size - 1, &nr);
	if (IS_ERR(maps))
		return PTR_ERR(maps);
	kvfree(maps);
	return nr ? -EINVAL : -ENOENT;
}

static int vuser_type1_map_dma(struct vuser_domain *dom, void __user *arg)
{
	const u32 access = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;
	bool update;
	u64 last;
	u32 prot;

	if (copy_from_user(&map, arg, minsz))
		return -EFAULT;
	if (map.argsz < minsz ||
	    map.flags & ~(access | VFIO_DMA_MAP_FLAG_VADDR))
		return -EINVAL;
	prot = map.flags & access;
	update = map.flags & VFIO_DMA_MAP_FLAG_VADDR;
	if (!prot == !update || !map.size)
		return -EINVAL;
	if (check_add_overflow(map.iova, map.size - 1, &last) ||
	    check_add_overflow(map.vaddr, map.size - 1, &last))
		return -EOVERFLOW;
	if ((map.iova | map.vaddr | map.size) & ~PAGE_MASK)
		return -EINVAL;
	if (update)
		return vuser_type1_update_vaddr(dom, &map);
	return vuser_domain_map(dom, map.iova, map.vaddr, map.size, prot);
}

/* Checks the range to unmap, in the same order as type1, and sets *@last. */
static int vuser_type1_unmap_range(const struct vfio_iommu_type1_dma_unmap *un,
				   u64 *last)
{
	/* As in type1: mappings of emulated devices must keep their address. */
	if (un->flags & VFIO_DMA_UNMAP_FLAG_VADDR)
		return -EBUSY;
	if (un->iova & ~PAGE_MASK)
		return -EINVAL;
	if (un->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		*last = U64_MAX;
		return un->iova || un->size ? -EINVAL : 0;
	}
	if (!un->size || un->size & ~PAGE_MASK)
		return -EINVAL;
	return check_add_overflow(un->iova, un->size - 1, last) ? -EOVERFLOW :
								  0;
}

static int vuser_type1_unmap_dma(struct vuser_domain *dom, void __user *arg)
{
	const u32 known = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
			  VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL;
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vuser_domain_unmap range = {};
	struct vfio_bitmap bitmap = {};
	u64 last;
	int ret;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz || unmap.flags & ~known)
		return -EINVAL;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP) {
		ret = vuser_type1_log_get_unmap(&unmap, arg, &bitmap);
		if (ret)
			return ret;
	}
	ret = vuser_type1_unmap_range(&unmap, &last);
	if (ret)
		return ret;
	range.first = unmap.iova;
	range.last = last;
	range.all = unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL;
	range.bitmap = bitmap.data;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		ret = vuser_domain_log_unmap(dom, &range);
	else
		ret = vuser_domain_unmap(dom, &range);
	if (ret)
		return ret;
	unmap.size = range.unmapped;
	return copy_to_user(arg, &unmap, minsz) ? -EFAULT : 0;
}

static long vuser_type1_domain_ioctl(struct vuser_domain *dom, unsigned int cmd,
				     void __user *arg)
{
	switch (cmd) {
	case VFIO_IOMMU_GET_INFO:
		return vuser_type1_get_info(dom, arg);
	case VFIO_IOMMU_MAP_DMA:
		return vuser_type1_map_dma(dom, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return vuser_type1_unmap_dma(dom, arg);
	case VFIO_IOMMU_DIRTY_PAGES:
		return vuser_type1_log_ioctl(dom, arg);
	default:
		return -ENOTTY;
	}
}

static long vuser_type1_ioctl(void *iommu_data, unsigned int cmd,
			      unsigned long arg)
{
	struct vuser_domain *dom = NULL;
	long ret;

	/* Before the core opens a backend, it calls ioctl() of each with NULL. */
	if (!iommu_data)
		return cmd == VFIO_CHECK_EXTENSION ?
		       vuser_type1_check_extension(NULL, arg) : -ENOTTY;

	/* The core may drop its module reference meanwhile, after release(). */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	dom = vuser_type1_get_domain(iommu_data);
	if (!dom)
		ret = -ENODEV;
	else if (cmd == VFIO_CHECK_EXTENSION)
		ret = vuser_type1_check_extension(dom, arg);
	else
		ret = vuser_type1_domain_ioctl(dom, cmd, (void __user *)arg);
	if (dom)
		vuser_domain_put(dom);
	module_put(THIS_MODULE);
	return ret;
}

static const struct vfio_iommu_driver_ops vuser_type1_ops = {
	.name = "vuser",
	.owner = THIS_MODULE,
	.open = vuser_type1_open,
	.release = vuser_type1_release,
	.ioctl = vuser_type1_ioctl,
	.attach_group = vuser_type1_attach_group,
	.detach_group = vuser_type1_detach_group,
};

/* Devices ----------------------------------------------------------------- */

/**
 * vuser_type1_device_domain() - find the domain of the container of a device
 * @dev: the device, whose group is in a container
 *
 * Context: process; may sleep; takes vuser_groups_lock.
 * Return: the domain with a reference; NULL when the container has another
 * IOMMU backend.
 */
struct vuser_domain *vuser_type1_device_domain(struct device *dev)
{
	struct iommu_group *iommu_group = iommu_group_get(dev);
	struct vuser_domain *dom = NULL;
	struct vuser_group *group;

	mutex_lock(&vuser_groups_lock);
	group = vuser_group_find(iommu_group);
	if (group) {
		dom = group->dom;
		kref_get(&dom->ref);
	}
	mutex_unlock(&vuser_groups_lock);
	iommu_group_put(iommu_group);
	return dom;
}

/**
 * vuser_type1_init() - register the backend with VFIO
 * @owns: see struct vuser_dma_ops; only groups of such devices are accepted
 *
 * Context: process, when the module is loaded.
 * Return: 0 or a negative errno.
 */
int vuser_type1_init(bool (*owns)(struct device *dev))
{
	vuser_type1_owns = owns;
	return vfio_register_iommu_driver(&vuser_type1_ops);
}

/**
 * vuser_type1_exit() - unregister the backend
 *
 * Context: process, when the module is unloaded; no container uses the backend
 * any more.
 */
void vuser_type1_exit(void)
{
	vfio_unregister_iommu_driver(&vuser_type1_ops);
	xa_destroy(&vuser_domains);
}
