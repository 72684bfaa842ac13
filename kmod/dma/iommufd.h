/* SPDX-License-Identifier: GPL-2.0 */
/* A consumer that comes by iommufd, and the access to its memory. */
#ifndef VUSER_IOMMUFD_H
#define VUSER_IOMMUFD_H

#include <linux/kconfig.h>
#include <linux/ktime.h>
#include <linux/types.h>

struct iommufd_ctx;
struct vfio_device;
struct vuser_access;

#if IS_ENABLED(CONFIG_IOMMUFD)

#define VUSER_IOMMUFD_OPS						\
	.bind_iommufd = vuser_iommufd_bind,				\
	.unbind_iommufd = vuser_iommufd_unbind,				\
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,		\
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,

int vuser_iommufd_bind(struct vfio_device *vdev, struct iommufd_ctx *ictx,
		       u32 *id);
void vuser_iommufd_unbind(struct vfio_device *vdev);

void vuser_access_begin(struct vuser_access *access);
int vuser_access_rw(struct vuser_access *access, u64 iova, void *buf,
		    size_t len, bool write);
void vuser_access_end(struct vuser_access *access);
bool vuser_access_idle(struct vuser_access *access, ktime_t deadline);

#else /* no consumer comes that way, so that no device has an access */

#define VUSER_IOMMUFD_OPS

static inline void vuser_access_begin(struct vuser_access *access)
{
}

static inline int vuser_access_rw(struct vuser_access *access, u64 iova,
				  void *buf, size_t len, bool write)
{
	return -EFAULT;
}

static inline void vuser_access_end(struct vuser_access *access)
{
}

static inline bool vuser_access_idle(struct vuser_access *access,
				     ktime_t deadline)
{
	return true;
}

#endif

#endif /* VUSER_IOMMUFD_H */
