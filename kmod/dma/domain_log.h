/* SPDX-License-Identifier: GPL-2.0 */
/* The log of writes to the memory of a container, as its consumer uses it. */
#ifndef VUSER_DOMAIN_LOG_H
#define VUSER_DOMAIN_LOG_H

#include <linux/types.h>

struct vuser_domain;
struct vuser_domain_unmap;

int vuser_domain_log_start(struct vuser_domain *dom);
int vuser_domain_log_stop(struct vuser_domain *dom);
int vuser_domain_log_get(struct vuser_domain *dom, u64 first, u64 last, u64 __user *bitmap);
int vuser_domain_log_unmap(struct vuser_domain *dom, struct vuser_domain_unmap *unmap);

#endif /* VUSER_DOMAIN_LOG_H */
