/* SPDX-License-Identifier: GPL-2.0 */
/* Memory of other devices that a consumer has mapped for DMA. */
#ifndef VUSER_FOREIGN_H
#define VUSER_FOREIGN_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/types.h>

struct vm_area_struct;
struct vuser_channel;
struct vuser_dma_ops;
struct vuser_epoch;
struct vuser_regions;
struct vuser_runs;
struct vuser_watch;

/*
 * In the runs of device memory: this bit marks a trapped page.  The other bits are
 * its page number in the device file.
 */
#define VUSER_FOREIGN_TRAPPED	BIT(63)

/**
 * struct vuser_foreign - the device memory of a mapping
 * @regions: the regions of the vuser device that the consumer has mapped there; NULL
 *	for memory of a device of another driver.  The pages of shared areas are
 *	held.  All other pages of regions are trapped.  While a trapped page is not
 *	gone, the consumer has it mapped, so the device is open and @regions is valid
 * @watch: reports pages that the consumer unmaps; NULL if all pages are held
 * @held: number of pages that are held
 * @epoch: epoch of the held pages; a reference.  NULL for memory of a device of another
 *	driver
 * @accesses: number of accesses to trapped pages that run now; they use the mapping
 *	without the lock of the DMA map, so it is not released before they end
 * @ending: no access to a trapped page begins any more, and those that run end as
 *	soon as the server has answered.  Set under the lock of the DMA map
 */
struct vuser_foreign {
	struct vuser_regions *regions;
	struct vuser_watch *watch;
	unsigned long held;
	struct vuser_epoch *epoch;
	atomic_t accesses;
	bool ending;
};

void vuser_foreign_init(const struct vuser_dma_ops *ops);
bool vuser_foreign_inspect(struct vuser_foreign *fm,
			   struct vm_area_struct *vma);
int vuser_foreign_check(unsigned long vaddr, unsigned long nr);
int vuser_foreign_take(struct vuser_foreign *fm, struct vuser_runs *runs,
		       unsigned long vaddr, unsigned long nr, bool write);
void vuser_foreign_release(struct vuser_foreign *fm, struct vuser_runs *runs,
			   bool dirty);

bool vuser_foreign_lock(const struct vuser_foreign *fm);
void vuser_foreign_unlock(const struct vuser_foreign *fm);
bool vuser_foreign_holds(const struct vuser_foreign *fm, unsigned long frame);
bool vuser_foreign_traps(const struct vuser_foreign *fm,
			 const struct vuser_runs *runs, unsigned long index);
int vuser_foreign_copy(const struct vuser_foreign *fm,
		       const struct vuser_runs *runs, unsigned long index,
		       size_t offset, void *buf, size_t len, bool write);

void vuser_foreign_stop(struct vuser_foreign *fm);
void vuser_foreign_wait_idle(struct vuser_foreign *fm);
int vuser_foreign_begin(struct vuser_foreign *fm, unsigned long index);
int vuser_foreign_access(struct vuser_foreign *fm,
			 const struct vuser_runs *runs,
			 struct vuser_channel *chan, u64 offset, void *buf,
			 size_t len, bool write);
void vuser_foreign_end(struct vuser_foreign *fm);

#endif /* VUSER_FOREIGN_H */
