/* SPDX-License-Identifier: GPL-2.0 */
/* Access to the memory of a consumer that uses iommufd. */
#ifndef VUSER_IOMMUFD_H
#define VUSER_IOMMUFD_H

#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/ktime.h>
#include <linux/types.h>

struct iommufd_ctx;
struct vfio_device;
struct vuser_iommufd_access;

#if IS_ENABLED(CONFIG_IOMMUFD)

/*
 * The members of struct vfio_device_ops for iommufd.  _bind and _unbind must
 * call vuser_iommufd_bind() and vuser_iommufd_unbind().
 */
#define VUSER_IOMMUFD_OPS(_bind, _unbind)				\
	.bind_iommufd = (_bind),					\
	.unbind_iommufd = (_unbind),					\
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,		\
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,

int vuser_iommufd_bind(struct vfio_device *vdev, struct iommufd_ctx *ictx,
		       u32 *id, struct vuser_iommufd_access **out);
void vuser_iommufd_unbind(struct vfio_device *vdev,
			  struct vuser_iommufd_access *access);

void vuser_iommufd_begin(struct vuser_iommufd_access *access);
int vuser_iommufd_rw(struct vuser_iommufd_access *access, u64 iova, void *buf,
		     size_t len, bool write);
void vuser_iommufd_end(struct vuser_iommufd_access *access);
bool vuser_iommufd_wait_idle(struct vuser_iommufd_access *access,
			     ktime_t deadline);

#else /* the kernel has no iommufd: no device has an access */

#define VUSER_IOMMUFD_OPS(_bind, _unbind)

static inline int vuser_iommufd_bind(struct vfio_device *vdev,
				     struct iommufd_ctx *ictx, u32 *id,
				     struct vuser_iommufd_access **out)
{
	return -EOPNOTSUPP;
}

static inline void vuser_iommufd_unbind(struct vfio_device *vdev,
					struct vuser_iommufd_access *access)
{
}

static inline void vuser_iommufd_begin(struct vuser_iommufd_access *access)
{
}

static inline int vuser_iommufd_rw(struct vuser_iommufd_access *access, u64 iova,
				   void *buf, size_t len, bool write)
{
	return -EFAULT;
}

static inline void vuser_iommufd_end(struct vuser_iommufd_access *access)
{
}

static inline bool vuser_iommufd_wait_idle(struct vuser_iommufd_access *access,
					   ktime_t deadline)
{
	return true;
}

#endif

#endif /* VUSER_IOMMUFD_H */
