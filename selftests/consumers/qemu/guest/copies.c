// SPDX-License-Identifier: GPL-2.0
/*
 * A load for the driver of a DMA engine in a guest: copies, and checks every byte.
 *
 * There are several sets of buffers.  While the engine works on the others, this module
 * checks and fills one.  A set takes COPIES copies.  So the engine has work even while the
 * guest gets little of a processor.  A copy that the engine loses is a set that is never done.
 *
 * The parameters "rounds" and "failure" tell how far it is.
 */
#include <linux/dma-mapping.h>
#include <linux/dmaengine.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

#define SIZE	65536
#define SLOTS	4
#define COPIES	1024
#define SETS	4
#define SECONDS 120

struct set {
	u64 *src[SLOTS];
	u64 *dst[SLOTS];
	dma_addr_t src_dma[SLOTS];
	dma_addr_t dst_dma[SLOTS];
	struct completion done;
	enum dmaengine_tx_result result;
	u64 seed;
	bool busy;
};

static unsigned int rounds;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "how many sets were copied and checked");

static char *failure = "none";
module_param(failure, charp, 0444);
MODULE_PARM_DESC(failure, "what was wrong first");

static struct dma_chan *chan;
static struct task_struct *thread;
static struct set sets[SETS];

static int fail(char *what)
{
	failure = what;
	return -EIO;
}

static u64 word(const struct set *set, int slot, int i)
{
	return (set->seed * SLOTS + slot) * 0x9e3779b97f4a7c15 + i;
}

static void set_done(void *data, const struct dmaengine_result *result)
{
	struct set *set = data;

	set->result = result ? result->result : DMA_TRANS_NOERROR;
	complete(&set->done);
}

static void set_fill(struct set *set, u64 seed)
{
	int slot, i;

	set->seed = seed;
	for (slot = 0; slot < SLOTS; slot++) {
		for (i = 0; i < SIZE / 8; i++)
			set->src[slot][i] = word(set, slot, i);
		memset(set->dst[slot], 0, SIZE);
	}
}

static int set_submit(struct set *set)
{
	struct dma_async_tx_descriptor *tx;
	int i, last = COPIES - 1;

	reinit_completion(&set->done);
	for (i = 0; i < COPIES; i++) {
		tx = dmaengine_prep_dma_memcpy(
			chan, set->dst_dma[i % SLOTS], set->src_dma[i % SLOTS],
			SIZE, i == last ? DMA_PREP_INTERRUPT : 0);
		if (!tx)
			return fail("the driver takes no copy");
		if (i == last) {
			tx->callback_result = set_done;
			tx->callback_param = set;
		}
		if (dma_submit_error(dmaengine_submit(tx)))
			return fail("the driver refuses a copy");
	}
	set->busy = true;
	dma_async_issue_pending(chan);
	return 0;
}

static int set_check(struct set *set)
{
	int slot, i;

	if (!set->busy)
		return 0;
	if (!wait_for_completion_timeout(&set->done, SECONDS * HZ))
		return fail("copies do not end");
	set->busy = false;
	if (set->result != DMA_TRANS_NOERROR)
		return fail("the driver reports an error");
	for (slot = 0; slot < SLOTS; slot++)
		for (i = 0; i < SIZE / 8; i++)
			if (set->dst[slot][i] != word(set, slot, i))
				return fail("a copy has a wrong byte");
	rounds++;
	return 0;
}

static int copy(void *unused)
{
	u64 seed = 0;
	int i, ret = 0;

	while (!ret && !kthread_should_stop()) {
		struct set *set = &sets[seed % SETS];

		ret = set_check(set);
		if (ret)
			break;
		set_fill(set, ++seed);
		ret = set_submit(set);
	}
	for (i = 0; !ret && i < SETS; i++)
		ret = set_check(&sets[i]);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return ret;
}

static int buffer(u64 **data, dma_addr_t *dma)
{
	struct device *dev = chan->device->dev;

	*data = dma_alloc_coherent(dev, SIZE, dma, GFP_KERNEL);
	return *data ? 0 : -ENOMEM;
}

static void buffer_free(u64 *data, dma_addr_t dma)
{
	if (data)
		dma_free_coherent(chan->device->dev, SIZE, data, dma);
}

static int set_init(struct set *set)
{
	int slot, ret = 0;

	init_completion(&set->done);
	for (slot = 0; !ret && slot < SLOTS; slot++)
		ret = buffer(&set->src[slot], &set->src_dma[slot]) ?:
			      buffer(&set->dst[slot], &set->dst_dma[slot]);
	return ret;
}

static void set_free(struct set *set)
{
	int slot;

	for (slot = 0; slot < SLOTS; slot++) {
		buffer_free(set->src[slot], set->src_dma[slot]);
		buffer_free(set->dst[slot], set->dst_dma[slot]);
	}
}

static void copies_free(void)
{
	int i;

	for (i = 0; i < SETS; i++)
		set_free(&sets[i]);
	dma_release_channel(chan);
}

static int __init copies_init(void)
{
	dma_cap_mask_t mask;
	int i, ret = 0;

	dma_cap_zero(mask);
	dma_cap_set(DMA_MEMCPY, mask);
	chan = dma_request_chan_by_mask(&mask);
	if (IS_ERR(chan))
		return PTR_ERR(chan);
	for (i = 0; !ret && i < SETS; i++)
		ret = set_init(&sets[i]);
	if (ret)
		goto err;
	thread = kthread_run(copy, NULL, "copies");
	if (!IS_ERR(thread))
		return 0;
	ret = PTR_ERR(thread);
err:
	copies_free();
	return ret;
}

static void __exit copies_exit(void)
{
	kthread_stop(thread);
	dmaengine_terminate_sync(chan);
	copies_free();
}

module_init(copies_init);
module_exit(copies_exit);
MODULE_DESCRIPTION("A load for the driver of a DMA engine");
MODULE_LICENSE("GPL");
