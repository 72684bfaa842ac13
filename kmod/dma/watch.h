/* SPDX-License-Identifier: GPL-2.0 */
/* Watches a range of a process's address space for pages that are unmapped. */
#ifndef VUSER_WATCH_H
#define VUSER_WATCH_H

#include <linux/err.h>
#include <linux/kconfig.h>
#include <linux/types.h>

struct vuser_watch;

#if IS_ENABLED(CONFIG_MMU_NOTIFIER)

unsigned long vuser_watch_size(unsigned long nr);
struct vuser_watch *vuser_watch_start(unsigned long vaddr, unsigned long nr);
bool vuser_watch_untouched(struct vuser_watch *watch);
bool vuser_watch_lock(struct vuser_watch *watch, unsigned long index);
void vuser_watch_unlock(struct vuser_watch *watch);
void vuser_watch_stop(struct vuser_watch *watch);

#else /* the kernel does not report unmapped pages: no range can be watched */

static inline unsigned long vuser_watch_size(unsigned long nr)
{
	return 0;
}

static inline struct vuser_watch *vuser_watch_start(unsigned long vaddr,
						    unsigned long nr)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline bool vuser_watch_untouched(struct vuser_watch *watch)
{
	return false;
}

static inline bool vuser_watch_lock(struct vuser_watch *watch,
				    unsigned long index)
{
	return false;
}

static inline void vuser_watch_unlock(struct vuser_watch *watch)
{
}

static inline void vuser_watch_stop(struct vuser_watch *watch)
{
}

#endif

#endif /* VUSER_WATCH_H */
